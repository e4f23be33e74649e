/**
 * PayoutJudge and payout-workings.ts agree row by row, for made-up answers: every false row convicts with what payoutEvidence brings, no
 * right row does, whatever is brought. Every opening of a trace passes here; tests/referee/payout-faults.test.ts has real ones.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomWord } from '../arithmetic/random.ts';
import { type FalsePayout, type PayoutEvidence, type PayoutGround, payoutEvidence } from '../attribution/trace/payout-evidence.ts';
import { type Program, fixed } from '../attribution/trace/instruction.ts';
import { type MadeUpPayout, type PayoutCaseOptions, madeUpPayout } from '../attribution/trace/testing/payout-cases.ts';
import { INPUT_FAULTS, ROW_FAULTS, type Tables, firstDifference, firstFalseLeaf, leafOfRow, rowsToTry, withInputFault, withRowFault } from '../attribution/trace/testing/workings-faults.ts';
import { shownBy } from '../attribution/trace/testing/shown-by.ts';
import { NodeSearch } from '../attribution/trace/node-search.ts';
import { SEARCH_LIMITS } from '../attribution/trace/search-plan.ts';
import type { Tracer } from '../attribution/trace/tracer.ts';
import { TraceTree, floatBytes } from '../attribution/trace/tree.ts';
import { payoutNodes, workingsLeaf, workingsMatrix, workingsTree } from '../attribution/trace/workings-tree.ts';
import { toHex } from '../protocol/bytes.ts';
import { payoutRoot } from '../protocol/fee.ts';
import { ORDER, PEOPLE, WORKINGS_TABLES, type Workings, workingsOf } from '../protocol/payout-workings.ts';
import { type VersionRecord, versionRoot } from '../protocol/record.ts';
import { trainedRoot } from '../protocol/trained-records.ts';
import { type JudgedPayouts, type ScratchJudge, startJudge } from '../../tests/referee/scratch-judge.ts';
import { word } from './testing/scratch-chain.ts';

let judge: ScratchJudge;
beforeAll(async () => {
  judge = await startJudge();
}, 60_000);
afterAll(() => judge?.stop());

let drawn = 0;
const below = (end: number) => randomWord(77, 1, drawn++) % end;

/** As much of a tracer as evidence about payouts takes: a program of ten instructions that nobody runs. */
const instruction = { name: 'scores', op: 'add', rows: fixed(1), columns: fixed(1), params: [], inputs: [] } as unknown as Program['instructions'][number];
const tracer = { program: { instructions: Array.from({ length: 10 }, () => instruction), constants: [], window: 0 }, committed: { root: word('00') } } as unknown as Tracer;

interface Answer {
  made: MadeUpPayout;
  workings: Workings;
  tree: TraceTree;
  ground: PayoutGround;
  payouts: JudgedPayouts;
}

function answerOf(options: PayoutCaseOptions): Answer {
  const made = madeUpPayout(options);
  const { contributors, clusters, read, scores, noise } = made;
  const workings = workingsOf(made);
  const records = contributors.map((contributor, k): VersionRecord => ({ text: `Record ${k}.`, questions: [], contributor, contribution: String(k) }));
  const row = (values: Float32Array) => ({ rows: 1, columns: values.length, values });
  const trace = TraceTree.of([row(scores), row(noise)]);
  return {
    made, workings, tree: workingsTree(workings),
    ground: { tracer, inputs: { tokens: [1, 2], answer: 1 }, own: { tree: trace, scores, noise }, workings, records, clusters, read },
    payouts: {
      programHash: word('01'), inputsHash: word('02'), traceRoot: trace.root, workingsRoot: workings.root,
      payoutRoot: payoutRoot(workings.payouts), payoutCount: BigInt(workings.payouts.length), allocated: workings.allocated,
      versionRoot: versionRoot(records), records: BigInt(records.length), trainedRoot: trainedRoot(clusters), amount: made.amount, rule: made.rule, read: [...read],
    },
  };
}

/** What a challenger finds and brings. */
function against({ ground, tree }: Answer, claimed: Tables): { root: TraceTree['root']; evidence: PayoutEvidence } {
  const theirs = workingsTree(claimed);
  const place = firstFalseLeaf(tree, theirs)!;
  return { root: theirs.root, evidence: payoutEvidence(ground, { kind: 'workings', place, values: workingsLeaf(claimed, place), tree: theirs })! };
}

