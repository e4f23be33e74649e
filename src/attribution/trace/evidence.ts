import { type Hex, toHex } from '../../protocol/bytes.ts';
import { merkleProof } from '../../protocol/merkle.ts';
import { type TraceInputs, instructionBytes, instructionLeaves } from './instruction.ts';
import type { LeafPlace } from './leaf-search.ts';
import type { Matrix } from './run.ts';
import { type ProgramHeader, type Step, buildStep, firstFalse, headerOf, inputsBytes } from './step.ts';
import type { FirstFalse, TraceOptions, Tracer } from './tracer.ts';
import { type TraceTree, leafValues } from './tree.ts';

/** One matrix of a claim, with the program's proof of its instruction: TraceMatrix in contracts/src/interfaces/IReferee.sol. */
export interface TraceMatrix {
  header: ProgramHeader;
  inputs: Hex;
  index: number;
  instruction: Hex;
  instructionProof: Hex[];
}

/** Throws RangeError where the program has no such instruction. */
export function matrixOf({ program, committed }: Tracer, inputs: TraceInputs, index: number): TraceMatrix {
  const instruction = program.instructions[index];
  if (!instruction) throw new RangeError(`no instruction ${index}`);
  return {
    header: headerOf(program, committed.root), inputs: toHex(inputsBytes(inputs)), index,
    instruction: toHex(instructionBytes(instruction)), instructionProof: merkleProof(instructionLeaves(program), index),
  };
}

/**
 * What shows that a claimed leaf does not follow from what stands before it; everything before it must agree (inspect.ts and
 * search-withheld.ts find such a leaf). `claimed` gives proofs under the claim's root; `values` are the leaf's as claimed; `first` what an
 * earlier run kept of that very instruction. Undefined where the leaf is as computed here. Throws `cancelled`, RangeError for a place that is not there.
 */
export async function stepEvidence(tracer: Tracer, inputs: TraceInputs, claimed: TraceTree, { index, leaf }: LeafPlace, values: Float32Array, { first, ...options }: TraceOptions & { first?: FirstFalse | undefined } = {}): Promise<Step | undefined> {
  const { program, committed } = tracer;
  const instruction = program.instructions[index];
  if (!instruction) throw new RangeError(`no instruction ${index}`);
  const sources = instruction.inputs.filter(({ space }) => space === 'trace').map((source) => source.index);
  const matrices = first?.index === index ? first.matrices : await tracer.matrices(inputs, [...sources, index], options);
  const right = matrices.get(index)!;
  if (values.length !== leafValues(right, leaf).values.length) throw new RangeError(`leaf ${leaf} has not ${values.length} values`);
  const place = firstFalse(right, leaf, values);
  if (!place) return undefined;
  const constants = new Map<number, Matrix>();
  for (const { space, index: at } of instruction.inputs) if (space === 'constant') constants.set(at, await tracer.constants.matrix(at));
  const valuesOf = (space: 'trace' | 'constant', tensor: number, at: number) =>
    space === 'trace' && tensor === index && at === leaf ? values : leafValues((space === 'trace' ? matrices : constants).get(tensor)!, at).values;
  return buildStep({ program, inputs, tree: claimed, constants: committed, valuesOf }, index, place.row, place.column);
}
