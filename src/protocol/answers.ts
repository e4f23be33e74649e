import { type Hex, concat, fromHex, keccak256, toHex, uint256Bytes } from './bytes.ts';
import { leafHash, merkleProof, merkleProofs, merkleRoot } from './merkle.ts';
import { MOST_USED } from './retrieval-share.ts';

/** What a claim says about one answer (contracts/src/types/Answers.sol): what it was computed from, what was computed, who earns what. */
export interface ClaimedAnswer {
  tokensIn: number;
  tokensOut: number;
  /** canonicalHash of the receipt. */
  receiptHash: Hex;
  /** Of the answer's length and all tokens, see attribution/trace/step.ts. */
  inputsHash: Hex;
  /** Over every matrix that the computation produced, in program order. */
  traceRoot: Hex;
  /** Over the tables from which the payouts follow, row by row: payout-workings.ts. */
  workingsRoot: Hex;
  payoutRoot: Hex;
  payoutCount: number;
  /** Sum of the payouts, wei. */
  allocated: bigint;
  /** Indices of the records that were read with the question, best first. */
  read: readonly number[];
}

/** An answer with its proof under the root of its claim's answers. */
export interface AnswerOpening {
  index: bigint;
  answer: ClaimedAnswer;
  proof: Hex[];
}

/**
 * Stands where no program was named. Nobody can open anything under it: the first demand for a piece of a claim about such an
 * adapter refutes the claim.
 */
export const UNTRACED: Hex = toHex(keccak256(new TextEncoder().encode('openledger/untraced')));

/** keccak256 of uint32 answer length ‖ uint32 each token of prompt and answer, big-endian: what `inputsHash` of a claim is. */
export function inputsHashOf(prompt: readonly number[], answer: readonly number[]): Hex {
  const view = new DataView(new ArrayBuffer(4 * (1 + prompt.length + answer.length)));
  [answer.length, ...prompt, ...answer].forEach((word, k) => view.setUint32(4 * k, word));
  return toHex(keccak256(new Uint8Array(view.buffer)));
}

/**
 * What an answer's leaf is made from: its lists and roots by their hashes, so that a batch's answers can be shown in few bytes
 * (answers-file.ts), and its sums proved with all of them in one transaction. AnswerDigest in contracts/src/types/Answers.sol.
 */
export interface AnswerDigest extends Pick<ClaimedAnswer, 'tokensIn' | 'tokensOut' | 'allocated' | 'receiptHash' | 'inputsHash'> {
  /** Of the records read. */
  readHash: Hex;
  /** Of what was computed. */
  madeHash: Hex;
}

export function digestOf(answer: ClaimedAnswer): AnswerDigest {
  const { tokensIn, tokensOut, allocated, receiptHash, inputsHash } = answer;
  return { tokensIn, tokensOut, allocated, receiptHash, inputsHash, readHash: readHash(answer), madeHash: madeHash(answer) };
}

/** keccak256 of abi.encode(traceRoot, workingsRoot, payoutRoot, payoutCount): all that was computed but for what is paid in all. */
export function madeHash({ traceRoot, workingsRoot, payoutRoot, payoutCount }: Pick<ClaimedAnswer, 'traceRoot' | 'workingsRoot' | 'payoutRoot' | 'payoutCount'>): Hex {
  return toHex(keccak256(fromHex(traceRoot), fromHex(workingsRoot), fromHex(payoutRoot), uint256Bytes(payoutCount)));
}

/**
 * Leaf of an answer: abi.encode(adapter, tokensIn, tokensOut, allocated, receiptHash, inputsHash, readHash, madeHash). The same as
 * contracts/src/libraries/Answers.sol.
 */
export function digestLeaf(adapterId: bigint, digest: AnswerDigest): Uint8Array {
  return leafHash(concat(
    uint256Bytes(adapterId), uint256Bytes(digest.tokensIn), uint256Bytes(digest.tokensOut), uint256Bytes(digest.allocated),
    fromHex(digest.receiptHash), fromHex(digest.inputsHash), fromHex(digest.readHash), fromHex(digest.madeHash),
  ));
}

export function answerLeaf(adapterId: bigint, answer: ClaimedAnswer): Uint8Array {
  return digestLeaf(adapterId, digestOf(answer));
}

/** keccak256 of the records read as 32-byte words: what stands for them in the answer's leaf. */
export function readHash({ read }: Pick<ClaimedAnswer, 'read'>): Hex {
  return toHex(keccak256(concat(...read.map((record) => uint256Bytes(record)))));
}

/** Root of a claim's answers. A claim about one answer has one too. */
export function answersRoot(adapterId: bigint, answers: readonly ClaimedAnswer[]): Hex {
  return merkleRoot(answers.map((answer) => answerLeaf(adapterId, answer)));
}

/** Throws RangeError for an index outside the list. */
export function openAnswer(adapterId: bigint, answers: readonly ClaimedAnswer[], index: number): AnswerOpening {
  return { index: BigInt(index), answer: answers[index]!, proof: merkleProof(answers.map((answer) => answerLeaf(adapterId, answer)), index) };
}

/** Every answer of a claim with its proof, in order. */
export function openAnswers(adapterId: bigint, answers: readonly ClaimedAnswer[]): AnswerOpening[] {
  const proofs = merkleProofs(answers.map((answer) => answerLeaf(adapterId, answer)));
  return answers.map((answer, index) => ({ index: BigInt(index), answer, proof: proofs[index]! }));
}

/** Most tokens of prompt and answer together that a claim can be about: longer ones cannot be traced by those who check. */
export const MOST_ANSWER_TOKENS = 1024;

const NOTHING = `0x${'0'.repeat(64)}`;

/** What is wrong with an answer by itself: the field, or undefined. A claim with such an answer is refuted. The same as `fault` in contracts/src/libraries/Answers.sol. */
export function answerFault(answer: ClaimedAnswer): keyof ClaimedAnswer | undefined {
  for (const field of ['receiptHash', 'inputsHash', 'traceRoot', 'workingsRoot'] as const) if (answer[field] === NOTHING) return field;
  if (answer.tokensOut === 0) return 'tokensOut';
  if (answer.tokensIn + answer.tokensOut > MOST_ANSWER_TOKENS) return 'tokensIn';
  if (answer.read.length > MOST_USED) return 'read';
  const nobody = answer.payoutCount === 0;
  if (answer.payoutRoot === NOTHING || nobody !== (answer.payoutRoot === merkleRoot([]))) return 'payoutRoot';
  return nobody === (answer.allocated === 0n) ? undefined : 'allocated';
}
