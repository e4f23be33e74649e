import { beforeAll, describe, expect, it } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import type { ClaimedAnswer } from '../../protocol/answers.ts';
import { type Hex, concat } from '../../protocol/bytes.ts';
import { DEFAULT_PAYOUT_RULE } from '../../protocol/payout-rule.ts';
import { stepEvidence } from './evidence.ts';
import { type AnswerFinding, findingOf } from './finding.ts';
import { type Inspection, inspectAnswer } from './inspect.ts';
import type { TraceInputs } from './instruction.ts';
import type { ShownPiece } from './node-search.ts';
import { MOST_PUBLISHED_BYTES, PUBLISHED_BYTES, PublishedTrace, publishedLevel, publishedSize, readPublished } from './published.ts';
import { repliesTo } from './replies.ts';
import type { Matrix } from './run.ts';
import { SEARCH_LIMITS } from './search-plan.ts';
import { inputsHash } from './step.ts';
import { shownBy } from './testing/shown-by.ts';
import { type SmallTrace, randomInputs, runAll, smallTrace } from './testing/small-trace.ts';
import { TraceNodes, type TracePlace } from './trace-nodes.ts';
import { Tracer } from './tracer.ts';
import { TraceTree, cutOf, leafValues } from './tree.ts';
import { depthOf, widthOf } from './tree-nodes.ts';

const backend = await createCpuBackend();
let small: SmallTrace;
let tracer: Tracer;
let inputs: TraceInputs;
let right: Matrix[];
let tree: TraceTree;
/** Levels of the largest matrix. */
let deepest: number;

beforeAll(async () => {
  // Rows of several pieces and many of them, so that matrices have up to some hundred leaves.
  small = await smallTrace(backend, { config: { hidden_size: 300, intermediate_size: 1100, vocab_size: 1290, num_hidden_layers: 1 } });
  tracer = await Tracer.of(backend, small.model, small.ledger);
  inputs = randomInputs(small.model.config.vocab, 21, 13);
  right = await runAll(backend, small, inputs);
  tree = TraceTree.of(right);
  deepest = Math.max(...right.map(({ rows, columns }) => depthOf(cutOf(rows, columns).count)));
}, 30_000);

const equal = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b);
const counts = () => right.map(({ rows, columns }) => cutOf(rows, columns).count);
const bytesAt = (level: number) => publishedSize(right, level);
const fileAt = (of: TraceTree, level: number) => PublishedTrace.of(of, bytesAt(level)).bytes();

