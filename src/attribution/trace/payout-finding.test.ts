/** Payouts that are false, searched by what a claimant shows of their workings: every kind of fault, in every table. */
import { expect, test } from 'vitest';
import { randomWord } from '../../arithmetic/random.ts';
import type { ClaimedAnswer } from '../../protocol/answers.ts';
import { fromHex } from '../../protocol/bytes.ts';
import { type Payout, payoutRoot } from '../../protocol/fee.ts';
import { WORKINGS_TABLES, type Workings, workingsOf } from '../../protocol/payout-workings.ts';
import type { VersionRecord } from '../../protocol/record.ts';
import { ALL_TABLES, PAYOUTS, WORKINGS, isOfWorkings } from '../../protocol/workings-places.ts';
import type { Inspection } from './inspect.ts';
import { type Program, fixed } from './instruction.ts';
import type { ShownPiece } from './node-search.ts';
import { PAYOUT_LEAF, READ, TOTALS } from './payout-evidence.ts';
import { payoutFinding } from './payout-finding.ts';
import type { Shown } from './replies.ts';
import { type MadeUpPayout, madeUpPayout } from './testing/payout-cases.ts';
import { ROW_FAULTS, type Tables, firstDifference, rowsToTry, withRowFault } from './testing/workings-faults.ts';
import { type TracePlace, leafPlace } from './trace-nodes.ts';
import type { Tracer } from './tracer.ts';
import { TraceTree } from './tree.ts';
import { noSuchWorkings, shownOfWorkings, workingsReplies } from './workings-replies.ts';
import { workingsTree } from './workings-tree.ts';

/** As much of a tracer as evidence about payouts takes. */
const instruction = { name: 'scores', op: 'add', rows: fixed(1), columns: fixed(1), params: [], inputs: [] } as unknown as Program['instructions'][number];
const tracer = { program: { instructions: [instruction, instruction], constants: [], window: 0 }, committed: { root: `0x${'00'.repeat(32)}` } } as unknown as Tracer;
const inputs = { tokens: [1, 2], answer: 1 };
const [nothing, other] = ['00', '77'].map((pair) => `0x${pair.repeat(32)}` as const) as [`0x${string}`, `0x${string}`];
let drawn = 0;
const below = (end: number) => randomWord(79, 1, drawn++) % end;

interface Case {
  made: MadeUpPayout;
  workings: Workings;
  records: VersionRecord[];
  own: Inspection['own'];
}

function caseOf(stream: number, records?: number): Case {
  const made = madeUpPayout({ stream, ...(records && { records }) });
  const row = (values: Float32Array) => ({ rows: 1, columns: values.length, values });
  return {
    made, workings: workingsOf(made), own: { tree: TraceTree.of([row(made.scores), row(made.noise)]), scores: made.scores, noise: made.noise },
    records: made.contributors.map((contributor, k) => ({ text: `Record ${k}.`, questions: [], contributor, contribution: String(k) })),
  };
}

const answerOf = ({ made, workings }: Case, change: Partial<ClaimedAnswer> = {}): ClaimedAnswer => ({
  tokensIn: 1, tokensOut: 1, receiptHash: nothing, inputsHash: nothing, traceRoot: nothing, workingsRoot: workings.root,
  payoutRoot: payoutRoot(workings.payouts), payoutCount: workings.payouts.length, allocated: workings.allocated, read: made.read, ...change,
});

/** As the events tell of a reply. */
const piecesOf = (shown: readonly Shown[]): ShownPiece[] => shown.flatMap(({ matrix: { index }, leaves, nodes }) => [
  ...leaves.map(({ values, ...leaf }) => ({ ...leafPlace({ index, leaf: leaf.leaf }), ...leaf, values: new Float32Array(fromHex(values).slice().buffer) })),
  ...nodes.map((node) => ({ index, ...node })),
]);

type Fault = 'workings' | 'sums' | 'payouts' | 'read';

