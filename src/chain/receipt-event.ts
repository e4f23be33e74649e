import {
  type Abi,
  type ContractEventArgsFromTopics,
  type ContractEventName,
  type TransactionReceipt,
  parseEventLogs,
} from 'viem';
import { OpenLedgerError } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';

/** The one event of this name that `address` emitted in a transaction. Errors: `chain/missing-event`. */
export function receiptEvent<const abi extends Abi, name extends ContractEventName<abi>>(
  receipt: TransactionReceipt,
  address: Hex,
  abi: abi,
  eventName: name,
): ContractEventArgsFromTopics<abi, name, true> {
  const logs = receipt.logs.filter((log) => log.address.toLowerCase() === address.toLowerCase());
  const [event] = parseEventLogs({ abi, eventName, logs, strict: true });
  if (event) return (event as { args: unknown }).args as ContractEventArgsFromTopics<abi, name, true>;
  throw new OpenLedgerError({
    code: 'chain/missing-event',
    what: 'The transaction went through without the expected effect.',
    why: `${receipt.transactionHash} holds no event ${String(eventName)}.`,
    next: 'The page may be meant for other contracts: reload it.',
  });
}
