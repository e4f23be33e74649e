import { expect, test } from 'vitest';
import { randomBelow } from '../arithmetic/random.ts';
import { type ClaimedAnswer, answerLeaf, answersRoot, digestLeaf, digestOf, inputsHashOf, madeHash } from './answers.ts';
import { MOST_BATCH_TOKENS, filedDigest, filedLeaf, readShortForm, shortForm } from './answers-file.ts';
import { MOST_ANSWERS } from './batch.ts';
import { type Hex, concat, fromHex, keccak256, toHex, uint256Bytes } from './bytes.ts';
import { merkleRoot } from './merkle.ts';

const draw = (most: number, ...at: number[]) => randomBelow(most, 41, at[0] ?? 0, at[1] ?? 0);
const word = (...at: number[]): Hex => toHex(keccak256(uint256Bytes(at[0]! * 1000 + at[1]!)));

/** An answer at random, and its inputs. */
function answerAt(seed: number, k: number, most = 60): { answer: ClaimedAnswer; inputs: { tokens: number[]; answer: number } } {
  const at = 100 * seed + k;
  const [tokensIn, tokensOut, read] = [draw(most, at, 0), draw(most, at, 1), draw(18, at, 2)];
  const tokens = Array.from({ length: tokensIn + tokensOut }, (_, t) => draw(2 ** 32, at, 100 + t));
  return {
    inputs: { tokens, answer: tokensOut },
    answer: {
      tokensIn, tokensOut, receiptHash: word(at, 1), inputsHash: inputsHashOf(tokens.slice(0, tokensIn), tokens.slice(tokensIn)), traceRoot: word(at, 3), workingsRoot: word(at, 4),
      payoutRoot: word(at, 5), payoutCount: draw(2 ** 32, at, 3), allocated: BigInt(word(at, 6)) >> BigInt(128 + draw(128, at, 4)), read: Array.from({ length: read }, (_, r) => draw(2 ** 32, at, 50 + r)),
    },
  };
}
function batchAt(seed: number, count: number) {
  const all = Array.from({ length: count }, (_, k) => answerAt(seed, k));
  return { answers: all.map(({ answer }) => answer), inputs: all.map(({ inputs }) => inputs) };
}
const rootOf = (adapter: bigint, bytes: Uint8Array, count: number) => merkleRoot(readShortForm(bytes, count).map((filed) => filedLeaf(adapter, filed)));

test('a leaf is what the contract hashes: words in this order, the lists by their hashes', () => {
  const { answer } = answerAt(1, 2);
  const made = keccak256(fromHex(answer.traceRoot), fromHex(answer.workingsRoot), fromHex(answer.payoutRoot), uint256Bytes(answer.payoutCount));
  expect(madeHash(answer)).toBe(toHex(made));
  const words = [9n, answer.tokensIn, answer.tokensOut, answer.allocated].map(uint256Bytes);
  const read = keccak256(concat(...answer.read.map(uint256Bytes)));
  expect(answerLeaf(9n, answer)).toEqual(keccak256(Uint8Array.of(0), ...words, fromHex(answer.receiptHash), fromHex(answer.inputsHash), read, made));
  expect(Object.keys(digestOf(answer))).toEqual(['tokensIn', 'tokensOut', 'allocated', 'receiptHash', 'inputsHash', 'readHash', 'madeHash']);
  expect(digestLeaf(9n, digestOf(answer))).toEqual(answerLeaf(9n, answer));
});

test('a file gives back the answers that it was made from, and their root', () => {
  for (let seed = 0; seed < 20; seed++) {
    const count = 1 + draw(12, seed, 9);
    const { answers, inputs } = batchAt(seed, count);
    const bytes = shortForm(answers, inputs);
    const filed = readShortForm(bytes, count);
    filed.forEach((one, k) => {
      const { tokensIn, tokensOut, allocated, receiptHash, read } = answers[k]!;
      expect(one).toEqual({ tokensIn, tokensOut, allocated, receiptHash, madeHash: madeHash(answers[k]!), read, tokens: inputs[k]!.tokens });
      expect(filedDigest(one)).toEqual(digestOf(answers[k]!));
      expect(filedLeaf(7n, one)).toEqual(answerLeaf(7n, answers[k]!));
    });
    expect(rootOf(7n, bytes, count)).toBe(answersRoot(7n, answers));
    // Behind other bytes, as viem gives it.
    expect(readShortForm(concat(new Uint8Array(5), bytes).subarray(5), count)).toEqual(filed);
  }
});

test('every byte counts: with another the root is another, or it is no file', () => {
  const { answers, inputs } = batchAt(3, 3);
  const bytes = shortForm(answers, inputs);
  const root = answersRoot(7n, answers);
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at]! ^= 1 << draw(8, at, 77);
    let found: Hex | undefined;
    try {
      found = rootOf(7n, changed, 3);
    } catch (error) {
      expect(error).toMatchObject({ code: 'batch/file-invalid' });
    }
    expect(found, `byte ${at}`).not.toBe(root);
  }
});

test('bytes that are no file of so many answers are refused', () => {
  const { answers, inputs } = batchAt(5, 4);
  const bytes = shortForm(answers, inputs);
  const bad = (given: Uint8Array, count: number) => expect(() => readShortForm(given, count)).toThrow(expect.objectContaining({ code: 'batch/file-invalid' }));
  for (let end = 0; end < bytes.length; end += 7) bad(bytes.subarray(0, end), 4);
  bad(concat(bytes, Uint8Array.of(0)), 4);
  for (const count of [3, 5, 0, -1, 1.5, NaN, MOST_ANSWERS + 1, 2 ** 32]) bad(bytes, count);
  bad(new Uint8Array(), 1);
  // 65,535 tokens in and out of which none follow.
  bad(new Uint8Array(85).fill(0xff), 1);
});

test('answers that are not those of the inputs, or do not fit, make no file', () => {
  const { answers: [answer], inputs: [inputs] } = batchAt(1, 1) as { answers: [ClaimedAnswer]; inputs: [{ tokens: number[]; answer: number }] };
  expect(() => shortForm([answer], [])).toThrow(RangeError);
  expect(() => shortForm([answer], [{ ...inputs, answer: inputs.answer - 1 }])).toThrow(RangeError);
  expect(() => shortForm([answer], [{ ...inputs, tokens: inputs.tokens.map((token, k) => (k ? token : token ^ 1)) }])).toThrow(RangeError);
  expect(() => shortForm([{ ...answer, read: new Array<number>(256).fill(1) }], [inputs])).toThrow(RangeError);
  expect(() => shortForm([{ ...answer, allocated: 2n ** 128n }], [inputs])).toThrow(RangeError);
  const long = new Array<number>(2 ** 16 + 1).fill(1);
  expect(() => shortForm([{ ...answer, tokensIn: 2 ** 16, tokensOut: 1, inputsHash: inputsHashOf(long.slice(1), [1]) }], [{ tokens: long, answer: 1 }])).toThrow(RangeError);
});

test('the largest batch that a claim may be about fits into a transaction', () => {
  // 4 bytes a token, and of each answer 85 and at most 16 records read.
  expect(MOST_ANSWERS * (85 + 4 * 16) + 4 * MOST_BATCH_TOKENS).toBeLessThan(120_000);
});
