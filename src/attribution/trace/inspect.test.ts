import { beforeAll, describe, expect, it } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import type { ClaimedAnswer } from '../../protocol/answers.ts';
import { type Hex, fromHex } from '../../protocol/bytes.ts';
import { answerWorkings } from '../../protocol/answer-workings.ts';
import { type ReceiptPrices, divideFee } from '../../protocol/divide-fee.ts';
import { payoutRoot } from '../../protocol/fee.ts';
import { DEFAULT_PAYOUT_RULE } from '../../protocol/payout-rule.ts';
import { assertionOf, refutationOf } from './assertion.ts';
import { stepEvidence } from './evidence.ts';
import { type AnswerFinding, findingOf } from './finding.ts';
import { type InspectedAnswer, inspectAnswer, inputsOf, placeWords } from './inspect.ts';
import type { TraceInputs } from './instruction.ts';
import { guessLeaf } from './leaf-search.ts';
import { NodeSearch, type ShownPiece } from './node-search.ts';
import { type Shown, inTransactions, noSuchPlace, placesOf, repliesTo } from './replies.ts';
import type { Matrix, RunOptions } from './run.ts';
import { inputsHash } from './step.ts';
import { SEARCH_LIMITS, type SearchLimits } from './search-plan.ts';
import { PublishedTrace, publishedSize } from './published.ts';
import { searchWithheld } from './search-withheld.ts';
import { shownBy } from './testing/shown-by.ts';
import { type SmallTrace, randomInputs, runAll, smallTrace } from './testing/small-trace.ts';
import { ALL_MATRICES, TraceNodes, leafPlace } from './trace-nodes.ts';
import { Tracer } from './tracer.ts';
import { TraceTree, cutOf, leafAt, leafValues } from './tree.ts';

const backend = await createCpuBackend();
const contributors = [1, 2, 1, 3, 2].map((k): Hex => `0x${String(k).padStart(40, '0')}`);
const prices: ReceiptPrices = { rateIn: '1000000', rateOut: '5000000', platformFee: '0', split: { platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 }, payout: DEFAULT_PAYOUT_RULE };

let small: SmallTrace;
let tracer: Tracer;
let inputs: TraceInputs;
let right: Matrix[];
let tree: TraceTree;

beforeAll(async () => {
  small = await smallTrace(backend);
  tracer = await Tracer.of(backend, small.model, small.ledger);
  inputs = randomInputs(small.model.config.vocab, 12, 5);
  right = await runAll(backend, small, inputs);
  tree = TraceTree.of(right);
}, 30_000);

const receiptOf = ({ tokens, answer }: TraceInputs) => ({ prompt: { tokens: tokens.slice(0, -answer) }, answer: { tokens: tokens.slice(-answer) } });

/** A claim of `trace`, with the payouts that are right. */
function claimed(trace: Matrix[], change: Partial<ClaimedAnswer> = {}, others: Partial<InspectedAnswer> = {}): InspectedAnswer {
  const claimedTree = TraceTree.of(trace);
  const who = others.contributors ?? contributors;
  const read = change.read?.every((record, k, all) => record < who.length && all.indexOf(record) === k) ? change.read : [];
  const { root, payouts, allocated } = answerWorkings({ tokensIn: 7, tokensOut: 5, prices, scores: right.at(-2)!.values, noise: right.at(-1)!.values, contributors: who, clusters: others.clusters, read });
  const answer: ClaimedAnswer = {
    tokensIn: 7, tokensOut: 5, receiptHash: `0x${'11'.repeat(32)}`, inputsHash: inputsHash(inputs), traceRoot: claimedTree.root,
    workingsRoot: root, payoutRoot: payoutRoot(payouts), payoutCount: payouts.length, allocated, read: [], ...change,
  };
  return { answer, programHash: tracer.programHash, receipt: receiptOf(inputs), published: claimedTree.bytes(), contributors, prices, ...others };
}

const planted = (at: number, place: number, bit: number, follow: RunOptions['change'] = undefined) => runAll(backend, small, inputs, {
  change: (index, matrix) => {
    if (index === at) new Uint32Array(matrix.values.buffer, matrix.values.byteOffset)[place]! ^= 2 ** bit;
    follow?.(index, matrix);
  },
});

