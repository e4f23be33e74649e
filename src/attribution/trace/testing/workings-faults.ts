/** Workings of payouts with a fault, for tests: rows changed, moved, left out, made up, or all of it reckoned from something else. */
import { fromHex } from '../../../protocol/bytes.ts';
import { ORDER, PEOPLE, type Workings, type WorkingsInput, type WorkingsTable, rowOf, workingsOf } from '../../../protocol/payout-workings.ts';
import type { LeafPlace } from '../leaf-search.ts';
import { type TraceTree, cutOf } from '../tree.ts';

export type Tables = Pick<Workings, 'tables'>;

/**
 * bit: one bit of a row. left out, doubled: a row, and all after it moved. swapped: with the next row. nobody's: a row of `order` whose
 * contributor has no such column, between two right rows. another's: a row that names a column of somebody else.
 */
export const ROW_FAULTS = ['bit', 'left out', 'doubled', 'swapped', 'nobody’s', 'another’s'] as const;
export type RowFault = (typeof ROW_FAULTS)[number];

/** What a claimant may have reckoned with instead. */
export const INPUT_FAULTS = ['amount', 'score', 'noise', 'contributor', 'rule', 'read'] as const;
export type InputFault = (typeof INPUT_FAULTS)[number];

/** Undefined where such a fault changes nothing in that row. `draw`: numbers at random, below its argument. */
export function withRowFault({ tables: right }: Tables, fault: RowFault, table: number, row: number, draw: (end: number) => number): Tables | undefined {
  const tables = right.map((one): WorkingsTable => ({ ...one, bytes: one.bytes.slice() }));
  const { bytes, rows, columns } = tables[table]!;
  const size = 4 * columns;
  const at = (k: number) => right[table]!.bytes.subarray(k * size, (k + 1) * size);
  const own = rowOf.order(right[ORDER]!.bytes, table === ORDER ? row : 0);
  if (fault === 'bit') bytes[row * size + draw(size)]! ^= 1 << draw(8);
  if (fault === 'left out') bytes.set(right[table]!.bytes.subarray((row + 1) * size), row * size);
  if (fault === 'doubled' && row > 0) bytes.set(right[table]!.bytes.subarray((row - 1) * size, (rows - 1) * size), row * size);
  if (fault === 'swapped' && row + 1 < rows) [at(row + 1), at(row)].forEach((one, k) => bytes.set(one, (row + k) * size));
  if (fault === 'nobody’s' && table === ORDER && BigInt(own.contributor) > 0n) bytes.set(fromHex(`0x${(BigInt(own.contributor) - 1n).toString(16).padStart(40, '0')}`), row * size);
  if (fault === 'another’s' && table === ORDER && row > 0) {
    bytes.set(at(row - 1).subarray(0, 20), row * size);
    new DataView(bytes.buffer).setUint32(row * size + 20, rowOf.order(right[ORDER]!.bytes, row - 1).column + 1 + draw(3));
  }
  return bytes.some((byte, k) => byte !== right[table]!.bytes[k]) ? { tables } : undefined;
}

/** Everything follows, but from something else. Undefined where the same follows. */
export function withInputFault(made: WorkingsInput, right: Workings, fault: InputFault, draw: (end: number) => number): Workings | undefined {
  const other = { ...made, scores: made.scores.slice(), noise: made.noise.slice(), contributors: [...made.contributors], read: [...made.read], rule: { ...made.rule } };
  const column = draw(made.scores.length);
  if (fault === 'amount') other.amount += 1n;
  if (fault === 'score') other.scores[column]! += 1;
  if (fault === 'noise') other.noise[column] = 2 * other.noise[column]! + 1;
  if (fault === 'contributor') other.contributors[draw(other.contributors.length)] = made.contributors[draw(made.contributors.length)]!;
  if (fault === 'rule') other.rule.reserve += 1;
  if (fault === 'read') other.read.reverse();
  const found = workingsOf(other);
  return found.root === right.root ? undefined : found;
}

/** The first row, table by table, that is not the same. */
export function firstDifference({ tables: right }: Tables, { tables: claimed }: Tables): { table: number; row: number } | undefined {
  for (const [table, { bytes, columns }] of right.entries()) {
    const at = bytes.findIndex((byte, k) => byte !== claimed[table]!.bytes[k]);
    if (at >= 0) return { table, row: Math.floor(at / (4 * columns)) };
  }
  return undefined;
}

/** The first leaf whose hash is not the same, as who searches finds it. */
export function firstFalseLeaf(right: TraceTree, claimed: TraceTree): LeafPlace | undefined {
  for (const [index, { leaves }] of right.tensors.entries()) {
    const at = leaves.findIndex((byte, k) => byte !== claimed.tensors[index]!.leaves[k]);
    if (at >= 0) return { index, leaf: Math.floor(at / 32) };
  }
  return undefined;
}

/** Rows of a table that are worth a fault: the first, one in the middle, the last that is about something, the last, and one at random. */
export function rowsToTry({ tables }: Tables, table: number, columns: number, draw: (end: number) => number): number[] {
  const { rows } = tables[table]!;
  const people = Array.from({ length: tables[PEOPLE]!.rows }, (_, g) => rowOf.people(tables[PEOPLE]!.bytes, g)).filter(({ contributor }, g) => g === 0 || BigInt(contributor) > 0n).length;
  const used = rows === tables[PEOPLE]!.rows ? people : columns;
  return [...new Set([0, used >> 1, used - 1, Math.min(used, rows - 1), rows - 1, draw(rows)])];
}

/** Leaf and row within it. */
export const leafOfRow = ({ rows, columns }: WorkingsTable, row: number) => ({ leaf: Math.floor(row / cutOf(rows, columns).rows), inLeaf: row % cutOf(rows, columns).rows });
