import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { answerWorkings } from '../../protocol/answer-workings.ts';
import { type ClaimedAnswer, madeHash } from '../../protocol/answers.ts';
import type { FiledAnswer } from '../../protocol/answers-file.ts';
import type { Hex } from '../../protocol/bytes.ts';
import type { ReceiptPrices } from '../../protocol/divide-fee.ts';
import { payoutRoot } from '../../protocol/fee.ts';
import { DEFAULT_PAYOUT_RULE } from '../../protocol/payout-rule.ts';
import type { VersionRecord } from '../../protocol/record.ts';
import { type FiledGround, type FiledInspection, inspectFiled } from './filed.ts';
import { findingOf } from './finding.ts';
import { inspectAnswer } from './inspect.ts';
import type { TraceInputs } from './instruction.ts';
import { TOTALS } from './payout-evidence.ts';
import type { Matrix } from './run.ts';
import { inputsHash } from './step.ts';
import { shownBy } from './testing/shown-by.ts';
import { type SmallTrace, randomInputs, runAll, smallTrace } from './testing/small-trace.ts';
import { CUT, leafPlace } from './trace-nodes.ts';
import { Tracer } from './tracer.ts';
import { TraceTree } from './tree.ts';

const backend = await createCpuBackend();
const contributors = [1, 2, 1, 3, 2].map((k): Hex => `0x${String(k).padStart(40, '0')}`);
const records = contributors.map((contributor, k): VersionRecord => ({ text: `Record ${k}.`, questions: [], contributor, contribution: String(k) }));
const prices: ReceiptPrices = { rateIn: '1000000', rateOut: '5000000', platformFee: '0', split: { platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 }, payout: DEFAULT_PAYOUT_RULE };

let small: SmallTrace;
let tracer: Tracer;
let inputs: TraceInputs;
let right: Matrix[];
let ground: FiledGround;

beforeAll(async () => {
  small = await smallTrace(backend);
  tracer = await Tracer.of(backend, small.model, small.ledger);
  inputs = randomInputs(small.model.config.vocab, 12, 5);
  right = await runAll(backend, small, inputs);
  ground = { programHash: tracer.programHash, contributors, prices };
}, 30_000);

/** A claim of `trace` with the payouts that are right, or others. */
function claimed(change: Partial<ClaimedAnswer> = {}, trace: Matrix[] = right): ClaimedAnswer {
  const read = change.read ?? [3, 0];
  const { root, payouts, allocated } = answerWorkings({ tokensIn: 7, tokensOut: 5, prices, scores: right.at(-2)!.values, noise: right.at(-1)!.values, contributors, read: read.filter((record, k) => record < 5 && read.indexOf(record) === k) });
  return {
    tokensIn: 7, tokensOut: 5, receiptHash: `0x${'11'.repeat(32)}`, inputsHash: inputsHash(inputs), traceRoot: TraceTree.of(trace).root,
    workingsRoot: root, payoutRoot: payoutRoot(payouts), payoutCount: payouts.length, allocated, read, ...change,
  };
}
const file = (answer: ClaimedAnswer): FiledAnswer => ({
  tokensIn: answer.tokensIn, tokensOut: answer.tokensOut, allocated: answer.allocated, receiptHash: answer.receiptHash, madeHash: madeHash(answer), read: [...answer.read], tokens: [...inputs.tokens],
});
const inspect = (answer: ClaimedAnswer, change: Partial<FiledAnswer> = {}): Promise<FiledInspection> => inspectFiled(tracer, { ...file(answer), ...change }, ground);

/** Goes on when the claimant has shown which answer it is, and what is claimed in `trace`. */
async function goOn(answer: ClaimedAnswer, { own, begin }: FiledInspection, trace?: Matrix[]) {
  const { tokens } = inputs;
  const receipt = { prompt: { tokens: tokens.slice(0, 7) }, answer: { tokens: tokens.slice(7) } };
  const computed = vi.spyOn(tracer, 'trace');
  const inspection = await inspectAnswer(tracer, { answer, ...ground, receipt, published: undefined, own: own! });
  // All of it was computed before.
  expect(computed).not.toHaveBeenCalled();
  computed.mockRestore();
  return findingOf(tracer, inspection, { answer, records, shown: trace ? [shownBy(trace)(begin!.cut)] : [] });
}