describe('an answer that was claimed', () => {
  it('is right, or has another payout', async () => {
    expect((await inspectAnswer(tracer, claimed(right))).verdict).toMatchObject({ kind: 'right' });
    const { answer } = claimed(right);
    for (const [fault, change] of [
      ['workings', { workingsRoot: tree.root }], ['sums', { allocated: answer.allocated + 1n }], ['sums', { payoutCount: answer.payoutCount + 1 }], ['payouts', { payoutRoot: tree.root }],
      ['read', { read: [2, 2] }], ['read', { read: [5] }],
    ] as const) {
      expect((await inspectAnswer(tracer, claimed(right, change))).verdict, JSON.stringify(Object.keys(change))).toMatchObject({ kind: 'payout', fault });
    }
  });

  it('divides among all records where some are copies, which were not trained', async () => {
    // Records 1 and 4 are copies of 0 and 3.
    const clusters = [0, 0, 2, 3, 3, 5, 6];
    const all = [0, 1, 1, 2, 3, 4, 5].map((k): Hex => `0x${String(k + 1).padStart(40, '0')}`);
    const spread = (values: Float32Array) => Float32Array.from(clusters, (k, at) => (k === at ? values[[0, 2, 3, 5, 6].indexOf(at)]! : 0));
    const { payouts } = divideFee(7, 5, prices, spread(right.at(-2)!.values), spread(right.at(-1)!.values), all, [{ record: 4 }]);
    expect(payouts.length).toBeGreaterThan(0);
    const change = { payoutRoot: payoutRoot(payouts), payoutCount: payouts.length, allocated: payouts.reduce((sum, { amount }) => sum + amount, 0n), read: [4] };
    expect((await inspectAnswer(tracer, claimed(right, change, { contributors: all, clusters }))).verdict.kind).toBe('right');
    expect((await inspectAnswer(tracer, claimed(right, { ...change, read: [3] }, { contributors: all, clusters }))).verdict.kind).toBe('payout');
  });

  it('names the tokens that it is about, or nothing can be computed', async () => {
    expect((await inspectAnswer(tracer, claimed(right, {}, { receipt: undefined }))).verdict).toMatchObject({ kind: 'inputs-unknown', place: new NodeSearch(tree, `0x${'12'.repeat(32)}`).next()[0] });
    // Of numbers of tokens that no program takes, any leaf will do.
    expect((await inspectAnswer(tracer, claimed(right, { tokensIn: 10 ** 6 }, { receipt: undefined }))).verdict).toMatchObject({ kind: 'inputs-unknown', place: leafPlace({ index: 0, leaf: 0 }) });
    expect((await inspectAnswer(tracer, claimed(right, {}, { receipt: receiptOf(randomInputs(40, 12, 5, 9)) }))).verdict.kind).toBe('inputs-unknown');
    expect((await inspectAnswer(tracer, claimed(right, { tokensOut: 6 }))).verdict).toMatchObject({ kind: 'inputs', where: expect.stringContaining('computed from 7 and 5') });
    expect(inputsOf(receiptOf({ ...inputs, answer: 4 }), { inputsHash: inputsHash(inputs), tokensOut: 5 })).toEqual(inputs);
    const nothing = { ...inputs, answer: 12 };
    expect((await inspectAnswer(tracer, claimed(right, { inputsHash: inputsHash(nothing), tokensIn: 0, tokensOut: 12 }, { receipt: receiptOf(nothing) }))).verdict.kind).toBe('trace-missing');
    expect((await inspectAnswer(tracer, claimed(right, {}, { programHash: tree.root }))).verdict.kind).toBe('unchecked');
  });

  it('has its first false leaf named, and shown by the element that is false', async () => {
    for (let seed = 0; seed < 8; seed++) {
      // The scores and the noise among them.
      const at = seed < 2 ? right.length - 1 - seed : (seed * 7919 + 13) % right.length;
      const place = (seed * 104729 + 7) % right[at]!.values.length;
      // All 32 bits; what is not a number spoils the rest, which a cheat would leave as it should be.
      const trace = right.map((matrix, k) => (k === at ? { ...matrix, values: matrix.values.slice() } : matrix));
      new Uint32Array(trace[at]!.values.buffer)[place]! ^= 2 ** ((seed * 5) % 32);
      const { verdict, values, claimed: theirs } = await inspectAnswer(tracer, claimed(trace));
      if (verdict.kind !== 'step') throw new Error(verdict.kind);
      expect(verdict).toMatchObject({ place: { index: at }, guessed: true });
      expect(verdict.where).toContain(`row ${Math.floor(place / right[at]!.columns)}, column ${place % right[at]!.columns}`);
      expect([...values!]).toEqual([...leafValues(trace[at]!, verdict.place.leaf).values]);
      const step = await stepEvidence(tracer, inputs, theirs!, verdict.place, values!);
      expect(step).toMatchObject({ index: at, row: Math.floor(place / right[at]!.columns), column: place % right[at]!.columns });
    }
  }, 30_000);

  it('has to show a leaf that cannot be guessed', async () => {
    const trace = await runAll(backend, small, inputs, { change: (index, { values }) => index === 4 && values.set([3, 2, 1]) });
    const inspection = await inspectAnswer(tracer, claimed(trace));
    expect(inspection.verdict).toMatchObject({ kind: 'step', place: { index: 4, leaf: 0 }, guessed: false });
    expect(inspection.verdict.where).toContain(placeWords(tracer, { index: 4, leaf: 0 }));
    const shown = leafValues(trace[4]!, 0).values;
    expect(await stepEvidence(tracer, inputs, inspection.claimed!, { index: 4, leaf: 0 }, shown)).toMatchObject({ index: 4, row: 0, column: 0 });
    expect(await stepEvidence(tracer, inputs, tree, { index: 4, leaf: 0 }, leafValues(right[4]!, 0).values)).toBeUndefined();
    expect((await inspectAnswer(tracer, claimed(trace, {}, { published: tree.bytes() }))).verdict).toMatchObject({ kind: 'trace-missing', where: expect.stringContaining('not its trace') });
  });
});