describe('a published trace', () => {
  it('is of the least level that fits, and is read back at every level', async () => {
    expect(deepest).toBeGreaterThan(5);
    expect(equal(tree.bytes(), PublishedTrace.of(tree).bytes())).toBe(true);
    expect(publishedLevel(right, bytesAt(0))).toBe(0);
    const nodes = new TraceNodes(tree);
    for (let level = 0; level <= deepest; level++) {
      expect(publishedLevel(right, bytesAt(level))).toBe(level);
      // One byte less: one level more. Less than the tops cannot be.
      expect(publishedLevel(right, bytesAt(level) - 1)).toBe(Math.min(level + 1, deepest));
      const bytes = fileAt(tree, level);
      expect(bytes.length).toBe(bytesAt(level));
      const read = readPublished(bytes, right, tree.root)!;
      expect([read.level, read.root]).toEqual([level, tree.root]);
      expect(equal(read.bytes(), bytes)).toBe(true);
      // Nodes as TraceNodes has them.
      expect(equal(bytes, concat(...counts().flatMap((count, k) => {
        const at = Math.min(level, depthOf(count));
        return Array.from({ length: widthOf(count, at) }, (_, place) => nodes.of(k).node(at, place));
      })))).toBe(true);
      expect(read.tree?.root).toBe(level ? undefined : tree.root);
    }
  });

  it('is the same where its maker holds no more of it', async () => {
    for (const level of [0, 2, deepest]) {
      const made = await tracer.toPublish(inputs, { most: bytesAt(level) });
      expect([made.root, made.level]).toEqual([tree.root, level]);
      expect(equal(made.bytes(), fileAt(tree, level))).toBe(true);
    }
    expect((await tracer.toPublish(inputs)).level).toBe(0);
    await expect(tracer.toPublish(randomInputs(50, 1025, 4))).rejects.toMatchObject({ code: 'trace/too-long' });
  });

  it('of another length, another root or with a changed bit is not used', () => {
    for (const level of [0, 1, deepest]) {
      const bytes = fileAt(tree, level);
      for (const other of [
        bytes.subarray(32), bytes.subarray(0, -32), bytes.subarray(1), concat(bytes, new Uint8Array(32)), new Uint8Array(), bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1), new Uint8Array(bytes.length), fileAt(tree, level).reverse(),
      ]) expect(readPublished(other, right, tree.root), `${level}: ${other.length}`).toBeUndefined();
      expect(readPublished(bytes, right, `0x${'12'.repeat(32)}`)).toBeUndefined();
      // Sizes of another answer.
      expect(readPublished(bytes, right.slice(1), tree.root)).toBeUndefined();
    }
    // A level between two: of some matrices lower, of some higher nodes, so that the length is that of no level, or the root another.
    const [low, high] = [1, 2].map((level) => PublishedTrace.of(tree, bytesAt(level)));
    for (const split of [1, right.length >> 1, right.length - 1]) {
      const mixed = concat(...right.map((_, k) => (k < split ? low : high)!.matrices[k]!.nodes));
      if (mixed.length !== bytesAt(1) && mixed.length !== bytesAt(2)) expect(readPublished(mixed, right, tree.root)).toBeUndefined();
    }
  });

  it('has at most 4 MB at the sizes of large models, whatever the tops take', () => {
    // 3 million leaves, as 1,024 tokens of the shipped base have; 100 million; more matrices than fit.
    const sizes = (matrices: number, leaves: number) => Array.from({ length: matrices }, (_, k) => ({ rows: k % 40 === 0 ? leaves : 3, columns: 256 }));
    for (const [matrices, leaves, level] of [[2400, 50_000, 5], [12_000, 330_000, 10]] as const) {
      const shapes = sizes(matrices, leaves);
      expect(publishedLevel(shapes)).toBe(level);
      expect(publishedSize(shapes, level)).toBe(shapes.reduce((sum, { rows }) => sum + 32 * widthOf(rows, Math.min(level, depthOf(rows))), 0));
      expect(publishedSize(shapes, level)).toBeLessThanOrEqual(PUBLISHED_BYTES);
      expect(publishedSize(shapes, level - 1)).toBeGreaterThan(PUBLISHED_BYTES);
    }
    expect(publishedLevel(sizes(200_000, 64))).toBe(6);
    expect(MOST_PUBLISHED_BYTES).toBeGreaterThan(32 * 200_000);
  });
});

/** What is claimed about the answer; its payouts do not count here. */
const answerOf = (traceRoot: Hex): ClaimedAnswer => ({
  tokensIn: inputs.tokens.length - inputs.answer, tokensOut: inputs.answer, receiptHash: tree.root, inputsHash: inputsHash(inputs), traceRoot, workingsRoot: tree.root,
  payoutRoot: tree.root, payoutCount: 0, allocated: 0n, read: [],
});

/** A claim of `trace` with these bytes as its file. */
async function inspect(trace: TraceTree, published: Uint8Array): Promise<Inspection> {
  const { tokens, answer } = inputs;
  return inspectAnswer(tracer, {
    answer: answerOf(trace.root),
    programHash: tracer.programHash, receipt: { prompt: { tokens: tokens.slice(0, -answer) }, answer: { tokens: tokens.slice(-answer) } }, published,
    contributors: [1, 2, 3, 4, 5].map((k): Hex => `0x${String(k).padStart(40, '0')}`),
    prices: { rateIn: '1', rateOut: '1', platformFee: '0', split: { platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 }, payout: DEFAULT_PAYOUT_RULE },
  });
}

/** Goes on until something is proved; `show` is the claimant. */
async function dispute(inspection: Inspection, traceRoot: Hex, show: (place: TracePlace) => ShownPiece, limits = SEARCH_LIMITS): Promise<{ found: AnswerFinding; rounds: number; places: number }> {
  const shown: ShownPiece[] = [];
  let places = 0;
  for (let rounds = 0; ; rounds++) {
    const found = await findingOf(tracer, inspection, { answer: answerOf(traceRoot), records: [], shown }, { limits });
    if (found.kind !== 'demand' || rounds > 4) return { found, rounds, places };
    places += found.places.length;
    shown.push(...found.places.map(show));
  }
}

