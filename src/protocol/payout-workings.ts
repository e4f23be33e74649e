import { OpenLedgerError } from '../errors.ts';
import { type Hex, fromHex, toHex } from './bytes.ts';
import { BASIS_POINTS, type Payout } from './fee.ts';
import { fastKeccak256 } from './keccak/keccak.ts';
import { merkleRoot } from './merkle.ts';
import { MerkleStream } from './merkle-stream.ts';
import { type PayoutRule, ceilDivide, checkPayoutInput, noiseMultiple, quantise, softThreshold } from './payout-rule.ts';
import { MOST_USED, retrievalPart, retrievalShares } from './retrieval-share.ts';

/**
 * The workings of an answer's payouts: six tables of which every row follows from the rows before it, the scores and noise of the
 * answer's trace, and the Datanet version. A claim commits to them, so that the first false row is judged alone, however many records
 * there are (contracts/src/PayoutJudge.sol). N records, T trained ones (the columns of the scores), rows beyond the last are padding.
 *
 *   order     N × 8        address contributor, uint32 column, uint32 top, uint32 counted: columns by (contributor, column); the greatest
 *                          exponent of score and noise so far, at least 1; how many so far have a score or noise
 *   evidence  N × 12       uint128 noise of all so far; uint128 evidence for, uint128 against, of this contributor so far
 *   people    (N + 16) × 10  address contributor, uint32 end, uint128 weights: everybody with a column or a record that was read, ascending;
 *                          rows of `order` up to theirs; the sum of all weights so far
 *   gross     N × 4        uint128 wei of this contributor so far, before harm
 *   paid      N × 4        uint128 wei of this contributor so far
 *   sums      (N + 16) × 9   uint128 wei of person g for influence and for having been read; uint128 of all so far; uint32 how many so far get any
 *
 * All numbers are big-endian. The integers are those of describePayout (payout-rule.ts) and retrievalShares.
 */
export const WORKINGS_TABLES = [
  { name: 'order', columns: 8, more: 0 },
  { name: 'evidence', columns: 12, more: 0 },
  { name: 'people', columns: 10, more: MOST_USED },
  { name: 'gross', columns: 4, more: 0 },
  { name: 'paid', columns: 4, more: 0 },
  { name: 'sums', columns: 9, more: MOST_USED },
] as const;

/** Tables by their place. */
export const ORDER = 0, EVIDENCE = 1, PEOPLE = 2, GROSS = 3, PAID = 4, SUMS = 5;

/** 32-bit words of one leaf, as of a trace's (attribution/trace/tree.ts): as many whole rows as fit. */
const LEAF_WORDS = 256;

export interface WorkingsTable {
  rows: number;
  /** 32-bit words of a row. */
  columns: number;
  /** rows · columns words, in a buffer of their own. */
  bytes: Uint8Array<ArrayBuffer>;
}

export interface Workings {
  /** In the order of WORKINGS_TABLES. */
  tables: WorkingsTable[];
  /** What an answer commits to. */
  root: Hex;
  /** By address. */
  payouts: Payout[];
  /** Wei; the sum of the payouts. */
  allocated: bigint;
}

export interface WorkingsInput {
  /** The contributors' part of the fee, what is paid for reading included, wei. */
  amount: bigint;
  /** Of the trained records, in their order. */
  scores: Float32Array;
  noise: Float32Array;
  /** Of all records of the Datanet version. */
  contributors: readonly Hex[];
  /** Records that were trained, ascending; all where it is empty or not said (trainedRecords). */
  trained?: readonly number[] | undefined;
  rule: PayoutRule;
  /** Records that were read with the question, best first. */
  read: readonly number[];
}

/** One contributor: rows `first` … `end` − 1 of `order` are theirs; wei are for influence, then for having been read. */
interface Person {
  contributor: Hex;
  address: Uint8Array;
  first: number;
  end: number;
  positive: bigint;
  weight: bigint;
  paid: bigint;
  reading: bigint;
}

/**
 * Divides the contributors' part and writes down every step. The payouts are divideFee's, to the wei. Throws `payout/invalid`,
 * `retrieval/invalid` where there is nothing right to divide: a claim about such an answer cannot be right.
 */