describe('an answer of which no numbers come out', () => {
  it('is false where the first of them would stand, whatever is claimed there', async () => {
    // An adapter so strong that values leave every range.
    const strong = await smallTrace(backend, { lora: { alpha: 1e36 } });
    const judge = await Tracer.of(backend, strong.model, strong.ledger);
    await expect(judge.trace(inputs)).rejects.toMatchObject({ code: 'rf32/out-of-range' });
    await expect(judge.toPublish(inputs)).rejects.toMatchObject({ code: 'rf32/out-of-range' });
    const computed = await runAll(backend, strong, inputs, { anyRange: true });
    const index = computed.findIndex(({ values }) => !values.every(Number.isFinite));
    const at = computed[index]!.values.findIndex((value) => !Number.isFinite(value));
    expect(index).toBeGreaterThan(0);
    // What came out; and zeros instead, which everything that follows is made from.
    for (const [trace, bits] of [[computed, true], [await runAll(backend, strong, inputs, { anyRange: true, change: (_, { values }) => values.forEach((value, k) => Number.isFinite(value) || (values[k] = 0)) }), false]] as const) {
      const theirs = TraceTree.of(trace);
      for (const published of [theirs.bytes(), undefined]) {
        const about = claimed(right, { traceRoot: theirs.root }, { programHash: judge.programHash, published });
        const inspection = await inspectAnswer(judge, about);
        const shown: ShownPiece[] = [];
        let found: AnswerFinding;
        for (let round = 0; ; round++) {
          found = await findingOf(judge, inspection, { answer: about.answer, records: [], shown });
          if (found.kind !== 'demand' || round > 4) break;
          shown.push(...found.places.map(shownBy(trace)));
        }
        const { rows, columns } = computed[index]!;
        expect(rows * columns).toBeGreaterThan(at);
        expect(found, `${bits}`).toMatchObject({ kind: 'false', evidence: { kind: 'step', step: { index, row: Math.floor(at / columns), column: at % columns } } });
      }
    }
  }, 30_000);
});

