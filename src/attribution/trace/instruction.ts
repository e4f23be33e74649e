import { concat, keccak256, toHex, uint256Bytes, type Hex } from '../../protocol/bytes.ts';
import { leafHash, merkleRoot } from '../../protocol/merkle.ts';

/**
 * The language that disputes speak: a program is a list of instructions, each making one float32 matrix from earlier ones and
 * from constants. Every element of every instruction is one small piece of RF32 that a contract can compute: at most
 * MOST_TERMS terms of one sum, or one element-wise step. element.ts is its meaning, contracts/src/libraries/Steps.sol and
 * LedgerSteps.sol the same.
 *
 * One program serves answers of every length: sizes are written in N (tokens fed), M (tokens predicted for the loss) and
 * W (the most tokens that one attends: all of its text, or the model's window).
 */
export const OPS = {
  // Sums of products.
  dot: 0x01, scores: 0x02, values: 0x03, keys: 0x04, dotBlocks: 0x05, foldGroups: 0x06,
  // Values moved, none made.
  transpose: 0x10, align: 0x11, split: 0x12, tokens: 0x13, pick: 0x14, place: 0x15, join: 0x16,
  // One element from elements.
  add: 0x20, addScaled: 0x21, scale: 0x22, addRow: 0x23, scaleBy: 0x24, swiglu: 0x25, swigluUp: 0x26, swigluGate: 0x27, rope: 0x28,
  // Norms.
  squareBlocks: 0x30, rmsScale: 0x31, rmsNorm: 0x32, rmsDotBlocks: 0x33, rmsCoefficient: 0x34, rmsGradient: 0x35,
  // Softmax of attention, row by row.
  softmaxMax: 0x40, softmaxExp: 0x41, softmaxInverse: 0x42, softmax: 0x43, softmaxDot: 0x44, softmaxGradient: 0x45,
  // Cross entropy.
  maxBlocks: 0x50, maxFold: 0x51, lossExp: 0x52, sumBlocks: 0x53, inverseFold: 0x54, lossGradient: 0x55,
  lossGradientBy: 0x56, drawTarget: 0x57, lossGradientDrawn: 0x58,
  // Influence.
  sketch: 0x60, rowBlocks: 0x61, fold: 0x62, squareRowBlocks: 0x63, noise: 0x64,
  // Training.
  adamwMoment: 0x70, adamwSquare: 0x71, adamwWeight: 0x72,
  // From gradients to the ledger's rows: contracts/src/LedgerReferee.sol judges these, Referee.sol the ones above.
  squareSum: 0x80, listBlocks: 0x81, gradientScale: 0x82, stack: 0x83, turnStack: 0x84, joinColumns: 0x85, addDiagonal: 0x86, tileUpdate: 0x87,
  choleskyBlock: 0x88, solveRows: 0x89, solveRowsBack: 0x8a, foldMatrices: 0x8b, quantised: 0x8c, chanceTerm: 0x8d, chanceDeviation: 0x8e, copy: 0x8f,
} as const;
export type OpName = keyof typeof OPS;

/**
 * An instruction may read what it makes itself: elements that stand before the one that is made, row by row. Of these
 * operations an element reads those behind it in its row, so that rows are made from their end.
 */
export const BACKWARD: ReadonlySet<OpName> = new Set<OpName>(['solveRowsBack']);

/** Terms of one block of RF32, and values of one leaf of a trace. */
export const PIECE = 256;
/** Longer sums of products are traced block by block. */
export const MOST_TERMS = 1024;

/** one + n·N + m·M + w·W. */
export interface Size {
  one: number;
  n: number;
  m: number;
  w: number;
}

/** Where a matrix stands: among those that the program makes, the constants, or (a number k) the outputs of a unit's source k. */
export type Space = 'trace' | 'constant' | number;

/** A matrix that an instruction reads: an earlier instruction's, its own, or one that is given. */
export interface Source {
  space: Space;
  index: number;
  rows: Size;
  columns: Size;
}