/** Evidence about a row that is right: as if its last bit were false, under the right root. */
function aboutRight({ ground, tree, workings }: Answer, table: number, row: number): PayoutEvidence {
  const { leaf, inLeaf } = leafOfRow(workings.tables[table]!, row);
  const right = workingsLeaf(workings, { index: table, leaf });
  const values = right.slice();
  floatBytes(values)[4 * workings.tables[table]!.columns * (inLeaf + 1) - 1]! ^= 1;
  const evidence = payoutEvidence(ground, { kind: 'workings', place: { index: table, leaf }, values, tree })!;
  return { ...evidence, leaves: evidence.leaves.map((one) => (one.table === table && one.leaf === leaf ? { ...one, values: toHex(floatBytes(right)) } : one)) };
}

test('every false row convicts, in its place; the same row convicts nobody where it is right', async () => {
  const seen = new Map<string, number>();
  for (let stream = 0; stream < 14; stream++) {
    const answer = answerOf({ stream, ...(stream === 0 && { records: 300 }), ...(stream === 1 && { records: 1 }) });
    const { made, workings, payouts } = answer;
    await judge.believeAll(made.scores.length);
    for (const [table, { name }] of WORKINGS_TABLES.entries()) {
      for (const row of rowsToTry(workings, table, made.scores.length, below)) {
        for (const fault of table === ORDER ? ROW_FAULTS : [below(2) ? 'bit' : ROW_FAULTS[below(ROW_FAULTS.length)]!]) {
          const claimed = withRowFault(workings, fault, table, row, below);
          if (!claimed) continue;
          const where = `stream ${stream}, ${name} ${row}, ${fault}`;
          const { root, evidence } = against(answer, claimed);
          expect({ table: evidence.table, row: evidence.row }, where).toEqual(firstDifference(workings, claimed));
          expect(await judge.isFalse({ ...payouts, workingsRoot: root }, evidence), where).toBe(true);
          seen.set(fault, (seen.get(fault) ?? 0) + 1);
          seen.set(name, (seen.get(name) ?? 0) + 1);
        }
        expect(await judge.isFalse(payouts, aboutRight(answer, table, row)), `stream ${stream}, right ${name} ${row}`).toBe(false);
      }
    }
    for (const fault of INPUT_FAULTS) {
      const claimed = withInputFault(made, workings, fault, below);
      if (!claimed) continue;
      const { root, evidence } = against(answer, claimed);
      expect(await judge.isFalse({ ...payouts, workingsRoot: root, payoutRoot: payoutRoot(claimed.payouts), payoutCount: BigInt(claimed.payouts.length), allocated: claimed.allocated }, evidence), `stream ${stream}, ${fault}`).toBe(true);
      seen.set(fault, (seen.get(fault) ?? 0) + 1);
    }
  }
  for (const what of [...ROW_FAULTS, ...INPUT_FAULTS, ...WORKINGS_TABLES.map(({ name }) => name)]) expect(seen.get(what) ?? 0, what).toBeGreaterThan(2);
}, 120_000);

test('what two rounds of demands show of withheld workings convicts', async () => {
  for (const [stream, records] of [[7, 60], [8, 2000]] as const) {
    const answer = answerOf({ stream, records });
    const { made, workings, payouts, ground, tree } = answer;
    await judge.believeAll(made.scores.length);
    for (const [table, { name }] of WORKINGS_TABLES.entries()) {
      const row = below(workings.tables[table]!.rows);
      const claimed = withRowFault(workings, 'left out', table, row, below) ?? withRowFault(workings, 'bit', table, row, below)!;
      const theirs = workingsTree(claimed);
      const search = new NodeSearch(tree, theirs.root);
      const show = shownBy(claimed.tables.map(workingsMatrix));
      let rounds = 0;
      for (; !search.found && rounds < 5; rounds++) {
        for (const place of search.next({ ...SEARCH_LIMITS, rounds: 2, cuts: false, asserts: false })) search.add(show(place));
      }
      expect(rounds).toBeLessThanOrEqual(2);
      const found = search.found!;
      const evidence = payoutEvidence(ground, { kind: 'workings', place: found, values: found.values, tree: search.tree() })!;
      expect({ table: evidence.table, row: evidence.row }).toEqual(firstDifference(workings, claimed));
      expect(await judge.isFalse({ ...payouts, workingsRoot: theirs.root }, evidence), `stream ${stream}, ${name} ${row}`).toBe(true);
    }
  }
}, 60_000);

