import { bitsOf } from '../../arithmetic/rf32.ts';
import { type Hex, concat, fromHex, toHex, uint256Bytes } from '../../protocol/bytes.ts';
import { fastKeccak256 } from '../../protocol/keccak/keccak.ts';
import { merkleRoot } from '../../protocol/merkle.ts';
import { type Program, instructionLeaves } from './instruction.ts';

/**
 * A run (training, the gradients of its ledger) is a list of units: each runs one program on some texts, reads what
 * earlier units made, and makes matrices of its own. Unit for unit only the root of what it made is committed; its trace
 * is computed again when it is doubted.
 */
export interface Text {
  /** All tokens; the last is only predicted. */
  tokens: readonly number[];
  /** How many of them, from the end, are predicted for the loss. */
  answer: number;
  /** Float32: by how much the loss of each counts. */
  weight: number;
}

/** What a unit is fed. Texts are laid end to end as packBatch (model/batch.ts) does. */
export interface UnitInputs {
  texts: readonly Text[];
  /** Float32: a step's learning rate and corrections, or one uniform number for each predicted token. */
  scalars: readonly number[];
}

/** Sources of a unit: an instruction names one with a byte, which also stands for its own matrices and the constants. */
export const MOST_SOURCES = 253;

/** UnitShape in contracts/src/interfaces/IUnitReferee.sol. */
export interface UnitShape {
  outputs: number;
  sources: readonly number[];
}

/** uint32 each, big-endian. */
export const words = (values: readonly number[]): Uint8Array => {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, k) => view.setUint32(4 * k, value));
  return new Uint8Array(view.buffer);
};

/**
 * uint32 each, big-endian: how many texts ‖ each text's tokens, answer, bits of its weight ‖ the tokens of all texts ‖ how many
 * scalars ‖ their bits. N = Σ (tokens − 1), M = Σ answers, W = the most tokens that one attends.
 */
export function unitInputsBytes({ texts, scalars }: UnitInputs): Uint8Array {
  return concat(
    words([texts.length]), words(texts.flatMap(({ tokens, answer, weight }) => [tokens.length, answer, bitsOf(weight)])),
    ...texts.map(({ tokens }) => words(tokens)), words([scalars.length]), words(scalars.map(bitsOf)),
  );
}

export function unitInputsHash(inputs: UnitInputs): Hex {
  return toHex(fastKeccak256(unitInputsBytes(inputs)));
}

/** keccak256 of abi.encode(header of the program, UnitShape), both as contracts/src/interfaces have them. */
export function unitProgramHash(program: Program, constantsRoot: Hex, { outputs, sources }: UnitShape): Hex {
  const number = (value: number) => uint256Bytes(value);
  return toHex(fastKeccak256(
    fromHex(merkleRoot(instructionLeaves(program))), number(program.instructions.length), fromHex(constantsRoot), number(program.constants.length), number(program.window),
    // The shape is dynamic: where it begins, then its own count, where its list begins, how long that is, the list.
    number(6 * 32), number(outputs), number(2 * 32), number(sources.length), ...sources.map(number),
  ));
}
