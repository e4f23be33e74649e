/** What is known of a withheld batch once its file was shown on chain, without computing anything. */
import { decodeFunctionData } from 'viem';
import { expect, test } from 'vitest';
import { type ClaimedAnswer, answersRoot, digestOf, inputsHashOf, openAnswer } from '../protocol/answers.ts';
import { filedLeaf, shortForm } from '../protocol/answers-file.ts';
import { batchFile } from '../protocol/batch.ts';
import { keccak256, toHex } from '../protocol/bytes.ts';
import { payoutRoot } from '../protocol/fee.ts';
import type { DisputeEvents } from './game-events.ts';
import { disputesAbi } from './generated/abis.ts';
import type { ClaimRecord } from './list-claims.ts';
import { claimOfFiled, openBatch } from './open-batch.ts';
import { filePlace, leafOf } from './place.ts';

const word = (pair: string) => `0x${pair.repeat(32)}` as const;
const inputs = Array.from({ length: 4 }, (_, k) => ({ tokens: Array.from({ length: 9 + k }, (_, at) => at * 7), answer: 3 + k }));
const answers = inputs.map(({ tokens, answer }, k): ClaimedAnswer => ({
  tokensIn: tokens.length - answer, tokensOut: answer, receiptHash: toHex(keccak256(Uint8Array.of(k))), inputsHash: inputsHashOf(tokens.slice(0, -answer), tokens.slice(-answer)), traceRoot: word('11'),
  workingsRoot: word('12'), payoutRoot: word('13'), payoutCount: 2, allocated: 100n + BigInt(k), read: k === 1 ? [4, 2] : [],
}));

function claimOf(all: readonly ClaimedAnswer[]): ClaimRecord {
  const sum = (of: (one: ClaimedAnswer) => number) => all.reduce((total, one) => total + of(one), 0);
  const allocated = all.reduce((total, one) => total + one.allocated, 0n);
  return {
    claimId: 7n, state: 'open', claimant: '0x01', challenger: undefined, adapterId: 3n, adapterOwner: '0x02', answers: all.length, answersRoot: answersRoot(3n, all), tokensIn: sum((one) => one.tokensIn), tokensOut: sum((one) => one.tokensOut),
    fee: { total: 0n, platform: 0n, owner: 0n, stakers: 0n, contributors: allocated }, bond: 0n, deadline: 0, answer: undefined, bonusBps: 0, ruleVersion: 1, paidOut: 0n, receiptCid: 'bafkreinowhere', transaction: word('00'), blockNumber: 1n, withdrawn: [],
  };
}
const event = (eventName: string, args: object) => ({ eventName, args: { id: 7n, ...args } });
const fileShown = (all: readonly ClaimedAnswer[]) => event('FileShown', { file: toHex(shortForm(all, inputs.slice(0, all.length))) });
const answerShown = (all: readonly ClaimedAnswer[], k: number) => event('AnswerShown', { opening: openAnswer(3n, all, k) });
const events = (...all: object[]) => all as unknown as DisputeEvents;
const open = (all: readonly ClaimedAnswer[], ...shown: object[]) => openBatch(claimOf(all), undefined, events(...shown));

test('of a withheld batch the file is demanded first; what it shows is told from what was shown whole', () => {
  expect(open(answers)).toMatchObject({ kind: 'missing', claims: [], places: [filePlace] });
  expect(open(answers, answerShown(answers, 2))).toMatchObject({ kind: 'missing', places: [filePlace], claims: [{ opening: { index: 2n }, receiptCid: '' }] });
  const batch = open(answers, fileShown(answers), answerShown(answers, 2));
  if (batch.kind !== 'filed') throw new Error(batch.kind);
  expect(batch.filed.map(({ index }) => index)).toEqual([0, 1, 3]);
  expect(batch.file.map(({ tokens }) => tokens)).toEqual(inputs.map(({ tokens }) => tokens));
  expect(toHex(filedLeaf(3n, batch.filed[1]!.filed))).toBe(toHex(filedLeaf(3n, batch.file[1]!)));
  expect(batch.claims.map(({ answer }) => answer)).toEqual([answers[2]]);
  expect(claimOfFiled(claimOf(answers), batch.file, 1, answers[1]!).opening).toEqual(openAnswer(3n, answers, 1));
  // Another claim's file is none of this one's.
  expect(openBatch({ ...claimOf(answers), claimId: 8n }, undefined, events(fileShown(answers)))).toMatchObject({ kind: 'missing', places: [filePlace] });
});

test('a published file is read as ever, with the tokens that were shown; another than the claim’s is none', () => {
  const file = batchFile(3n, answers.map((answer) => ({ answer, receiptCid: 'bafkreireceipt' })));
  const batch = openBatch(claimOf(answers), file, events(fileShown(answers)));
  expect(batch).toMatchObject({ kind: 'answers', file: answers.map(({ receiptHash }) => ({ receiptHash })) });
  expect(openBatch(claimOf(answers.slice(1)), file, events())).toMatchObject({ kind: 'missing', why: expect.stringContaining('does not hold its answers') as string });
  expect(open(answers, ...answers.map((_, k) => answerShown(answers, k)))).toMatchObject({ kind: 'answers', file: undefined });
});

test('false sums are proved from the shown file; a receipt twice and an answer that is none once they were shown whole', () => {
  const more = openBatch({ ...claimOf(answers), tokensOut: 99 }, undefined, events(fileShown(answers)));
  if (more.kind !== 'false') throw new Error(more.kind);
  const { functionName, args } = decodeFunctionData({ abi: disputesAbi, data: more.proof!.data });
  expect(functionName).toBe('proveSums');
  expect(args![1]).toEqual(answers.map(digestOf));

  const twice = answers.map((answer, k) => (k === 3 ? { ...answer, receiptHash: answers[1]!.receiptHash } : answer));
  expect(open(twice, fileShown(twice))).toMatchObject({ kind: 'missing', places: [leafOf(1, 0, 0), leafOf(3, 0, 0)] });
  expect(open(twice, fileShown(twice), answerShown(twice, 3))).toMatchObject({ kind: 'missing', places: [leafOf(1, 0, 0)] });
  expect(open(twice, fileShown(twice), answerShown(twice, 3), answerShown(twice, 1))).toMatchObject({ kind: 'false', why: 'Answers 3 and 1 are one receipt.' });

  const none = answers.map((answer, k) => (k === 2 ? { ...answer, receiptHash: word('00') } : answer));
  expect(open(none, fileShown(none))).toMatchObject({ kind: 'missing', places: [leafOf(2, 0, 0)] });
  expect(open(none, fileShown(none), answerShown(none, 2))).toMatchObject({ kind: 'false', why: 'Answer 2 is no whole answer: its receiptHash.' });
  // What only the roots show is found by computing.
  const nobody = answers.map((answer, k) => (k === 0 ? { ...answer, payoutRoot: payoutRoot([]) } : answer));
  expect(open(nobody, fileShown(nobody))).toMatchObject({ kind: 'filed' });
});