test('what is brought for another row convicts no right row', async () => {
  const ends = new Map<boolean | string, number>();
  for (let stream = 40; stream < 54; stream++) {
    const answer = answerOf({ stream });
    const { made, workings, payouts, ground } = answer;
    await judge.believeAll(made.scores.length);
    // Everything that there is to bring, so that only what is wrong stands in the way.
    const all = aboutRight(answer, PEOPLE, 0);
    all.leaves = workings.tables.flatMap((one, table) => Array.from({ length: answer.tree.tensors[table]!.leaves.length / 32 }, (_, leaf) => ({
      table, leaf, values: toHex(floatBytes(workingsLeaf(workings, { index: table, leaf }))), proof: answer.tree.proof(table, leaf),
    })));
    for (let k = 0; k < 25; k++) {
      const table = below(WORKINGS_TABLES.length);
      const row = below(workings.tables[table]!.rows);
      const evidence: PayoutEvidence = { ...all, table, row, group: below(4), columns: aboutRight(answer, ORDER, below(made.scores.length)).columns, read: below(3) ? all.read : all.read.slice(1) };
      if (below(8) === 0) evidence.scores = { ...evidence.scores, index: evidence.scores.index + 1 };
      if (below(5) === 0) evidence.leaves = evidence.leaves.filter(() => below(3) > 0);
      const said = await judge.isFalse(payouts, evidence);
      expect(said, `stream ${stream}, table ${table}, row ${row}`).not.toBe(true);
      ends.set(said, (ends.get(said) ?? 0) + 1);
    }
    for (const found of rightEnds(answer)) {
      const said = await judge.isFalse(payouts, payoutEvidence(ground, found)!);
      expect(said, found.kind).toBe(false);
    }
  }
  for (const what of [false, 'MissingRow', 'WrongColumn', 'WrongGroup', 'WrongRecord', 'WrongMatrix']) expect(ends.get(what) ?? 0, `${what}`).toBeGreaterThan(3);
}, 60_000);

/** Every payout, the totals and the records read, as they are. */
function rightEnds({ workings }: Answer): FalsePayout[] {
  const nodes = payoutNodes(workings);
  const payouts = workings.payouts.map((_, leaf): FalsePayout => ({ kind: 'payout', leaf, hash: toHex(nodes!.node(0, leaf)), proof: nodes!.siblings(0, leaf) }));
  return [...payouts, { kind: 'totals' }, { kind: 'read' }];
}

test('payouts, their sum and number, and records read that are not what the workings end with', async () => {
  let tried = 0;
  for (let stream = 70; stream < 100; stream++) {
    const answer = answerOf({ stream });
    const { made, workings, payouts, ground } = answer;
    await judge.believeAll(made.scores.length);
    const leaf = below(Math.max(1, workings.payouts.length));
    const paid = workings.payouts[leaf];
    if (paid) {
      const claimed = workings.payouts.with(leaf, below(2) ? { ...paid, amount: paid.amount + 1n } : { ...paid, contributor: word('fe').slice(0, 42) as `0x${string}` });
      const nodes = payoutNodes({ payouts: claimed })!;
      const evidence = payoutEvidence(ground, { kind: 'payout', leaf, hash: toHex(nodes.node(0, leaf)), proof: nodes.siblings(0, leaf) })!;
      expect(await judge.isFalse({ ...payouts, payoutRoot: payoutRoot(claimed) }, evidence)).toBe(true);
      // A root over nothing that anybody could show.
      if (workings.payouts.length === 1) {
        const garbage = payoutEvidence(ground, { kind: 'payout', leaf: 0, hash: word('00'), proof: [] })!;
        expect(await judge.isFalse({ ...payouts, payoutRoot: word('77') }, garbage)).toBe(true);
        expect(await judge.isFalse(payouts, garbage)).toBe(false);
      }
      tried++;
    }
    const totals = payoutEvidence(ground, { kind: 'totals' })!;
    expect(await judge.isFalse({ ...payouts, allocated: payouts.allocated + 1n }, totals)).toBe(true);
    expect(await judge.isFalse({ ...payouts, payoutCount: payouts.payoutCount + 1n }, totals)).toBe(true);
    const n = made.contributors.length;
    for (const read of [[n], [0, 0], Array.from({ length: 17 }, (_, k) => k)]) {
      expect(await judge.isFalse({ ...payouts, read }, payoutEvidence({ ...ground, workings: undefined, read }, { kind: 'read' })!), `${read}`).toBe(true);
    }
  }
  expect(tried).toBeGreaterThan(10);
}, 60_000);

test('among 5,000 records a row costs less than a million gas', async () => {
  const answer = answerOf({ stream: 6, records: 5000, people: 900 });
  const { made, workings, payouts } = answer;
  await judge.believeAll(made.scores.length);
  let most = 0n;
  for (const table of WORKINGS_TABLES.keys()) {
    for (const row of [made.scores.length >> 3, below(workings.tables[table]!.rows)]) {
      const claimed = withRowFault(workings, 'bit', table, row, below)!;
      const { root, evidence } = against(answer, claimed);
      expect(await judge.isFalse({ ...payouts, workingsRoot: root }, evidence), `table ${table}, row ${row}`).toBe(true);
      const gas = await judge.gas({ ...payouts, workingsRoot: root }, evidence);
      if (gas > most) most = gas;
    }
  }
  expect(Number(most)).toBeLessThan(1_000_000);
}, 60_000);