export interface Instruction {
  op: OpName;
  /** For people; no part of what is committed. */
  name: string;
  rows: Size;
  columns: Size;
  /** Whole numbers below 2^32, or bits of float32. */
  params: number[];
  inputs: Source[];
}

/** A matrix that never changes: a weight, its transpose, a table, rows of the ledger. Integers are held by their bits. */
export interface ConstantShape {
  name: string;
  rows: number;
  columns: number;
}

export interface Program {
  instructions: Instruction[];
  constants: ConstantShape[];
  /** Tokens that attention looks back; 0 where it sees all. */
  window: number;
}

/** What one claim is about: prompt and answer as one list, of which the last `answer` are the answer's. */
export interface TraceInputs {
  tokens: readonly number[];
  answer: number;
}

/** N, M and W. */
export interface Lengths {
  n: number;
  m: number;
  w: number;
}

export function lengthsOf({ tokens, answer }: TraceInputs, window: number): Lengths {
  const n = tokens.length - 1;
  if (!(Number.isInteger(answer) && answer >= 1 && answer <= n)) throw new RangeError(`an answer of ${answer} tokens among ${tokens.length}`);
  return { n, m: answer, w: window ? Math.min(n, window) : n };
}

export function sizeOf({ one, n, m, w }: Size, lengths: Lengths): number {
  return one + n * lengths.n + m * lengths.m + w * lengths.w;
}

export const fixed = (one: number): Size => ({ one, n: 0, m: 0, w: 0 });

const int32 = (view: DataView, at: number, value: number) => {
  if (!(Number.isInteger(value) && Math.abs(value) < 2 ** 31)) throw new RangeError(`${value} is no 32-bit size`);
  view.setInt32(at, value);
};

function sizeBytes({ one, n, m, w }: Size): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  [one, n, m, w].forEach((value, i) => int32(view, i * 4, value));
  return new Uint8Array(view.buffer);
}

function wordBytes(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value);
  return new Uint8Array(view.buffer);
}

function spaceByte(space: Space): number {
  if (space === 'trace') return 0;
  if (space === 'constant') return 1;
  if (!(Number.isInteger(space) && space >= 0 && space < 254)) throw new RangeError(`no source ${space}`);
  return 2 + space;
}

/**
 * All big-endian: op u8 ‖ rows, columns (each int32 one, n, m, w) ‖ u8 count, params u32 each ‖ u8 count, inputs each
 * (u8 space: 0 trace, 1 constant, 2 + k source k ‖ u32 index ‖ rows ‖ columns).
 */
export function instructionBytes({ op, rows, columns, params, inputs }: Instruction): Uint8Array {
  return concat(
    Uint8Array.of(OPS[op]), sizeBytes(rows), sizeBytes(columns),
    Uint8Array.of(params.length), ...params.map(wordBytes),
    Uint8Array.of(inputs.length),
    ...inputs.flatMap((input) => [Uint8Array.of(spaceByte(input.space)), wordBytes(input.index), sizeBytes(input.rows), sizeBytes(input.columns)]),
  );
}

/** Every step that is proved asks for them. */
const leavesOf = new WeakMap<readonly Instruction[], Uint8Array[]>();

/** Of a program that does not change any more. */
export function instructionLeaves({ instructions }: Program): Uint8Array[] {
  const known = leavesOf.get(instructions);
  if (known?.length === instructions.length) return known;
  const leaves = instructions.map((instruction) => leafHash(instructionBytes(instruction)));
  leavesOf.set(instructions, leaves);
  return leaves;
}

/**
 * What a claim's adapter is registered with: keccak256 of abi.encode(bytes32 instructions root, uint256 count of instructions,
 * bytes32 constants root, uint256 count of constants, uint256 window). The last two instructions are the scores and their noise.
 */
export function programHash(program: Program, constantsRoot: Hex): Hex {
  const hex = (text: Hex) => Uint8Array.from(text.slice(2).match(/../g)!, (byte) => parseInt(byte, 16));
  return toHex(keccak256(
    hex(merkleRoot(instructionLeaves(program))), uint256Bytes(program.instructions.length),
    hex(constantsRoot), uint256Bytes(program.constants.length), uint256Bytes(program.window),
  ));
}
