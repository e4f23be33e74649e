import { type ClaimedAnswer, answersRoot, inputsHashOf } from './answers.ts';
import type { Hex } from './bytes.ts';
import { payoutRoot } from './fee.ts';
import { type Receipt, payoutsOf, receiptHash } from './receipt.ts';
import { Checked } from './run.ts';

/**
 * The file that a claim about several answers publishes (Settlement.payBatch names its CID): each answer as the claim's root has it,
 * and where its receipt lies. Canonical JSON; amounts are decimal wei.
 */
export interface BatchFile {
  openledger: 'batch/2';
  /** The adapter's id on chain. */
  adapter: string;
  answers: BatchEntry[];
}

/** One answer: ClaimedAnswer as JSON. */
export interface BatchEntry {
  /** CID of the receipt. No part of the root: whoever reads it compares its hash. */
  receipt: string;
  tokensIn: number;
  tokensOut: number;
  receiptHash: Hex;
  inputsHash: Hex;
  traceRoot: Hex;
  workingsRoot: Hex;
  payoutRoot: Hex;
  payoutCount: number;
  allocated: string;
  read: number[];
}

/** A claimed answer, and where its receipt lies. */
export interface ReceiptedAnswer {
  answer: ClaimedAnswer;
  receiptCid: string;
}

/** Most answers of one claim (Settlement.MOST_ANSWERS). */
export const MOST_ANSWERS = 256;
/** Most bytes of a batch file: a full one with every field at its longest is half of it. */
export const BATCH_BYTES = 2 ** 20;
/**
 * Most records that an answer in a file can name as read. More than a claim may name (MOST_USED), so that a file that shows too many
 * still proves its claim false; what is longer still counts as not published.
 */
const MOST_NAMED = 64;

const ENTRY_FIELDS = ['allocated', 'inputsHash', 'payoutCount', 'payoutRoot', 'read', 'receipt', 'receiptHash', 'tokensIn', 'tokensOut', 'traceRoot', 'workingsRoot'];
const isWord = (value: unknown) => typeof value === 'string' && /^0x[0-9a-f]{64}$/.test(value);
const isWhole = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;

/**
 * Reads an untrusted batch file; throws `batch/invalid` naming the field. Every answer that the contract can hold is read, also one
 * that no honest claim makes: what is wrong with it is for the proof to say (answerFault, checks of each answer).
 */
export function parseBatchFile(json: unknown): BatchFile {
  const file = new Checked(json, 'batch/invalid', 'This is not a valid batch of answers.');
  file.literal('openledger', 'batch/2');
  file.text('adapter', /^[1-9][0-9]{0,28}$/);
  file.list('answers', MOST_ANSWERS, isEntry);
  if ((json as BatchFile).answers.length === 0) throw file.fail('answers', 'is empty');
  if (Object.keys(json as BatchFile).length !== 3) throw file.fail('answers', 'has unknown fields beside it');
  return json as BatchFile;
}

function isEntry(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Object.keys(value).sort().join() !== ENTRY_FIELDS.join()) return false;
  const { receipt, tokensIn, tokensOut, payoutCount, allocated, read, ...words } = value as Record<string, unknown>;
  return (
    Object.values(words).every(isWord) && [tokensIn, tokensOut, payoutCount].every(isWhole) &&
    typeof receipt === 'string' && /^[a-z0-9]{10,120}$/i.test(receipt) &&
    typeof allocated === 'string' && /^(0|[1-9][0-9]{0,38})$/.test(allocated) && BigInt(allocated) < 2n ** 128n &&
    Array.isArray(read) && read.length <= MOST_NAMED && read.every(isWhole)
  );
}

export function batchFile(adapterId: bigint, answers: readonly ReceiptedAnswer[]): BatchFile {
  return {
    openledger: 'batch/2', adapter: String(adapterId),
    answers: answers.map(({ answer, receiptCid }) => ({ ...answer, receipt: receiptCid, allocated: String(answer.allocated), read: [...answer.read] })),
  };
}

/** The answers of a file, in order; undefined where they are not those of `claim`. */
export function answersOfBatch(file: BatchFile, claim: { adapterId: bigint; answersRoot: Hex; answers: number }): ReceiptedAnswer[] | undefined {
  const answers = file.answers.map(({ receipt, allocated, ...rest }): ReceiptedAnswer => ({ answer: { ...rest, allocated: BigInt(allocated) }, receiptCid: receipt }));
  const root = answersRoot(claim.adapterId, answers.map(({ answer }) => answer));
  return file.adapter === String(claim.adapterId) && answers.length === claim.answers && root === claim.answersRoot.toLowerCase() ? answers : undefined;
}

/** What a claim says about the answer of a receipt. */
export function answerOfReceipt(receipt: Receipt): ClaimedAnswer {
  const payouts = payoutsOf(receipt);
  const [prompt, answer] = [receipt.prompt.tokens, receipt.answer.tokens];
  return {
    tokensIn: prompt.length, tokensOut: answer.length, receiptHash: receiptHash(receipt), inputsHash: inputsHashOf(prompt, answer), traceRoot: receipt.trace.root,
    workingsRoot: receipt.workingsRoot, payoutRoot: payoutRoot(payouts), payoutCount: payouts.length, allocated: payouts.reduce((sum, { amount }) => sum + amount, 0n),
    read: receipt.retrieval?.retrieved.map(({ record }) => record) ?? [],
  };
}