describe('an answer of a batch’s file', () => {
  it('is right where its made hash and its payouts follow, whatever its receipt is', async () => {
    const answer = claimed();
    expect(await inspect(answer)).toMatchObject({ right: true, answer, inputs });
    expect(await inspect(answer, { receiptHash: `0x${'ab'.repeat(32)}` })).toMatchObject({ right: true, answer: { ...answer, receiptHash: `0x${'ab'.repeat(32)}` } });
    const none = claimed({ read: [] });
    const found = await inspect(none);
    expect(found).toMatchObject({ right: true, answer: none });
    // There may be 256 of them.
    expect([found.own, found.begin, found.claimed]).toEqual([undefined, undefined, undefined]);
  });

  it('is false where its trace is another; what is asked for first is what the search asks for, which goes on without computing again', async () => {
    const trace = right.map((matrix, k) => (k === 40 ? { ...matrix, values: matrix.values.with(1, 0.123) } : matrix));
    const answer = claimed({}, trace);
    const found = await inspect(answer);
    expect(found).toMatchObject({ right: false, answer: claimed(), begin: { cut: { depth: CUT } } });
    expect(found.claimed).toBeUndefined();
    expect(await goOn(answer, found)).toMatchObject({ kind: 'demand', places: [found.begin!.cut] });
    const next = await goOn(answer, found, trace);
    expect(next.kind === 'demand' ? next.places : next.kind).not.toEqual([found.begin!.cut]);
    expect(next).toMatchObject(next.kind === 'assert' ? { place: { index: 40 } } : { kind: 'demand', certain: true });
  });

  it('is false where its payouts are others; their workings are asked for with the cut', async () => {
    const other: Hex = `0x${'77'.repeat(32)}`;
    for (const change of [{ workingsRoot: other }, { payoutRoot: other }, { payoutCount: 3 }, { traceRoot: other }] as const) {
      const found = await inspect(claimed(change));
      expect(found, JSON.stringify(change)).toMatchObject({ right: false, answer: claimed() });
      expect(found.begin!.workings.length).toBeGreaterThan(0);
      if (!('workingsRoot' in change)) continue;
      expect(await goOn(claimed(change), found)).toMatchObject({ kind: 'demand', places: found.begin!.workings });
    }
  });

  it('is known as claimed where only its sum is false, and needs nothing shown', async () => {
    const answer = claimed({ allocated: claimed().allocated + 1n });
    const found = await inspect(answer);
    expect(found).toMatchObject({ right: false, claimed: answer });
    expect(found.begin).toBeUndefined();
    expect(await goOn(found.claimed!, found)).toMatchObject({ kind: 'false', evidence: { kind: 'payout', evidence: { table: TOTALS } } });
    const nameless = claimed({ receiptHash: `0x${'00'.repeat(32)}` });
    expect(await inspect(nameless)).toMatchObject({ right: false, claimed: nameless, where: expect.stringContaining('receiptHash') });
  });

  it('is false where records are named as read that earn nothing', async () => {
    for (const read of [[5], [2, 2], Array.from({ length: 17 }, (_, k) => k)]) {
      const answer = claimed({ read });
      const found = await inspect(answer);
      expect(found).toMatchObject({ right: false, begin: { cut: { depth: CUT }, workings: [] } });
      expect(found.answer).toBeUndefined();
      expect(await goOn(answer, found)).toMatchObject({ kind: 'false', evidence: { kind: 'payout' } });
    }
  });

  it('is false where its tokens have no trace: any leaf will do', async () => {
    const made = `0x${'33'.repeat(32)}` as const;
    const withTokens = (tokensIn: number, tokensOut: number) => inspect(claimed(), { tokensIn, tokensOut, tokens: new Array<number>(tokensIn + tokensOut).fill(1), madeHash: made });
    for (const [tokensIn, tokensOut] of [[0, 0], [0, 5], [5, 0], [1020, 5], [65_535, 65_535]] as const) {
      const found = await withTokens(tokensIn, tokensOut);
      expect(found, `${tokensIn} ${tokensOut}`).toMatchObject({ right: false, begin: { cut: leafPlace({ index: 0, leaf: 0 }), workings: [] } });
      expect(found.own).toBeUndefined();
    }
    // Any token that the model does not have has zeros for its row.
    expect(await inspect(claimed(), { tokens: inputs.tokens.map(() => 0xffffffff) })).toMatchObject({ right: false, begin: { cut: { depth: CUT } } });
  });

  it('is false where no numbers come out, and unknown where the program is another', async () => {
    const strong = await smallTrace(backend, { lora: { alpha: 1e36 } });
    const judge = await Tracer.of(backend, strong.model, strong.ledger);
    const found = await inspectFiled(judge, file(claimed()), { ...ground, programHash: judge.programHash });
    expect(found).toMatchObject({ right: false, begin: { cut: { depth: CUT } } });
    expect(found.own).toBeDefined();
    const unknown = await inspectFiled(judge, file(claimed()), ground);
    expect(unknown.right).toBeUndefined();
    expect(unknown.begin).toBeUndefined();
  });

  it('is not computed to the end when that is cancelled', async () => {
    await expect(inspectFiled(tracer, file(claimed()), ground, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });
});