export function workingsOf({ amount, scores, noise, contributors, trained = [], rule, read }: WorkingsInput): Workings {
  const columns = trained.length || contributors.length;
  if (trained.some((record, column) => !(record >= 0 && record < contributors.length) || (column > 0 && record <= trained[column - 1]!))) throw invalid('The trained records are not some of the version’s, ascending.');
  const who = contributors.map((contributor) => contributor.toLowerCase() as Hex);
  const ofColumn = trained.length ? trained.map((record) => who[record]!) : who;
  if (read.some((record) => who[record] === undefined)) throw invalid('A record was read that the version does not have.');
  checkPayoutInput({ amount, scores, noise, contributors: ofColumn, rule });

  const forReading = retrievalPart(amount, rule.retrievalPart, read.length);
  const shares = retrievalShares(read.map((record) => ({ record, contributor: who[record]! })), forReading);
  const order = Uint32Array.from({ length: columns }, (_, column) => column).sort((a, b) => (ofColumn[a]! < ofColumn[b]! ? -1 : ofColumn[a]! > ofColumn[b]! ? 1 : a - b));
  const people = peopleOf(order, ofColumn, shares);
  const tables = WORKINGS_TABLES.map(({ columns: words, more }) => new Table(contributors.length + more, words));
  const [orderTable, evidenceTable, peopleTable, grossTable, paidTable, sumsTable] = tables as [Table, Table, Table, Table, Table, Table];

  const counted = writeOrder(orderTable, order, people, scores, noise);
  const units = quantise(scores, noise);
  const multiple = noiseMultiple(counted, rule.nullMultiple);
  const evidence = units.scores.map((score, column) => softThreshold(score, ceilDivide(units.noise[column]! * multiple, 1000n)));
  const allNoise = writeEvidence(evidenceTable, order, people, evidence, units.noise);
  const weights = writePeople(peopleTable, people);

  const pot = amount - forReading;
  const whole = weights + (counted ? ceilDivide(allNoise * BigInt(rule.reserve), 1000n * BigInt(counted)) : 0n);
  const cap = (pot * BigInt(rule.clusterCap)) / BASIS_POINTS;
  for (const person of people) {
    if (person.weight === 0n) continue;
    const parts: bigint[] = [];
    let gross = 0n;
    for (let row = person.first; row < person.end; row++) {
      const above = evidence[order[row]!]!;
      const uncapped = above > 0n ? (pot * above) / whole : 0n;
      parts.push(uncapped < cap ? uncapped : cap);
      gross += parts.at(-1)!;
      grossTable.uint128(row, 0, gross);
    }
    const harm = ceilDivide(pot * (person.positive - person.weight), whole);
    const net = gross > harm ? gross - harm : 0n;
    parts.forEach((part, k) => {
      if (part > 0n) person.paid += (part * net) / gross;
      paidTable.uint128(person.first + k, 0, person.paid);
    });
  }
  const payouts = writeSums(sumsTable, people);
  return { tables, root: merkleRoot(tables.map(tableLeaf)), payouts, allocated: payouts.reduce((sum, { amount: wei }) => sum + wei, 0n) };
}

/** Everybody with a column or a share for reading, by address. */
function peopleOf(order: Uint32Array, ofColumn: readonly Hex[], shares: readonly { contributor: Hex; amount: bigint }[]): Person[] {
  const people = new Map<Hex, Person>();
  const person = (contributor: Hex): Person => {
    let found = people.get(contributor);
    if (!found) people.set(contributor, (found = { contributor, address: fromHex(contributor), first: 0, end: 0, positive: 0n, weight: 0n, paid: 0n, reading: 0n }));
    return found;
  };
  order.forEach((column, row) => {
    const one = person(ofColumn[column]!);
    if (one.end === 0) one.first = row;
    one.end = row + 1;
  });
  for (const { contributor, amount } of shares) person(contributor).reading += amount;
  const sorted = [...people.values()].sort((a, b) => (a.contributor < b.contributor ? -1 : 1));
  // Whoever was only read stands after those before them.
  let end = 0;
  for (const one of sorted) {
    if (one.end === 0) one.first = one.end = end;
    end = one.end;
  }
  return sorted;
}

/** Returns how many columns have a score or noise; zero of either sign is none. */
function writeOrder(table: Table, order: Uint32Array, people: readonly Person[], scores: Float32Array, noise: Float32Array): number {
  const [scoreBits, noiseBits] = [scores, noise].map((values) => new Uint32Array(values.buffer, values.byteOffset, values.length)) as [Uint32Array, Uint32Array];
  let top = 1;
  let counted = 0;
  for (const { address, first, end } of people) {
    for (let row = first; row < end; row++) {
      const column = order[row]!;
      const [score, one] = [scoreBits[column]!, noiseBits[column]!];
      top = Math.max(top, (score >>> 23) & 0xff, (one >>> 23) & 0xff);
      if ((score | one) << 1 !== 0) counted++;
      table.address(row, address);
      table.uint32(row, 5, column);
      table.uint32(row, 6, top);
      table.uint32(row, 7, counted);
    }
  }
  return counted;
}