describe('a search without a file', () => {
  /** A fault at a place by seed: all that follows is computed from it; or nothing is. Every second is one bit, which a leaf's hash tells. */
  async function falseAt(seed: number): Promise<{ at: number; place: number; trace: Matrix[] }> {
    const at = (seed * 6007 + 3) % right.length;
    const place = (seed * 104729 + 11) % right[at]!.values.length;
    return { at, place, trace: seed % 2 || seed === 0 ? await planted(at, place, 3 + seed) : right.map((matrix, k) => (k === at ? { ...matrix, values: matrix.values.with(place, 0.123) } : matrix)) };
  }

  async function searched(trace: Matrix[], limits: SearchLimits) {
    const show = shownBy(trace);
    const theirs = TraceTree.of(trace);
    const shown: ShownPiece[] = [];
    let found = await searchWithheld(tracer, inputs, tree, theirs.root, shown, { limits });
    let rounds = 0;
    for (; found.kind === 'demand' && rounds < 4; rounds++) {
      shown.push(...found.places.map(show));
      found = await searchWithheld(tracer, inputs, tree, theirs.root, shown, { limits });
    }
    return { found, rounds, theirs };
  }

  it('ends after two rounds with leaves asserted, which its claimant cannot refute, or with the one that is false', async () => {
    let asserted = 0;
    for (let seed = 0; seed < 8; seed++) {
      const { at, place, trace } = await falseAt(seed);
      const { found, rounds, theirs } = await searched(trace, SEARCH_LIMITS);
      if (found.kind === 'demand') throw new Error('not found');
      expect(rounds).toBeLessThanOrEqual(2);
      expect(found.place.index).toBe(at);
      if (found.kind === 'leaf') continue;
      asserted += 1;
      const { place: { leaf, level }, assertion } = found;
      const { rows, columns } = tree.tensors[at]!;
      const here = leafAt(columns, cutOf(rows, columns), Math.floor(place / columns), place % columns);
      expect(here.leaf >> level).toBe(leaf);
      expect(assertion).toEqual(await assertionOf(tracer, inputs, tree, found.place));
      const refuted = await refutationOf(tracer, inputs, theirs, found.place, { leaf, level, values: new Float32Array(fromHex(assertion.own.values).buffer) });
      expect(refuted.asserted.claimed).not.toBe(refuted.asserted.node);
      expect(refuted.step.openings).toEqual([]);
    }
    expect(asserted).toBeGreaterThan(3);
  }, 30_000);

  it('asserts nothing where the leaf’s hash tells what it holds', async () => {
    const { at, trace } = await falseAt(1);
    const [nodes, show] = [new TraceNodes(TraceTree.of(trace)), shownBy(trace)];
    const { depth } = nodes.of(at);
    const shown = [show({ index: ALL_MATRICES, leaf: 0, level: nodes.all.depth, depth: Math.min(11, nodes.all.depth) }), show({ index: at, leaf: 0, level: depth, depth })];
    expect(await searchWithheld(tracer, inputs, tree, TraceTree.of(trace).root, shown)).toMatchObject({ kind: 'leaf', place: { index: at } });
  });

  it('asserts nothing where part of the trace is published: then the leaves are shown', async () => {
    const { trace } = await falseAt(2);
    const theirs = TraceTree.of(trace);
    const partly = tracer.published(PublishedTrace.of(theirs, publishedSize(theirs.tensors, 3)).bytes(), inputs, theirs.root)!;
    expect(partly.level).toBe(3);
    const shown: ShownPiece[] = [];
    const kinds: string[] = [];
    for (let found = await searchWithheld(tracer, inputs, tree, theirs.root, shown, { partly }); kinds.length < 4; found = await searchWithheld(tracer, inputs, tree, theirs.root, shown, { partly })) {
      kinds.push(found.kind);
      if (found.kind !== 'demand') break;
      shown.push(...found.places.map(shownBy(trace)));
    }
    expect(kinds.at(-1)).toBe('leaf');
    expect(kinds.slice(0, -1).every((kind) => kind === 'demand')).toBe(true);
  });

  it('without assertions finds the first false leaf in three rounds, and proves what stands before it', async () => {
    for (let seed = 0; seed < 6; seed++) {
      const { at, place, trace } = await falseAt(seed);
      const { found, rounds, theirs } = await searched(trace, { ...SEARCH_LIMITS, asserts: false });
      if (found.kind !== 'leaf') throw new Error('not found');
      expect(rounds).toBeLessThanOrEqual(3);
      const { leaf } = found.place;
      expect(found.place.index).toBe(at);
      expect(new Uint32Array(found.values.slice().buffer)).toEqual(new Uint32Array(leafValues(trace[at]!, leaf).values.slice().buffer));
      expect(Math.abs(place - leafValues(trace[at]!, leaf).first)).toBeLessThan(256);
      const step = (await stepEvidence(tracer, inputs, found.tree, found.place, found.values))!;
      expect(step).toEqual(await stepEvidence(tracer, inputs, theirs, found.place, found.values));
    }
  }, 30_000);
});

