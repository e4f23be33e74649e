import { OpenLedgerError } from '../errors.ts';
import { type ClaimedAnswer, type AnswerDigest, digestLeaf, inputsHashOf, madeHash, readHash } from './answers.ts';
import { MOST_ANSWERS } from './batch.ts';
import { type Hex, concat, fromHex, toHex } from './bytes.ts';

/** Most tokens in and out together of a claim about more than one answer (Settlement.MOST_BATCH_TOKENS): with more its file would not fit into one transaction. */
export const MOST_BATCH_TOKENS = 8_192;

/**
 * One answer as a batch's claimant shows it on chain (Disputes.showFile): what has to be known to compute it again, and the hash of what
 * was made of it. Whoever computes another hash or another sum knows that the answer is false.
 */
export interface FiledAnswer {
  tokensIn: number;
  tokensOut: number;
  /** wei. */
  allocated: bigint;
  receiptHash: Hex;
  /** Of trace, workings and payouts: madeHash in answers.ts. */
  madeHash: Hex;
  /** Indices of the records that were read with the question, best first. */
  read: number[];
  /** Prompt and answer. */
  tokens: number[];
}

/** What an answer was computed from: all tokens, of which the last `answer` are the answer's. */
interface FiledInputs {
  tokens: readonly number[];
  answer: number;
}

/** Bytes of an answer before its lists: two uint16, a uint128, two words, a uint8. */
const FIXED = 2 + 2 + 16 + 32 + 32 + 1;

/**
 * The file of a batch, answer by answer end to end, big-endian without padding: uint16 tokensIn ‖ uint16 tokensOut ‖ uint128 allocated ‖
 * bytes32 receiptHash ‖ bytes32 madeHash ‖ uint8 number of records read ‖ uint32 each record read ‖ uint32 each token of prompt and answer.
 * Throws RangeError where the inputs are not those of the answers, or a number does not fit.
 */
export function shortForm(answers: readonly ClaimedAnswer[], inputs: readonly FiledInputs[]): Uint8Array {
  if (inputs.length !== answers.length) throw new RangeError(`${inputs.length} inputs of ${answers.length} answers`);
  return concat(...answers.map((answer, k) => entryBytes(answer, inputs[k]!)));
}

function entryBytes(claimed: ClaimedAnswer, { tokens, answer }: FiledInputs): Uint8Array {
  const { tokensIn, tokensOut, allocated, receiptHash, inputsHash, read } = claimed;
  const split = tokens.length - answer;
  if (split !== tokensIn || answer !== tokensOut || inputsHashOf(tokens.slice(0, split), tokens.slice(split)) !== inputsHash) throw new RangeError('not the tokens of the answer');
  if (tokensIn >= 2 ** 16 || tokensOut >= 2 ** 16 || allocated < 0n || allocated >= 2n ** 128n || read.length >= 2 ** 8) throw new RangeError('an answer that no file can hold');
  const out = new Uint8Array(FIXED + 4 * (read.length + tokens.length));
  const view = new DataView(out.buffer);
  view.setUint16(0, tokensIn);
  view.setUint16(2, tokensOut);
  view.setBigUint64(4, allocated >> 64n);
  view.setBigUint64(12, allocated & (2n ** 64n - 1n));
  out.set(fromHex(receiptHash), 20);
  out.set(fromHex(madeHash(claimed)), 52);
  out[84] = read.length;
  [...read, ...tokens].forEach((word, k) => view.setUint32(FIXED + 4 * k, word));
  return out;
}

/**
 * Reads a file of `count` answers. It was compared with the claim's root on chain, but the root holds whatever the claimant put into it, so
 * more tokens than a claim may have are read too: they prove its sums false. Throws `batch/file-invalid` where the bytes are none of so many answers.
 */
export function readShortForm(bytes: Uint8Array, count: number): FiledAnswer[] {
  if (!(Number.isInteger(count) && count >= 1 && count <= MOST_ANSWERS)) throw invalid(`It should have ${count} answers.`);
  const answers: FiledAnswer[] = [];
  let at = 0;
  for (let k = 0; k < count; k++) {
    const entry = entryAt(bytes, at);
    if (!entry) throw invalid(`It ends within answer ${k} of ${count}.`);
    answers.push(entry.filed);
    at = entry.end;
  }
  if (at !== bytes.length) throw invalid(`${bytes.length - at} bytes follow its last answer.`);
  return answers;
}

/** Undefined where the bytes end before it does. */
function entryAt(bytes: Uint8Array, at: number): { filed: FiledAnswer; end: number } | undefined {
  if (bytes.length - at < FIXED) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  const [tokensIn, tokensOut, records] = [view.getUint16(0), view.getUint16(2), view.getUint8(84)];
  const words = records + tokensIn + tokensOut;
  const end = at + FIXED + 4 * words;
  if (end > bytes.length) return undefined;
  const lists = Array.from({ length: words }, (_, k) => view.getUint32(FIXED + 4 * k));
  const word = (from: number) => toHex(bytes.subarray(at + from, at + from + 32));
  const filed = {
    tokensIn, tokensOut, allocated: (view.getBigUint64(4) << 64n) | view.getBigUint64(12), receiptHash: word(20), madeHash: word(52),
    read: lists.slice(0, records), tokens: lists.slice(records),
  };
  return { filed, end };
}

/** What the leaf of a filed answer is made from. */
export function filedDigest({ tokensIn, tokensOut, allocated, receiptHash, madeHash: made, read, tokens }: FiledAnswer): AnswerDigest {
  return { tokensIn, tokensOut, allocated, receiptHash, inputsHash: inputsHashOf(tokens.slice(0, tokensIn), tokens.slice(tokensIn)), readHash: readHash({ read }), madeHash: made };
}

/** Leaf of a filed answer: that of the answer it was made from. */
export function filedLeaf(adapterId: bigint, filed: FiledAnswer): Uint8Array {
  return digestLeaf(adapterId, filedDigest(filed));
}

function invalid(why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'batch/file-invalid', what: 'This is not the file of a batch of answers.', why, next: 'Read it again from the chain, through another node if it stays so.' });
}
