import { ARITHMETIC } from '../arithmetic/rf32.ts';
import { answerWorkings, trainedValues } from '../protocol/answer-workings.ts';
import { type Hex, floatToHex } from '../protocol/bytes.ts';
import { type ReceiptPrices, divideFee } from '../protocol/divide-fee.ts';
import { payoutRoot } from '../protocol/fee.ts';
import type { Workings } from '../protocol/payout-workings.ts';
import { type Receipt, type Sampling, feeText, samplingText, scoreBits, scoresRoot } from '../protocol/receipt.ts';
import { type VersionRecord, versionRoot } from '../protocol/record.ts';
import type { RetrievalLog } from '../protocol/retrieval-share.ts';
import { METHOD } from './curvature/settings.ts';

export interface ReceiptInput {
  /** NO_NONCE where it is not to be paid. */
  nonce: Hex;
  base: { cid: string; root: Hex; format?: string | undefined };
  /** Absent for a greedy answer. */
  sampling?: Sampling | undefined;
  adapter: { id: string; cid: string; root: Hex };
  datanet: { id: string; version: number; cid: string; records: readonly VersionRecord[] };
  ledger: { checkpointsRoot: Hex; root: Hex };
  /** What Engine.trace gave, published. */
  trace: { program: Hex; root: Hex; cid: string };
  prompt: { text: string; tokens: readonly number[] };
  answer: { text: string; tokens: readonly number[] };
  /** Absent where no record was put into the prompt. */
  retrieval?: RetrievalLog | undefined;
  loss: number;
  /** Of every record; 0 for copies. */
  scores: Float32Array;
  noise: Float32Array;
  /** run.datanet.clusters: which records are copies. */
  clusters: readonly number[] | undefined;
  prices: ReceiptPrices;
}

/** The receipt of an answer, what each record earns of it in wei, and how that was worked out. Throws `payout/invalid`, `retrieval/invalid`. */
export function makeReceipt(input: ReceiptInput): { receipt: Receipt; recordParts: bigint[]; workings: Workings } {
  const { id, version, cid, records } = input.datanet;
  const { prices, clusters } = input;
  const [tokensIn, tokensOut, retrieved] = [input.prompt.tokens.length, input.answer.tokens.length, input.retrieval?.retrieved ?? []];
  const contributors = records.map(({ contributor }) => contributor);
  const { fee, recordParts, payouts } = divideFee(tokensIn, tokensOut, prices, input.scores, input.noise, contributors, retrieved);
  const workings = answerWorkings({
    tokensIn, tokensOut, prices, contributors, clusters, read: retrieved.map(({ record }) => record),
    scores: trainedValues(input.scores, clusters), noise: trainedValues(input.noise, clusters),
  });
  const scores = scoreBits(input.scores);
  const noise = scoreBits(input.noise);
  const receipt: Receipt = {
    openledger: 'receipt/4', arithmetic: ARITHMETIC, method: METHOD, nonce: input.nonce,
    base: { cid: input.base.cid, root: input.base.root, ...(input.base.format === undefined ? {} : { format: input.base.format }) },
    adapter: input.adapter,
    datanet: { id, version, cid, root: versionRoot([...records]) },
    ledger: { checkpointsRoot: input.ledger.checkpointsRoot, root: input.ledger.root },
    trace: { program: input.trace.program, root: input.trace.root, cid: input.trace.cid },
    prompt: { text: input.prompt.text, tokens: [...input.prompt.tokens] },
    answer: { text: input.answer.text, tokens: [...input.answer.tokens] },
    ...(input.sampling ? { sampling: samplingText(input.sampling) } : {}),
    ...(input.retrieval ? { retrieval: input.retrieval } : {}),
    loss: floatToHex(input.loss),
    scores, noise, scoresRoot: scoresRoot(scores, noise),
    prices,
    fee: feeText(fee),
    payouts: payouts.map(({ contributor, amount }) => ({ contributor, amount: String(amount) })),
    payoutRoot: payoutRoot(payouts), workingsRoot: workings.root,
  };
  return { receipt, recordParts, workings };
}
