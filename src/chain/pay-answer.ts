import { OpenLedgerError } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';
import { type Fee, type Payout, payoutRoot } from '../protocol/fee.ts';
import type { PayoutRule } from '../protocol/payout-rule.ts';
import type { ChainConnection } from './client.ts';
import { settlementAbi } from './generated/abis.ts';
import { readPayoutRule, sameRule } from './read-payout-rule.ts';
import { quoteFee } from './quote-fee.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import { translated } from './translate-error.ts';
import type { Wallet } from './wallets.ts';

export interface PaymentRequest {
  adapterId: bigint;
  tokensIn: number;
  tokensOut: number;
  /** canonicalHash of the receipt. */
  receiptHash: Hex;
  receiptCid: string;
  /** What the answer was computed from, and everything that was computed: attribution/trace. */
  inputsHash: Hex;
  traceRoot: Hex;
  /** Of the payouts' workings, from the receipt. */
  workingsRoot: Hex;
  /** Indices of the records that were read with the question, best first, as the receipt logs them. */
  read?: readonly number[] | undefined;
  /** Who gets what of the contributors' part, from the receipt; empty where no record helped. */
  payouts: Payout[];
  /** The contributors' part that the receipt divided, wei. Absent: the payouts are all of it, or none. */
  contributorsPart?: bigint | undefined;
  /** The payout rule of the receipt. Absent: the one in force, whatever it is. */
  rule?: PayoutRule | undefined;
}

export interface Payment {
  claimId: bigint;
  /** Exactly what the chain booked, in wei. */
  fee: Fee;
  /** Wei; returned when the claim is final. */
  bond: bigint;
  /** Unix time, seconds: the claim can be challenged until then. */
  deadline: number;
  transaction: Hex;
  blockNumber: bigint;
  /** Wei spent on gas. */
  gasPaid: bigint;
}

/**
 * Pays the fee and the bond, and puts the receipt's payouts on chain as a claim.
 * Errors: `pay/fee-changed`, `pay/rule-changed`, `contract/receipt-already-paid`, `contract/unknown-adapter` and those of sendTransaction.
 */
export async function payAnswer(
  connection: ChainConnection,
  wallet: Wallet,
  request: PaymentRequest,
  options: SendOptions = {},
): Promise<Payment> {
  const { adapterId, tokensIn, tokensOut, receiptHash, receiptCid, inputsHash, traceRoot, workingsRoot, read = [], payouts, rule } = request;
  const settlement = { address: connection.contracts.settlement, abi: settlementAbi } as const;
  const allocated = payouts.reduce((sum, payout) => sum + payout.amount, 0n);
  const [fee, current, bond] = await Promise.all([
    quoteFee(connection, { adapterId, tokensIn, tokensOut }),
    readPayoutRule(connection),
    translated('Asking for the bond', () =>
      connection.publicClient.readContract({ ...settlement, functionName: 'bondFor', args: [allocated] }),
    ),
  ]);
  const divided = request.contributorsPart ?? (allocated > 0n ? allocated : fee.contributors);
  if (divided !== fee.contributors || allocated > divided) {
    throw new OpenLedgerError({
      code: 'pay/fee-changed',
      what: 'The price changed since this receipt was made.',
      why: `It divided ${divided} wei and its payouts sum to ${allocated} wei; the contributors’ part is ${fee.contributors} wei now.`,
      next: 'Make the receipt again; the answer itself stays.',
    });
  }
  if (rule && !sameRule(rule, current.rule)) {
    throw new OpenLedgerError({
      code: 'pay/rule-changed',
      what: 'The payout rule changed since this receipt was made.',
      why: `Governance has set version ${current.version}.`,
      next: 'Make the receipt again; the answer itself stays.',
    });
  }
  const call = {
    ...settlement,
    functionName: 'pay',
    args: [
      {
        adapterId,
        answer: { tokensIn, tokensOut, receiptHash, inputsHash, traceRoot, workingsRoot, payoutRoot: payoutRoot(payouts), payoutCount: payouts.length, allocated, read: [...read] },
        receiptCid,
        contributorsPart: fee.contributors,
        ruleVersion: current.version,
      },
    ],
    value: fee.total + bond,
  } as const;
  const receipt = await sendTransaction(connection, wallet, 'Paying for the answer', call, options);
  const paid = receiptEvent(receipt, settlement.address, settlementAbi, 'AnswerPaid');
  return {
    claimId: paid.claimId,
    fee: paid.fee,
    bond: paid.bond,
    deadline: Number(paid.deadline),
    transaction: receipt.transactionHash,
    blockNumber: receipt.blockNumber,
    gasPaid: receipt.gasUsed * receipt.effectiveGasPrice,
  };
}
