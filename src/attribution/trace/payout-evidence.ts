import { type Hex, toHex } from '../../protocol/bytes.ts';
import { EVIDENCE, GROSS, ORDER, PAID, PEOPLE, SUMS, type Workings, rowOf } from '../../protocol/payout-workings.ts';
import { type VersionRecord, recordHash, versionLeaves } from '../../protocol/record.ts';
import { trainedProof, trainedRecords } from '../../protocol/trained-records.ts';
import { type TraceMatrix, matrixOf } from './evidence.ts';
import type { TraceInputs } from './instruction.ts';
import type { LeafPlace } from './leaf-search.ts';
import type { Opening } from './step.ts';
import type { Tracer } from './tracer.ts';
import { TreeNodes } from './tree-nodes.ts';
import { type TraceTree, cutOf, floatBytes, leafAt, leafValues } from './tree.ts';
import { endToEnd, workingsLeaf, workingsTree } from './workings-tree.ts';

/** A record of the Datanet version, with its proof: RecordOpening in contracts/src/interfaces/IPayoutJudge.sol, as what follows. */
export interface RecordOpening {
  index: number;
  contributor: Hex;
  contribution: bigint;
  recordHash: Hex;
  proof: Hex[];
}

/** A leaf of one table of a claim's workings; siblings within the table, then among the tables. */
export interface WorkingsLeaf {
  table: number;
  leaf: number;
  values: Hex;
  proof: Hex[];
}

/** A column of scores and noise, the record that it is of, and the leaves of the trace that hold its two numbers. */
export interface ColumnOpening {
  column: number;
  trainedProof: Hex[];
  record: RecordOpening;
  score: Opening;
  noise: Opening;
}

/** What shows that one row of a claim's workings, one payout, or their sum does not follow from what stands before it. */
export interface PayoutEvidence {
  table: number;
  row: number;
  group: number;
  scores: TraceMatrix;
  noise: TraceMatrix;
  leaves: WorkingsLeaf[];
  columns: ColumnOpening[];
  read: RecordOpening[];
  payoutLeaf: Hex;
  payoutProof: Hex[];
}

/** PayoutEvidence.table, beside the six tables: a leaf of the payouts' tree; sum or number of the payouts; records that cannot have been read. */
export const PAYOUT_LEAF = 6, TOTALS = 7, READ = 8;

/** What a claim says false first, where its trace is right. */
export type FalsePayout =
  /** The first leaf of the workings that is not as computed here: its values as claimed; `tree` proves it and everything before it under the claim's root. */
  | { kind: 'workings'; place: LeafPlace; values: Float32Array; tree: TraceTree }
  /** The first false leaf of the payouts' tree: its hash as claimed, and its siblings. The workings are right. */
  | { kind: 'payout'; leaf: number; hash: Hex; proof: Hex[] }
  /** What the answer allocates, or its number of payouts, is not what its workings end with; they are right. */
  | { kind: 'totals' }
  /** It names records as read that the version does not have, one twice, or too many. */
  | { kind: 'read' };

/** What is right, as it was computed here. */
export interface PayoutGround {
  tracer: Tracer;
  inputs: TraceInputs;
  /** The answer's trace, which is the claim's too. */
  own: { tree: TraceTree; scores: Float32Array; noise: Float32Array };
  /** None follow where the records read cannot have been (`read`). */
  workings?: Workings | undefined;
  /** Of the Datanet version. */
  records: readonly VersionRecord[];
  /** run.datanet.clusters. */
  clusters?: readonly number[] | undefined;
  /** As the answer names them. */
  read: readonly number[];
}

const NO_HASH: Hex = `0x${'0'.repeat(64)}`;

/**
 * What the judge on chain takes as proof: the claimed row and the few rows, columns and records that it follows from
 * (contracts/src/PayoutJudge.sol). Undefined where a leaf of the workings is as computed here. Throws RangeError for places that are not there.
 */
