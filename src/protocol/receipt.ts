import { type Hex, floatToHex, fromHex } from './bytes.ts';
import { canonicalHash } from './canonical.ts';
import type { Fee, Payout } from './fee.ts';
import type { ReceiptPrices } from './divide-fee.ts';
import { PAYOUT_RULE_BOUNDS } from './payout-rule.ts';
import { MOST_USED, type RetrievalLog } from './retrieval-share.ts';
import { leafHash, merkleRoot } from './merkle.ts';
import { Checked } from './run.ts';

/**
 * Everything needed to recompute one attribution. Amounts are decimal wei, float32 values their bits in hexadecimal,
 * so that the canonical JSON, and with it the 32-byte receipt hash, is the same wherever it is computed.
 * docs/receipt.md describes every field.
 */
export interface Receipt {
  openledger: 'receipt/4';
  arithmetic: string;
  method: string;
  /** 16 bytes chosen by who asked: the same question asked again is another receipt, and is paid again. */
  nonce: Hex;
  /** `format`: how the weights were quantised when loaded; absent where they were used as they are stored. */
  base: { cid: string; root: Hex; format?: string };
  /** `id` on chain, "" where the adapter is in no registry. */
  adapter: { id: string; cid: string; root: Hex };
  datanet: { id: string; version: number; cid: string; root: Hex };
  ledger: { checkpointsRoot: Hex; root: Hex };
  /** Every value between the committed weights and the scores: hash of the program that orders them, their root, and the file of their hashes; see docs/claims.md. */
  trace: { program: Hex; root: Hex; cid: string };
  prompt: { text: string; tokens: number[] };
  answer: { text: string; tokens: number[] };
  /** How the answer was sampled; absent for greedy answers. */
  sampling?: SamplingText;
  /** Mean loss of the answer's tokens, bits. */
  loss: Hex;
  /** Records that stood in the prompt; absent where none did. */
  retrieval?: RetrievalLog;
  /** Influence of record k, bits; 0 for copies of other records. */
  scores: Hex[];
  /** Standard deviation of that influence by chance, bits. */
  noise: Hex[];
  scoresRoot: Hex;
  prices: ReceiptPrices;
  /** `contributors` is what the rules gave them; the rest of their part is in `stakers`. */
  fee: { total: string; platform: string; owner: string; stakers: string; contributors: string };
  payouts: { contributor: Hex; amount: string }[];
  payoutRoot: Hex;
  /** Of the tables from which the payouts follow: payout-workings.ts. */
  workingsRoot: Hex;
}

/** Sampling settings as text, because canonical JSON has whole numbers only. Numbers are decimal text of a float64. */
export interface SamplingText {
  temperature: string;
  topK: number;
  topP: string;
  repetitionPenalty: string;
  seed: number;
}

/** Sampling settings as numbers; see model/sampling.ts. */
export interface Sampling {
  temperature: number;
  topK: number;
  topP: number;
  repetitionPenalty: number;
  seed: number;
}

/** The shortest decimal text that reads back to the same float64. */
export function samplingText({ temperature, topK, topP, repetitionPenalty, seed }: Sampling): SamplingText {
  return { temperature: String(temperature), topK, topP: String(topP), repetitionPenalty: String(repetitionPenalty), seed };
}

export function samplingOf(text: SamplingText): Sampling {
  return { temperature: Number(text.temperature), topK: text.topK, topP: Number(text.topP), repetitionPenalty: Number(text.repetitionPenalty), seed: text.seed };
}

export function receiptHash(receipt: Receipt): Hex {
  return canonicalHash(receipt as unknown as Parameters<typeof canonicalHash>[0]);
}

/** For receipts that nobody pays: equal inputs give equal receipts. */
export const NO_NONCE: Hex = `0x${'0'.repeat(32)}`;

/** Leaf k is the four bytes of score k and the four of its noise. */
export function scoresRoot(scores: readonly Hex[], noise: readonly Hex[]): Hex {
  return merkleRoot(scores.map((bits, k) => leafHash(fromHex(`${bits}${(noise[k] ?? '0x').slice(2)}`))));
}

export function scoreBits(scores: Float32Array): Hex[] {
  return Array.from(scores, floatToHex);
}