/** Demands and replies until there is evidence: how many rounds, and what was demanded. `claimed`: what the claimant shows. */
function search(of: Case, fault: Fault, answer: ClaimedAnswer, claimed: Tables & { payouts: Payout[] }, listed?: readonly Payout[]) {
  const inspection: Inspection = { verdict: { kind: 'payout', fault, where: '' }, inputs, own: of.own!, workings: of.workings, ...(listed && { payouts: listed }) };
  const places: TracePlace[] = [];
  // A piece of the trace itself is among what was shown: it is passed over.
  const shown: ShownPiece[] = [{ ...leafPlace({ index: 1, leaf: 0 }), values: new Float32Array(1), proof: [] }];
  for (let rounds = 0; rounds < 9; rounds++) {
    const found = payoutFinding(tracer, inspection, { answer, records: of.records, clusters: of.made.clusters, shown });
    if (found?.kind !== 'demand') return { rounds, places, evidence: found?.evidence };
    expect(found.places.every(isOfWorkings)).toBe(true);
    places.push(...found.places);
    shown.push(...piecesOf(shownOfWorkings(tracer, inputs, claimed, found.places)));
  }
  throw new Error('not found');
}

test('the first false row is found in two rounds, whatever is wrong and in which table', () => {
  const seen = new Set<string>();
  for (const [stream, records] of [[1], [2], [4, 40], [5, 700]] as const) {
    const of = caseOf(stream, records);
    for (const [table] of WORKINGS_TABLES.entries()) {
      for (const row of rowsToTry(of.workings, table, of.made.scores.length, below)) {
        for (const fault of ROW_FAULTS) {
          const claimed = withRowFault(of.workings, fault, table, row, below);
          if (!claimed) continue;
          const { rounds, evidence } = search(of, 'workings', answerOf(of, { workingsRoot: workingsTree(claimed).root }), { ...claimed, payouts: of.workings.payouts });
          expect(evidence).toMatchObject(firstDifference(of.workings, claimed)!);
          expect(rounds).toBeLessThanOrEqual(2);
          seen.add(`${fault} ${table}`);
        }
      }
    }
  }
  expect(seen.size).toBeGreaterThanOrEqual(4 * WORKINGS_TABLES.length);
}, 30_000);

test('of 3,000 records too, by what fits into two replies', () => {
  const of = caseOf(8, 3000);
  for (const [table, row] of [[0, 1500], [1, 2999], [2, 2000], [3, 17], [4, 2400], [5, 3015]] as const) {
    const claimed = withRowFault(of.workings, 'bit', table, row, below)!;
    const { rounds, places, evidence } = search(of, 'workings', answerOf(of, { workingsRoot: workingsTree(claimed).root }), { ...claimed, payouts: of.workings.payouts });
    expect(evidence).toMatchObject({ table, row });
    expect(rounds).toBeLessThanOrEqual(2);
    expect(places.length).toBeLessThan(20);
    // The claimed leaf and those that it follows from: about 1 KB each, and no list of all records.
    expect(JSON.stringify(evidence, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)).length).toBeLessThan(60_000);
  }
}, 30_000);

test('a false payout is read off the receipt, or searched in the tree of the payouts; one alone needs nothing', () => {
  for (const [stream, records] of [[6, 60], [10, 1], [12, 400]] as const) {
    const of = caseOf(stream, records);
    const { payouts } = of.workings;
    if (payouts.length === 0) throw new Error('nobody is paid');
    for (const k of new Set([0, payouts.length >> 1, payouts.length - 1])) {
      const claimed = payouts.map((payout, at) => (at === k ? { ...payout, amount: payout.amount + 1n } : payout));
      const answer = answerOf(of, { payoutRoot: payoutRoot(claimed) });
      const expected = { table: PAYOUT_LEAF, row: k };
      const withheld = search(of, 'payouts', answer, { ...of.workings, payouts: claimed });
      expect(withheld.evidence).toMatchObject(expected);
      expect(withheld.rounds).toBe(payouts.length > 1 ? 1 : 0);
      const published = search(of, 'payouts', answer, { ...of.workings, payouts: claimed }, claimed);
      expect([published.rounds, published.evidence]).toEqual([0, { ...withheld.evidence, ...(payouts.length === 1 && { payoutLeaf: published.evidence!.payoutLeaf }) }]);
    }
  }
});

