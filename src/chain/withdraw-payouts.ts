import { OpenLedgerError } from '../errors.ts';
import type { AnswerOpening } from '../protocol/answers.ts';
import type { Hex } from '../protocol/bytes.ts';
import { type Payout, payoutLeaf, payoutRoot } from '../protocol/fee.ts';
import { merkleProof } from '../protocol/merkle.ts';
import type { ChainConnection } from './client.ts';
import { settlementAbi } from './generated/abis.ts';
import { type ClaimRecord, openingOf } from './list-claims.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

/** One payout that a contributor can fetch, with its proof. Amounts in wei. */
export interface PayoutItem {
  claimId: bigint;
  /** The answer, under the root of the claim's answers. */
  opening: AnswerOpening;
  index: bigint;
  amount: bigint;
  proof: Hex[];
}

/** A transaction stays well below a block's gas with so many. */
const ITEMS_PER_TRANSACTION = 100;

/**
 * A contributor's payout of one answer, from its receipt's payouts; undefined where there is none. An answer of a claim about several
 * is a record of its own: claimsOfBatch.
 * Errors: `payout/root-mismatch` where the payouts are not those that the claim committed to.
 */
export function payoutItem(
  claim: Pick<ClaimRecord, 'claimId' | 'answer' | 'opening'>,
  payouts: Payout[],
  contributor: Hex,
): PayoutItem | undefined {
  if (!claim.answer || payoutRoot(payouts) !== claim.answer.payoutRoot.toLowerCase()) {
    throw new OpenLedgerError({
      code: 'payout/root-mismatch',
      what: `The receipt of claim ${claim.claimId} is not the one that was paid.`,
      why: 'Its payouts do not lead to the root on chain.',
      next: 'Do not trust this receipt; look for another copy of it.',
    });
  }
  const index = payouts.findIndex((payout) => payout.contributor.toLowerCase() === contributor.toLowerCase());
  if (index < 0) return undefined;
  const proof = merkleProof(payouts.map(payoutLeaf), index);
  return { claimId: claim.claimId, opening: openingOf(claim), index: BigInt(index), amount: payouts[index]!.amount, proof };
}

export interface Withdrawal {
  /** Wei received, before gas. */
  amount: bigint;
  /** Wei spent on gas. */
  gasPaid: bigint;
  transactions: Hex[];
}

/**
 * Fetches payouts of final claims into the caller's account, in as few transactions as fit.
 * Errors: `contract/wrong-state` (not final yet), `contract/payout-already-withdrawn`, `contract/wrong-proof`,
 * `contract/nothing-to-withdraw` and those of sendTransaction.
 */
export async function withdrawPayouts(
  connection: ChainConnection,
  wallet: Wallet,
  items: PayoutItem[],
  options: SendOptions = {},
): Promise<Withdrawal> {
  if (items.length === 0) {
    throw new OpenLedgerError({ code: 'contract/nothing-to-withdraw', what: 'There is nothing to withdraw.' });
  }
  const out: Withdrawal = { amount: 0n, gasPaid: 0n, transactions: [] };
  for (let at = 0; at < items.length; at += ITEMS_PER_TRANSACTION) {
    const part = items.slice(at, at + ITEMS_PER_TRANSACTION);
    const call = {
      address: connection.contracts.settlement,
      abi: settlementAbi,
      functionName: 'withdrawPayouts',
      args: [part.map(({ opening, ...item }) => ({ ...item, opening: { ...opening, answer: { ...opening.answer, read: [...opening.answer.read] } } }))],
    } as const;
    const receipt = await sendTransaction(connection, wallet, 'Withdrawing the payouts', call, options);
    // With what the Datanet's pool added.
    out.amount += receiptEvent(receipt, call.address, settlementAbi, 'Withdrawn').amount;
    out.gasPaid += receipt.gasUsed * receipt.effectiveGasPrice;
    out.transactions.push(receipt.transactionHash);
  }
  return out;
}
