import { type Hex, concat, toHex } from '../../protocol/bytes.ts';
import { fastKeccak256 } from '../../protocol/keccak/keccak.ts';
import { merkleProof, merkleRoot } from '../../protocol/merkle.ts';
import { ELEMENTS } from './element.ts';
import { BACKWARD, type OpName, type Program, type Space, type TraceInputs, instructionBytes, instructionLeaves, sizeOf } from './instruction.ts';
import { type Matrix, sameBits } from './run.ts';
import { type Texts, answerTexts } from './texts.ts';
import { type TraceTree, cutOf, floatBytes, leafAt, leafValues } from './tree.ts';

/** One leaf of a tensor with its proof; `input` says of which of the instruction's inputs. */
export interface Opening {
  input: number;
  leaf: number;
  /** Float32, little-endian. */
  values: Hex;
  proof: Hex[];
}

export interface ProgramHeader {
  instructionsRoot: Hex;
  instructionCount: bigint;
  constantsRoot: Hex;
  constantCount: bigint;
  window: bigint;
}

/** What the referee judges (contracts/src/Referee.sol): one element of one instruction, with all that it is computed from. */
export interface Step {
  header: ProgramHeader;
  /** Prompt and answer, as inputsBytes; of a unit, its unitInputsBytes. */
  inputs: Hex;
  index: number;
  instruction: Hex;
  instructionProof: Hex[];
  row: number;
  column: number;
  output: Opening;
  openings: Opening[];
}

const uint32 = (value: number) => {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value);
  return new Uint8Array(view.buffer);
};

/** uint32 answer tokens ‖ uint32 each token, big-endian. Claims hold the hash. */
export function inputsBytes({ tokens, answer }: TraceInputs): Uint8Array {
  return concat(uint32(answer), ...tokens.map(uint32));
}
export function inputsHash(inputs: TraceInputs): Hex {
  return toHex(fastKeccak256(inputsBytes(inputs)));
}

export function headerOf(program: Program, constantsRoot: Hex): ProgramHeader {
  return {
    instructionsRoot: merkleRoot(instructionLeaves(program)), instructionCount: BigInt(program.instructions.length),
    constantsRoot, constantCount: BigInt(program.constants.length), window: BigInt(program.window),
  };
}

/** What someone claims, as far as it is known: hashes of all leaves, and the values of those that were revealed. */
export interface Claimed {
  program: Program;
  inputs: TraceInputs;
  tree: TraceTree;
  constants: TraceTree;
  /** Values of the leaf as claimed; of constants as committed. */
  valuesOf(space: 'trace' | 'constant', tensor: number, leaf: number): Float32Array;
}

/** Everything the referee needs to judge element (row, column) of an instruction. Throws RangeError for places that are not there. */
export function buildStep({ program, inputs, tree, constants, valuesOf }: Claimed, index: number, row: number, column: number): Step {
  return buildTextStep({
    program, texts: answerTexts(inputs, program.window), inputs: inputsBytes(inputs), constantsRoot: constants.root,
    valuesOf: (space, tensor, leaf) => valuesOf(space as 'trace' | 'constant', tensor, leaf),
    proof: (space, tensor, leaf) => (space === 'trace' ? tree : constants).proof(tensor, leaf),
  }, index, row, column);
}

/** What a step is made from, be it of an answer or of a unit. */
export interface ClaimedTexts {
  program: Program;
  texts: Texts;
  /** What the claim holds the hash of. */
  inputs: Uint8Array;
  constantsRoot: Hex;
  /** Values of a leaf as claimed, or as committed. */
  valuesOf(space: Space, tensor: number, leaf: number): Float32Array;
  /** That they are: under the root of the trace, the constants or the source. */
  proof(space: Space, tensor: number, leaf: number): Hex[];
}

/** As buildStep. */
export function buildTextStep({ program, texts, inputs, constantsRoot, valuesOf, proof }: ClaimedTexts, index: number, row: number, column: number): Step {
  const instruction = program.instructions[index];
  if (!instruction) throw new RangeError(`no instruction ${index}`);
  const [rows, columns] = [sizeOf(instruction.rows, texts), sizeOf(instruction.columns, texts)];
  if (!(row >= 0 && row < rows && column >= 0 && column < columns)) throw new RangeError(`no element ${row}, ${column} in [${rows},${columns}]`);
  const open = (input: number, space: Space, tensor: number, leaf: number): Opening => ({
    input, leaf, values: toHex(floatBytes(valuesOf(space, tensor, leaf))), proof: proof(space, tensor, leaf),
  });
  const openings = new Map<string, Opening>();
  const sources = instruction.inputs.map(({ rows: r, columns: c }) => ({ columns: sizeOf(c, texts), cut: cutOf(sizeOf(r, texts), sizeOf(c, texts)) }));
  ELEMENTS[instruction.op]({ instruction, texts, columns, i: row, j: column }, {
    columns: (k) => sources[k]!.columns,
    get(k, i, j) {
      const { columns: width, cut } = sources[k]!;
      const { leaf, offset } = leafAt(width, cut, i, j);
      const { space, index: tensor } = instruction.inputs[k]!;
      const key = `${k} ${leaf}`;
      if (!openings.has(key)) openings.set(key, open(k, space, tensor, leaf));
      return valuesOf(space, tensor, leaf)[offset]!;
    },
  });
  return {
    header: headerOf(program, constantsRoot),
    inputs: toHex(inputs),
    index,
    instruction: toHex(instructionBytes(instruction)),
    instructionProof: merkleProof(instructionLeaves(program), index),
    row, column,
    output: open(255, 'trace', index, leafAt(columns, cutOf(rows, columns), row, column).leaf),
    openings: [...openings.values()],
  };
}

/** The first leaf in which a claim's trace differs from what is so: all before it agrees. Undefined where nothing differs. */
export interface Difference {
  instruction: number;
  leaf: number;
}

export function differenceIn(claimed: TraceTree, index: number, leaves: Uint8Array): Difference | undefined {
  const other = claimed.tensors[index]!.leaves;
  for (let at = 0; at < leaves.length; at += 32) {
    for (let byte = at; byte < at + 32; byte++) if (leaves[byte] !== other[byte]) return { instruction: index, leaf: at / 32 };
  }
  return undefined;
}

/**
 * Row and column of the first value of a claimed leaf that is not `matrix`'s, first in the order in which `op` makes them: where
 * it reads what it makes itself, all that this one is made from is as claimed. What is no number here is false, whatever it is claimed to be.
 * Undefined where all are right.
 */
export function firstFalse(matrix: Matrix, leaf: number, claimed: Float32Array, op?: OpName): { row: number; column: number } | undefined {
  const { first, values } = leafValues(matrix, leaf);
  const isFalse = (value: number, k: number) => !Number.isFinite(value) || !sameBits(value, claimed[k]!);
  let at = values.findIndex(isFalse);
  if (at < 0) return undefined;
  if (op && BACKWARD.has(op)) {
    // Of the first row that has one, the last.
    const end = (Math.floor((first + at) / matrix.columns) + 1) * matrix.columns - first;
    at = values.subarray(0, end).findLastIndex(isFalse);
  }
  return { row: Math.floor((first + at) / matrix.columns), column: (first + at) % matrix.columns };
}