export function feeText(fee: Fee): Receipt['fee'] {
  return {
    total: String(fee.total), platform: String(fee.platform), owner: String(fee.owner),
    stakers: String(fee.stakers), contributors: String(fee.contributors),
  };
}

export function payoutsOf(receipt: Receipt): Payout[] {
  return receipt.payouts.map(({ contributor, amount }) => ({ contributor, amount: BigInt(amount) }));
}

const BYTES32 = /^0x[0-9a-f]{64}$/;
const CID_TEXT = /^[a-z0-9]{10,120}$/i;
const WEI = /^(0|[1-9][0-9]{0,38})$/;
const FLOAT = /^0x[0-9a-f]{8}$/;

/** Reads an untrusted receipt; throws `receipt/invalid` naming the field. Values are checked by recomputing, not here. */
export function parseReceipt(json: unknown): Receipt {
  const receipt = new Checked(json, 'receipt/invalid', 'This is not a valid receipt.');
  receipt.literal('openledger', 'receipt/4');
  receipt.text('arithmetic', /^.{1,40}$/);
  receipt.text('method', /^.{1,40}$/);
  receipt.text('nonce', /^0x[0-9a-f]{32}$/);
  for (const field of ['base.root', 'adapter.root', 'datanet.root', 'ledger.checkpointsRoot', 'ledger.root', 'trace.program', 'trace.root', 'scoresRoot', 'payoutRoot', 'workingsRoot']) receipt.text(field, BYTES32);
  for (const field of ['base.cid', 'adapter.cid', 'datanet.cid', 'trace.cid']) receipt.text(field, CID_TEXT);
  receipt.text('adapter.id', /^[0-9]{0,78}$/);
  receipt.text('datanet.id', /^[0-9]{0,78}$/);
  receipt.whole('datanet.version', 0, 2 ** 32 - 1);
  receipt.text('prompt.text', /^.{0,10000}$/su);
  receipt.text('answer.text', /^.{0,20000}$/su);
  const token = (value: unknown) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < 2 ** 24;
  receipt.list('prompt.tokens', 100_000, token);
  receipt.list('answer.tokens', 100_000, token);
  if (receipt.has('base.format')) receipt.text('base.format', /^[a-z0-9/.-]{1,20}$/);
  if (receipt.has('sampling')) {
    for (const field of ['temperature', 'topP', 'repetitionPenalty']) receipt.text(`sampling.${field}`, /^[0-9]{1,20}(\.[0-9]{1,20})?(e-[0-9]{1,3})?$/);
    receipt.whole('sampling.topK', 0, 2 ** 24);
    receipt.whole('sampling.seed', 0, 2 ** 32 - 1);
  }
  receipt.text('loss', FLOAT);
  for (const field of ['scores', 'noise']) receipt.list(field, 2 ** 20, (value) => typeof value === 'string' && FLOAT.test(value));
  if (receipt.has('retrieval')) {
    receipt.text('retrieval.method', /^[a-z0-9/]{1,20}$/);
    receipt.whole('retrieval.most', 1, MOST_USED);
    receipt.list('retrieval.retrieved', MOST_USED, (value) => {
      const { record, score } = (value ?? {}) as Record<string, unknown>;
      return Number.isSafeInteger(record) && (record as number) >= 0 && Number.isSafeInteger(score) && (score as number) > 0;
    });
  }
  for (const [name, [least, most]] of Object.entries(PAYOUT_RULE_BOUNDS)) receipt.whole(`prices.payout.${name}`, least, most);
  for (const field of ['prices.rateIn', 'prices.rateOut', 'prices.platformFee']) receipt.text(field, WEI);
  for (const field of ['platform', 'owner', 'stakers', 'contributors']) {
    receipt.text(`fee.${field}`, WEI);
    receipt.whole(`prices.split.${field}`, 0, 10_000);
  }
  receipt.text('fee.total', WEI);
  receipt.list('payouts', 2 ** 16, (value) => {
    const { contributor, amount } = (value ?? {}) as Record<string, unknown>;
    return typeof contributor === 'string' && /^0x[0-9a-f]{40}$/.test(contributor) && typeof amount === 'string' && WEI.test(amount);
  });
  return json as Receipt;
}