test('sums and the list of records read take nothing that the claimant has', () => {
  const of = caseOf(6, 60);
  expect(search(of, 'sums', answerOf(of, { allocated: 7n }), of.workings)).toMatchObject({ rounds: 0, evidence: { table: TOTALS } });
  expect(search(of, 'read', answerOf(of, { read: [2, 2] }), of.workings)).toMatchObject({ rounds: 0, evidence: { table: READ } });
});

test('roots of nothing are asked for what nobody can show; what stands under another root is refused', () => {
  const of = caseOf(4, 40);
  const first = (fault: Fault, answer: ClaimedAnswer, shown: ShownPiece[] = []) => payoutFinding(tracer, { verdict: { kind: 'payout', fault, where: '' }, inputs, own: of.own!, workings: of.workings }, { answer, records: of.records, shown });
  const workings = first('workings', answerOf(of, { workingsRoot: other }));
  const payouts = first('payouts', answerOf(of, { payoutRoot: other }));
  if (workings?.kind !== 'demand' || payouts?.kind !== 'demand') throw new Error('no demand');
  expect(payouts.places).toMatchObject([{ index: PAYOUTS, leaf: 0 }]);
  for (const { places } of [workings, payouts]) expect(places.every((place) => !noSuchWorkings(of.workings, place))).toBe(true);
  const right = piecesOf(workingsReplies(tracer, inputs, of.workings, [...workings.places, ...payouts.places]));
  expect(() => first('workings', answerOf(of, { workingsRoot: other }), right)).toThrow(RangeError);
  expect(() => first('payouts', answerOf(of, { payoutRoot: other }), right)).toThrow(RangeError);
});

test('an honest claimant shows whatever is there, and that others are not', () => {
  const of = caseOf(5, 700);
  const tree = workingsTree(of.workings);
  const depth = (count: number) => Math.ceil(Math.log2(count));
  const leaves = (table: number) => tree.tensors[table]!.leaves.length / 32;
  const places: TracePlace[] = [
    { index: ALL_TABLES, leaf: 0, level: 3, depth: 3 }, leafPlace({ index: WORKINGS, leaf: leaves(0) - 1 }), { index: WORKINGS + 5, leaf: 0, level: depth(leaves(5)), depth: depth(leaves(5)) },
    { index: PAYOUTS, leaf: 0, level: depth(of.workings.payouts.length), depth: 2 },
  ];
  const replies = workingsReplies(tracer, inputs, of.workings, places);
  expect(replies.map(({ matrix }) => [matrix.index, matrix.instruction])).toEqual([[ALL_TABLES, '0x'], [WORKINGS, '0x'], [WORKINGS + 5, '0x'], [PAYOUTS, '0x']]);
  expect(replies[1]!.leaves[0]!.proof).toEqual(tree.proof(0, leaves(0) - 1));
  expect(replies[0]!.nodes[0]!.hashes).toHaveLength(6);
  for (const none of [
    { index: ALL_TABLES, leaf: 0, level: 4, depth: 1 }, leafPlace({ index: WORKINGS + 2, leaf: leaves(2) }), { index: PAYOUTS, leaf: 0, level: 32, depth: 1 }, { index: WORKINGS + 1, leaf: 1, level: depth(leaves(1)), depth: 1 },
  ]) {
    expect(noSuchWorkings(of.workings, none)).toBe(true);
    expect(() => workingsReplies(tracer, inputs, of.workings, [none])).toThrow(RangeError);
  }
  expect(noSuchWorkings({ ...of.workings, payouts: [] }, { index: PAYOUTS, leaf: 0, level: 1, depth: 1 })).toBe(true);
});
