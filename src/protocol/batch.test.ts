import { expect, test } from 'vitest';
import { type ClaimedAnswer, answerFault, answersRoot, openAnswer, openAnswers } from './answers.ts';
import { type BatchFile, answersOfBatch, batchFile, parseBatchFile } from './batch.ts';
import type { Hex } from './bytes.ts';
import { canonicalJson } from './canonical.ts';
import { payoutRoot } from './fee.ts';

const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const word = (pair: string): Hex => `0x${pair.repeat(32)}`;
const one = (change: Partial<ClaimedAnswer> = {}): ClaimedAnswer => ({
  tokensIn: 7, tokensOut: 5, receiptHash: word('a1'), inputsHash: word('a2'), traceRoot: word('a3'), workingsRoot: word('a5'), payoutRoot: word('a4'), payoutCount: 2, allocated: 2n ** 100n, read: [3, 0], ...change,
});
const answers = [one(), one({ receiptHash: word('b1'), read: [] }), one({ receiptHash: word('c1'), payoutCount: 0, allocated: 0n, payoutRoot: payoutRoot([]) })];
const claim = { adapterId: 7n, answersRoot: answersRoot(7n, answers), answers: 3 };
const made = () => JSON.parse(canonicalJson(batchFile(7n, answers.map((answer) => ({ answer, receiptCid: cid }))) as never)) as BatchFile;

test('a file gives back the answers of its claim, and of no other', () => {
  expect(answersOfBatch(parseBatchFile(made()), claim)).toEqual(answers.map((answer) => ({ answer, receiptCid: cid })));
  const file = parseBatchFile(made());
  expect(answersOfBatch({ ...file, adapter: '8' }, claim)).toBeUndefined();
  expect(answersOfBatch(file, { ...claim, adapterId: 8n })).toBeUndefined();
  expect(answersOfBatch({ ...file, answers: file.answers.slice(1) }, claim)).toBeUndefined();
  expect(answersOfBatch({ ...file, answers: [file.answers[1]!, file.answers[0]!, file.answers[2]!] }, claim)).toBeUndefined();
});

test('what is no such file is refused with the field that is wrong', () => {
  const bad = (change: (file: Record<string, unknown> & BatchFile) => void) => {
    const file = made() as Record<string, unknown> & BatchFile;
    change(file);
    expect(() => parseBatchFile(file)).toThrow(expect.objectContaining({ code: 'batch/invalid' }));
  };
  bad((file) => (file.openledger = 'batch/1' as never));
  bad((file) => (file.adapter = '0'));
  bad((file) => (file.answers = []));
  bad((file) => (file.answers = Array.from({ length: 257 }, () => file.answers[0]!)));
  bad((file) => (file.more = 1));
  bad((file) => (file.answers[1]! = { ...file.answers[1]!, more: word('00') } as never));
  bad((file) => void delete (file.answers[1]! as Partial<BatchFile['answers'][0]>).read);
  bad((file) => (file.answers[1]!.tokensIn = 2 ** 32));
  bad((file) => (file.answers[1]!.tokensOut = 1.5));
  bad((file) => (file.answers[1]!.traceRoot = '0x12'));
  bad((file) => (file.answers[1]!.allocated = String(2n ** 128n)));
  bad((file) => (file.answers[1]!.allocated = '01'));
  bad((file) => (file.answers[1]!.receipt = '../../etc/passwd'));
  bad((file) => (file.answers[1]!.read = Array.from({ length: 65 }, () => 1)));
  for (const nothing of [null, 7, 'batch/2', []]) expect(() => parseBatchFile(nothing)).toThrow(expect.objectContaining({ code: 'batch/invalid' }));
});

test('an answer that no honest claim makes is read, so that its claim can be refuted', () => {
  const faulty = [one({ tokensOut: 0 }), one({ tokensIn: 1020 }), one({ read: Array.from({ length: 17 }, (_, k) => k) }), one({ receiptHash: word('00') }), one({ workingsRoot: word('00') }), one({ payoutCount: 0 }), one({ allocated: 0n })];
  expect(faulty.map(answerFault)).toEqual(['tokensOut', 'tokensIn', 'read', 'receiptHash', 'workingsRoot', 'payoutRoot', 'allocated']);
  expect(answers.map(answerFault)).toEqual([undefined, undefined, undefined]);
  const file = parseBatchFile(JSON.parse(canonicalJson(batchFile(7n, faulty.map((answer) => ({ answer, receiptCid: cid }))) as never)));
  expect(answersOfBatch(file, { adapterId: 7n, answersRoot: answersRoot(7n, faulty), answers: 7 })).toHaveLength(7);
});

test('all proofs at once are those of each', () => {
  expect(openAnswers(7n, answers)).toEqual(answers.map((_, k) => openAnswer(7n, answers, k)));
});