export function payoutEvidence(ground: PayoutGround, found: FalsePayout): PayoutEvidence | undefined {
  const last = ground.tracer.program.instructions.length - 1;
  const evidence: PayoutEvidence = {
    table: READ, row: 0, group: 0, scores: matrixOf(ground.tracer, ground.inputs, last - 1), noise: matrixOf(ground.tracer, ground.inputs, last),
    leaves: [], columns: [], read: [], payoutLeaf: NO_HASH, payoutProof: [],
  };
  if (found.kind === 'read') return evidence;
  if (!ground.workings) throw new RangeError('no workings');
  const shown = new Shown(ground, ground.workings, found);
  let row: Pick<PayoutEvidence, 'table' | 'row'> & Partial<PayoutEvidence>;
  if (found.kind === 'totals') {
    row = { table: TOTALS, row: 0 };
    shown.row(SUMS, ground.workings.tables[SUMS]!.rows - 1);
  } else if (found.kind === 'payout') {
    const group = shown.personOfPayout(found.leaf);
    shown.rows(PEOPLE, group);
    shown.rows(SUMS, group - 1, group);
    row = { table: PAYOUT_LEAF, row: found.leaf, group, payoutLeaf: found.hash, payoutProof: found.proof };
  } else {
    const first = firstFalseRow(ground.workings, found);
    if (first === undefined) return undefined;
    row = { table: found.place.index, row: first, ...shown.step(found, first) };
  }
  return { ...evidence, ...row, leaves: shown.leaves };
}

/** The first row of a claimed leaf that is not as computed here; undefined where there is none. */
function firstFalseRow(workings: Workings, { place, values }: Extract<FalsePayout, { kind: 'workings' }>): number | undefined {
  const own = workingsLeaf(workings, place);
  if (values.length !== own.length) throw new RangeError(`leaf ${place.leaf} of table ${place.index} has not ${values.length} words`);
  const [claimed, right] = [floatBytes(values), floatBytes(own)];
  const at = right.findIndex((byte, k) => byte !== claimed[k]);
  const { rows, columns } = workings.tables[place.index]!;
  return at < 0 ? undefined : place.leaf * cutOf(rows, columns).rows + Math.floor(at / (4 * columns));
}

/** Leaves of the workings that are shown, each once, and what is opened beside them. */
class Shown {
  readonly leaves: WorkingsLeaf[] = [];
  private readonly ground: PayoutGround;
  private readonly workings: Workings;
  private readonly tree: TraceTree;
  private readonly claimed: (LeafPlace & { values: Float32Array }) | undefined;
  private readonly trained: readonly number[];
  private version: TreeNodes | undefined;

  constructor(ground: PayoutGround, workings: Workings, found: FalsePayout) {
    [this.ground, this.workings, this.trained] = [ground, workings, trainedRecords(ground.clusters)];
    this.tree = found.kind === 'workings' ? found.tree : workingsTree(workings);
    this.claimed = found.kind === 'workings' ? { ...found.place, values: found.values } : undefined;
  }

  /** The leaf that holds a row: as claimed where it is the false one, which everything before agrees with. */
  row(table: number, row: number): void {
    const { rows, columns } = this.workings.tables[table]!;
    const leaf = Math.floor(row / cutOf(rows, columns).rows);
    if (this.leaves.some((one) => one.table === table && one.leaf === leaf)) return;
    const values = this.claimed?.index === table && this.claimed.leaf === leaf ? this.claimed.values : workingsLeaf(this.workings, { index: table, leaf });
    this.leaves.push({ table, leaf, values: toHex(floatBytes(values)), proof: this.tree.proof(table, leaf) });
  }

  /** Those of them that the table has. */
  rows(table: number, ...rows: number[]): void {
    for (const row of new Set(rows)) if (row >= 0 && row < this.workings.tables[table]!.rows) this.row(table, row);
  }