describe('a claim of which the upper hashes are published', () => {
  it('is right where it is right', async () => {
    for (const level of [1, 3, deepest]) {
      const { verdict, partly } = await inspect(tree, fileAt(tree, level));
      // Right but for the payouts, which this test does not divide.
      expect(verdict.kind).toBe('payout');
      expect(partly).toBeUndefined();
    }
  });

  it('has its first false leaf found and proved through demands', async () => {
    const wide = [...right.keys()].filter((k) => counts()[k]! > 40);
    for (const [seed, level] of [1, 2, 3, 5, deepest, 2].entries()) {
      const index = wide[(seed * 7919 + 5) % wide.length]!;
      const place = seed === 4 ? right[index]!.values.length - 1 : (seed * 104729 + 11) % right[index]!.values.length;
      // Garbage; or one bit, which a leaf's hash tells. What follows is computed from it, or not.
      const bit = seed % 2 === 1;
      const change = ({ values }: Matrix) => {
        if (bit) new Uint32Array(values.buffer, values.byteOffset)[place]! ^= 2 ** 9;
        else values[place] = 0.123;
      };
      const follows = seed < 2;
      const trace = follows ? await runAll(backend, small, inputs, { change: (k, matrix) => k === index && change(matrix) }) : right.map((matrix) => ({ ...matrix }));
      if (!follows) {
        trace[index]!.values = trace[index]!.values.slice();
        change(trace[index]!);
      }
      const theirs = TraceTree.of(trace);
      const inspection = await inspect(theirs, fileAt(theirs, level));
      expect(inspection.verdict).toMatchObject({ kind: 'trace-missing', where: expect.stringContaining(`instruction ${index}, `) });
      expect(inspection.first).toMatchObject({ index });
      const asked = await findingOf(tracer, inspection, { answer: answerOf(theirs.root), records: [], shown: [] });
      if (asked.kind !== 'demand') throw new Error(asked.kind);
      // Nothing is asked again that was published.
      for (const one of asked.places) expect(one).toMatchObject({ index, level: expect.toSatisfy((at: number) => at <= level) });
      const { found, rounds } = await dispute(inspection, theirs.root, shownBy(trace));
      if (found.kind !== 'false' || found.evidence.kind !== 'step') throw new Error(`${found.kind}: ${found.where}`);
      expect(rounds).toBeLessThanOrEqual(level <= 4 ? 2 : 3);
      const { columns } = right[index]!;
      expect(found.evidence.step).toMatchObject({ index, row: Math.floor(place / columns), column: place % columns });
      const leaf = found.evidence.step.output.leaf;
      expect(found.evidence.step).toEqual(await stepEvidence(tracer, inputs, theirs, { index, leaf }, leafValues(trace[index]!, leaf).values));
    }
  }, 30_000);

  it('with a file of another trace, of roots made up, or of a strange level is searched as if it had none', async () => {
    const index = [...counts().keys()].find((k) => counts()[k]! > 40)!;
    const trace = right.map((matrix, k) => (k === index ? { ...matrix, values: matrix.values.with(3, 9) } : matrix));
    const theirs = TraceTree.of(trace);
    const level = 2;
    for (const published of [fileAt(tree, level), fileAt(theirs, level).with(5, 1), fileAt(theirs, level).subarray(32)]) {
      const inspection = await inspect(theirs, published);
      expect(inspection.verdict).toMatchObject({ kind: 'trace-missing', where: expect.stringContaining('not its trace') });
      expect(inspection.partly).toBeUndefined();
      const { found } = await dispute(inspection, theirs.root, shownBy(trace), { ...SEARCH_LIMITS, asserts: false });
      expect(found).toMatchObject({ kind: 'false', evidence: { kind: 'step', step: { index, row: 0, column: 3 } } });
      // It may be a file of anything: what is asserted needs none.
      const asserted = await dispute(inspection, theirs.root, shownBy(trace));
      expect(asserted.found).toMatchObject({ kind: 'assert', place: { index }, ownRoot: tree.root, assertion: { ownRoot: tree.root, matrix: { index } } });
      expect(asserted.rounds).toBeLessThanOrEqual(2);
    }
    // A level higher than it had to be hides nothing, and asks for no more than a withheld file does.
    const most = await dispute(await inspect(theirs, new Uint8Array()), theirs.root, shownBy(trace), { ...SEARCH_LIMITS, asserts: false });
    const tops = await dispute(await inspect(theirs, fileAt(theirs, deepest)), theirs.root, shownBy(trace));
    expect(tops.found.kind).toBe('false');
    expect(tops.rounds).toBeLessThanOrEqual(most.rounds);
  });

  it('is defended with what is computed again', async () => {
    const index = [...counts().keys()].find((k) => counts()[k]! > 40)!;
    const places = [{ index, leaf: 1, level: 3, depth: 3 }, { index, leaf: 9, level: 0, depth: 0 }];
    const { own } = await inspect(tree, fileAt(tree, 3));
    expect(await repliesTo(tracer, inputs, places)).toEqual(await repliesTo(tracer, inputs, places, { tree: own!.tree }));
  });
});
