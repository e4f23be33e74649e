import { OpenLedgerError } from '../errors.ts';
import { type ClaimedAnswer, MOST_ANSWER_TOKENS, answerFault, answersRoot } from '../protocol/answers.ts';
import { MOST_BATCH_TOKENS } from '../protocol/answers-file.ts';
import { MOST_ANSWERS, answerOfReceipt, batchFile } from '../protocol/batch.ts';
import { canonicalJson } from '../protocol/canonical.ts';
import type { Fee } from '../protocol/fee.ts';
import type { Receipt } from '../protocol/receipt.ts';
import type { ChainConnection } from './client.ts';
import { adapterRegistryViewsAbi, settlementAbi } from './generated/abis.ts';
import { claimOfReceipt } from './list-claims.ts';
import type { Payment } from './pay-answer.ts';
import { readPayoutRule, sameRule } from './read-payout-rule.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import { translated } from './translate-error.ts';
import type { Wallet } from './wallets.ts';

export interface BatchPayment extends Payment {
  /** Where the answers lie: a file of protocol/batch.ts. */
  cid: string;
  answers: number;
  gasUsed: bigint;
}

/** Read at once: a node may count requests. */
const AT_ONCE = 16;

/** What a batch of receipts costs now, in wei, after all that can be checked was. */
export interface BatchQuote {
  answers: ClaimedAnswer[];
  tokensIn: number;
  tokensOut: number;
  allocated: bigint;
  /** `contributors` is the most that the payouts may be. */
  fee: Fee;
  bond: bigint;
  ruleVersion: number;
}

/**
 * Checks 1 to 256 receipts of one adapter for paying them together, and says what it costs.
 * Errors: `pay/batch-size`, `pay/other-adapter`, `pay/receipt-twice`, `pay/bad-answer`, `pay/fee-changed`, `pay/rule-changed`,
 * `contract/receipt-already-paid`, `contract/unknown-adapter`, `chain/unreachable`.
 */
export async function quoteBatch(connection: ChainConnection, adapterId: bigint, receipts: readonly Receipt[]): Promise<BatchQuote> {
  if (receipts.length === 0 || receipts.length > MOST_ANSWERS) throw refused('pay/batch-size', `A claim is about 1 to ${MOST_ANSWERS} answers, not ${receipts.length}.`);
  const answers = receipts.map(answerOfReceipt);
  requireWhole(adapterId, receipts, answers);
  const settlement = { address: connection.contracts.settlement, abi: settlementAbi } as const;
  const registry = { address: connection.contracts.adapterRegistry, abi: adapterRegistryViewsAbi } as const;
  const { publicClient } = connection;
  const sum = (of: 'tokensIn' | 'tokensOut') => answers.reduce((total, answer) => total + answer[of], 0);
  const [tokensIn, tokensOut] = [sum('tokensIn'), sum('tokensOut')];
  if (tokensIn + tokensOut > MOST_BATCH_TOKENS) {
    throw refused('pay/batch-size', `The answers have ${tokensIn + tokensOut} tokens; a claim is about at most ${MOST_BATCH_TOKENS}, so that all can be shown on chain if need be.`, 'Nothing was paid. Pay them in several claims.');
  }
  const allocated = answers.reduce((total, answer) => total + answer.allocated, 0n);
  const [[, rateIn, rateOut], [programHash], fee, split, current, bond] = await translated('Asking for the price', () =>
    Promise.all([
      publicClient.readContract({ ...registry, functionName: 'terms', args: [adapterId] }),
      publicClient.readContract({ ...registry, functionName: 'origin', args: [adapterId] }),
      publicClient.readContract({ ...settlement, functionName: 'quoteBatch', args: [adapterId, answers.length, tokensIn, tokensOut] }),
      publicClient.readContract({ ...settlement, functionName: 'split' }),
      readPayoutRule(connection),
      publicClient.readContract({ ...settlement, functionName: 'bondFor', args: [allocated] }),
    ]));
  for (const [k, { prices, trace }] of receipts.entries()) {
    if (trace.program !== programHash) throw refused('pay/other-adapter', `Receipt ${k + 1} was made with another program than the adapter is registered with.`);
    const parts = prices.split.platform === split.platform && prices.split.owner === split.owner && prices.split.stakers === split.stakers && prices.split.contributors === split.contributors;
    if (prices.rateIn !== String(rateIn) || prices.rateOut !== String(rateOut) || !parts) throw refused('pay/fee-changed', `The price changed since receipt ${k + 1} was made.`, 'Make the receipts again; the answers stay.');
    if (!sameRule(prices.payout, current.rule)) throw refused('pay/rule-changed', `The payout rule changed since receipt ${k + 1} was made.`, 'Make the receipts again; the answers stay.');
  }
  if (allocated > fee.contributors) throw refused('pay/bad-answer', `The payouts sum to ${allocated} wei; the contributors’ part is ${fee.contributors} wei.`);
  await requireUnpaid(connection, answers);
  return { answers, tokensIn, tokensOut, allocated, fee, bond, ruleVersion: current.version };
}