  /** Everything that row `row` of the claimed leaf's table follows from. */
  step({ place: { index: table, leaf }, values }: Extract<FalsePayout, { kind: 'workings' }>, row: number): Partial<PayoutEvidence> {
    const columns = this.ground.own.scores.length;
    const { rows, columns: words } = this.workings.tables[table]!;
    const inLeaf = row - leaf * cutOf(rows, words).rows;
    this.rows(table, row - 1, row);
    if (table === PEOPLE) {
      const before = row > 0 ? this.endOf(row - 1) : 0;
      const { end } = rowOf.people(floatBytes(values), inLeaf);
      this.columnRows(ORDER, before, end - 1, end);
      this.columnRows(EVIDENCE, end - 1);
      return { read: this.readRecords() };
    }
    if (table === SUMS) {
      this.rows(PEOPLE, row - 1, row);
      this.columnRows(PAID, this.endOf(row) - 1);
      return { read: this.readRecords() };
    }
    // Padding is nothing but zeros.
    if (row >= columns) return {};
    if (table === ORDER) return { columns: this.witnesses(floatBytes(values), inLeaf, row) };
    this.columnRows(ORDER, row - 1, row, columns - 1);
    const own = () => [this.column(this.columnAt(row))];
    if (table === EVIDENCE) return { columns: own() };
    const group = this.personOfRow(row);
    this.rows(PEOPLE, group - 1, group, this.workings.tables[PEOPLE]!.rows - 1);
    this.columnRows(EVIDENCE, this.endOf(group) - 1, columns - 1);
    if (table === GROSS) return { group, columns: own() };
    this.columnRows(GROSS, row - 1, row, this.endOf(group) - 1);
    return { group };
  }

  /** The person who gets payout `leaf`. */
  personOfPayout(leaf: number): number {
    const { rows, bytes } = this.workings.tables[SUMS]!;
    for (let g = 0; g < rows; g++) if (rowOf.sums(bytes, g).count === leaf + 1) return g;
    throw new RangeError(`no payout ${leaf}`);
  }

  private personOfRow(row: number): number {
    let group = 0;
    while (this.endOf(group) <= row) group++;
    return group;
  }

  private endOf(group: number): number {
    return rowOf.people(this.workings.tables[PEOPLE]!.bytes, group).end;
  }

  private columnAt(row: number): number {
    return rowOf.order(this.workings.tables[ORDER]!.bytes, row).column;
  }

  /** Of a table with a row for each column: those of these rows that are no padding. */
  private columnRows(table: number, ...rows: number[]): void {
    this.rows(table, ...rows.filter((row) => row < this.ground.own.scores.length));
  }

  /**
   * A column that a false row of `order` leaves out, or says to be another's. All rows before are right: so a row further on than the right
   * one leaves that out, and one that is not as far names a column that is not its contributor's. None where the row is wrong by itself.
   */
  private witnesses(claimed: Uint8Array, inLeaf: number, row: number): ColumnOpening[] {
    const key = (one: { contributor: Hex; column: number }) => one.contributor + one.column.toString(16).padStart(8, '0');
    const own = (at: number) => rowOf.order(this.workings.tables[ORDER]!.bytes, at);
    const said = rowOf.order(claimed, inLeaf);
    if (said.column >= this.ground.own.scores.length || (row > 0 && key(said) <= key(own(row - 1)))) return [];
    return [this.column(key(said) < key(own(row)) ? said.column : own(row).column)];
  }

  private column(column: number): ColumnOpening {
    const { tree, scores, noise } = this.ground.own;
    const last = tree.tensors.length - 1;
    const opening = (index: number, values: Float32Array): Opening => {
      const matrix = { rows: 1, columns: values.length, values };
      const { leaf } = leafAt(values.length, cutOf(1, values.length), 0, column);
      return { input: 0, leaf, values: toHex(floatBytes(leafValues(matrix, leaf).values)), proof: tree.proof(index, leaf) };
    };
    return { column, trainedProof: trainedProof(this.trained, column), record: this.record(this.trained[column] ?? column), score: opening(last - 1, scores), noise: opening(last, noise) };
  }

  private readRecords(): RecordOpening[] {
    return this.ground.read.map((record) => this.record(record));
  }

  private record(index: number): RecordOpening {
    const record = this.ground.records[index]!;
    this.version ??= new TreeNodes(endToEnd(versionLeaves(this.ground.records)));
    // Versions may name it in capitals, which is no checksum.
    return { index, contributor: record.contributor.toLowerCase() as Hex, contribution: BigInt(record.contribution), recordHash: recordHash(record), proof: this.version.siblings(0, index) };
  }
}