/** Returns the noise of all columns; finds what of each person's records is above zero, and their weight. */
function writeEvidence(table: Table, order: Uint32Array, people: readonly Person[], evidence: readonly bigint[], noise: readonly bigint[]): bigint {
  let allNoise = 0n;
  for (const person of people) {
    let [positive, negative] = [0n, 0n];
    for (let row = person.first; row < person.end; row++) {
      const column = order[row]!;
      const one = evidence[column]!;
      allNoise += noise[column]!;
      if (one > 0n) positive += one;
      else negative -= one;
      table.uint128(row, 0, allNoise);
      table.uint128(row, 4, positive);
      table.uint128(row, 8, negative);
    }
    person.positive = positive;
    person.weight = positive > negative ? positive - negative : 0n;
  }
  return allNoise;
}

/** Returns the sum of all weights. */
function writePeople(table: Table, people: readonly Person[]): bigint {
  let weights = 0n;
  for (let g = 0; g < table.rows; g++) {
    const person = people[g];
    if (person) {
      weights += person.weight;
      table.address(g, person.address);
    }
    table.uint32(g, 5, (person ?? people.at(-1))?.end ?? 0);
    table.uint128(g, 6, weights);
  }
  return weights;
}

function writeSums(table: Table, people: readonly Person[]): Payout[] {
  const payouts: Payout[] = [];
  let allocated = 0n;
  for (let g = 0; g < table.rows; g++) {
    const person = people[g];
    const amount = person ? person.paid + person.reading : 0n;
    if (amount > 0n) payouts.push({ contributor: person!.contributor, amount });
    allocated += amount;
    table.uint128(g, 0, amount);
    table.uint128(g, 4, allocated);
    table.uint32(g, 8, payouts.length);
  }
  return payouts;
}

/** A table that is written. */
class Table implements WorkingsTable {
  readonly rows: number;
  readonly columns: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly view: DataView;

  constructor(rows: number, columns: number) {
    [this.rows, this.columns] = [rows, columns];
    this.bytes = new Uint8Array(4 * rows * columns);
    this.view = new DataView(this.bytes.buffer);
  }

  address(row: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, 4 * row * this.columns);
  }

  uint32(row: number, word: number, value: number): void {
    this.view.setUint32(4 * (row * this.columns + word), value);
  }

  uint128(row: number, word: number, value: bigint): void {
    if (value >> 128n) throw invalid('A contributor’s parts add up to 2^128 wei or more.');
    const at = 4 * (row * this.columns + word);
    this.view.setBigUint64(at, value >> 64n);
    this.view.setBigUint64(at + 8, BigInt.asUintN(64, value));
  }
}

const LEAF = Uint8Array.of(0);

/** keccak256(0x00 ‖ root over the table's leaves ‖ uint32 rows ‖ uint32 columns), as of a trace's matrix. */
function tableLeaf({ rows, columns, bytes }: WorkingsTable): Uint8Array {
  const size = 4 * columns * Math.floor(LEAF_WORDS / columns);
  const leaves = new MerkleStream();
  for (let at = 0; at < bytes.length; at += size) leaves.add(fastKeccak256(LEAF, bytes.subarray(at, at + size)));
  const shape = new DataView(new ArrayBuffer(8));
  shape.setUint32(0, rows);
  shape.setUint32(4, columns);
  return fastKeccak256(LEAF, fromHex(leaves.root()), new Uint8Array(shape.buffer));
}

/** What stands in a row: of tables of one's own, or of a claim's, whatever it says. `values`: at least the row's bytes, from `row` · its size on. */
export const rowOf = {
  order: (values: Uint8Array, row: number) => ({ contributor: address(values, row * 32), column: word(values, row * 32 + 20), top: word(values, row * 32 + 24), counted: word(values, row * 32 + 28) }),
  people: (values: Uint8Array, row: number) => ({ contributor: address(values, row * 40), end: word(values, row * 40 + 20) }),
  sums: (values: Uint8Array, row: number) => ({ count: word(values, row * 36 + 32) }),
};

const address = (bytes: Uint8Array, at: number): Hex => toHex(bytes.subarray(at, at + 20));
const word = (bytes: Uint8Array, at: number): number => new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0);

function invalid(why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'payout/invalid', what: 'The fee cannot be divided.', why, next: 'Make the attribution again.' });
}