describe('an honest claim', () => {
  it('shows everything that is demanded, and that others are not there', async () => {
    const last = right.length - 1;
    const nodes = new TraceNodes(tree);
    const wide = right.findIndex(({ rows, columns }) => rows * columns > 1024);
    const { depth } = nodes.of(wide);
    const places = [
      leafPlace({ index: 0, leaf: 0 }), leafPlace({ index: last, leaf: 0 }), { index: ALL_MATRICES, leaf: 0, level: nodes.all.depth, depth: 6 },
      { index: wide, leaf: 0, level: depth, depth: depth - 1 }, leafPlace({ index: wide, leaf: 1 }),
    ];
    for (const place of places) expect(noSuchPlace(tracer, inputs, place)).toBeUndefined();
    const replies = await repliesTo(tracer, inputs, places, { tree });
    expect(replies).toEqual(await repliesTo(tracer, inputs, places));
    expect(replies.map(({ matrix }) => matrix.index)).toEqual([0, last, ALL_MATRICES, wide]);
    expect(replies[3]!.leaves[0]!.proof).toEqual(tree.proof(wide, 1));
    expect(replies[2]!.nodes[0]!.hashes).toHaveLength(Math.ceil(right.length / 2 ** (nodes.all.depth - 6)));
    const flat = (parts: Shown[][]) => parts.flat().flatMap(placesOf).map((place) => JSON.stringify(place)).sort();
    expect(inTransactions(replies)).toHaveLength(1);
    expect(inTransactions(replies, 0)).toHaveLength(places.length);
    for (const most of [0, 3000, 10 ** 6]) expect(flat(inTransactions(replies, most))).toEqual(places.map((place) => JSON.stringify(place)).sort());
    for (const [place, index] of [
      [leafPlace({ index: last, leaf: 1 }), last], [leafPlace({ index: last + 1, leaf: 0 }), last + 1], [{ index: ALL_MATRICES, leaf: 0, level: nodes.all.depth + 1, depth: 2 }, ALL_MATRICES],
      [{ index: wide, leaf: 2, level: depth, depth: 1 }, wide], [{ index: 10 ** 9, leaf: 0, level: 4, depth: 1 }, 10 ** 9],
    ] as const) {
      expect(noSuchPlace(tracer, inputs, place)).toMatchObject({ index });
      await expect(repliesTo(tracer, inputs, [place])).rejects.toThrow(RangeError);
    }
  });
});

describe('a guess', () => {
  it('finds any one bit, nothing else', () => {
    const matrix = right[2]!;
    const values = leafValues(matrix, 0).values;
    const hashOf = (changed: Float32Array) => TraceTree.of([{ rows: 1, columns: changed.length, values: changed }]).tensors[0]!.leaves;
    const flipped = values.slice();
    new Uint32Array(flipped.buffer)[values.length - 1]! ^= 2 ** 31;
    expect(new Uint32Array(guessLeaf(matrix, 0, hashOf(flipped))!.buffer)).toEqual(new Uint32Array(flipped.buffer));
    expect(guessLeaf(matrix, 0, hashOf(values.map((value) => value + 1)))).toBeUndefined();
  });
});