/**
 * Pays for 1 to 256 answers of one adapter with one claim and one bond, by their receipts, in order. `publish` puts the file of the
 * answers where others can read it, and gives its CID; it is called after all that can be checked was. Whoever pays answers for every
 * receipt with the whole bond: one false answer loses it.
 * Errors: those of quoteBatch, of `publish` and of sendTransaction.
 */
export async function payBatch(
  connection: ChainConnection, wallet: Wallet, adapterId: bigint, receipts: readonly { receipt: Receipt; cid: string }[], publish: (file: Uint8Array) => Promise<string>, options: SendOptions = {},
): Promise<BatchPayment> {
  const { answers, tokensIn, tokensOut, allocated, fee, bond, ruleVersion } = await quoteBatch(connection, adapterId, receipts.map(({ receipt }) => receipt));
  const cid = await publish(new TextEncoder().encode(canonicalJson(batchFile(adapterId, answers.map((answer, k) => ({ answer, receiptCid: receipts[k]!.cid }))) as never)));
  const request = { adapterId, answersRoot: answersRoot(adapterId, answers), answers: answers.length, tokensIn, tokensOut, cid, contributorsPart: fee.contributors, allocated, ruleVersion };
  const address = connection.contracts.settlement;
  const call = { address, abi: settlementAbi, functionName: 'payBatch', args: [request], value: fee.total + bond } as const;
  const receipt = await sendTransaction(connection, wallet, 'Paying for the answers', call, options);
  const paid = receiptEvent(receipt, address, settlementAbi, 'BatchPaid');
  return {
    claimId: paid.claimId, fee: paid.fee, bond: paid.bond, deadline: Number(paid.deadline), cid, answers: answers.length,
    transaction: receipt.transactionHash, blockNumber: receipt.blockNumber, gasUsed: receipt.gasUsed, gasPaid: receipt.gasUsed * receipt.effectiveGasPrice,
  };
}

/** What the receipts say by themselves: a claim with such an answer would lose its bond. */
function requireWhole(adapterId: bigint, receipts: readonly Receipt[], answers: readonly ClaimedAnswer[]): void {
  const seen = new Map<string, number>();
  for (const [k, answer] of answers.entries()) {
    if (receipts[k]!.adapter.id !== String(adapterId)) throw refused('pay/other-adapter', `Receipt ${k + 1} is about adapter ${receipts[k]!.adapter.id || '(none on the chain)'}, not ${adapterId}.`);
    const before = seen.get(answer.receiptHash);
    if (before !== undefined) throw refused('pay/receipt-twice', `Receipts ${before + 1} and ${k + 1} are one and the same.`, 'Leave one of them out.');
    seen.set(answer.receiptHash, k);
    const tokens = answer.tokensIn + answer.tokensOut;
    const fault = answerFault(answer);
    if (fault && tokens <= MOST_ANSWER_TOKENS) throw refused('pay/bad-answer', `Receipt ${k + 1} is no whole answer: its ${fault}.`);
    if (fault) throw refused('pay/bad-answer', `Receipt ${k + 1} has ${tokens} tokens in prompt and answer; a claim is about at most ${MOST_ANSWER_TOKENS}.`);
  }
}

/** The contract keeps which receipts were paid alone; those paid in batches stand under roots only. */
async function requireUnpaid(connection: ChainConnection, answers: readonly ClaimedAnswer[]): Promise<void> {
  for (let at = 0; at < answers.length; at += AT_ONCE) {
    const claims = await Promise.all(answers.slice(at, at + AT_ONCE).map(({ receiptHash }) => claimOfReceipt(connection, receiptHash)));
    const k = claims.findIndex((claim) => claim !== undefined);
    if (k >= 0) throw refused('contract/receipt-already-paid', `Receipt ${at + k + 1} was paid already, with claim ${claims[k]}.`, 'Leave it out.');
  }
}

function refused(code: string, what: string, next = 'Nothing was paid.'): OpenLedgerError {
  return new OpenLedgerError({ code, what, next });
}
