import { type Hex, concat, fromHex, toHex, uint256Bytes } from '../../protocol/bytes.ts';
import { merkleProof, merkleSiblings } from '../../protocol/merkle.ts';
import { type VersionRecord, recordHash, versionLeaves } from '../../protocol/record.ts';
import { trainedRecords } from '../../protocol/trained-records.ts';
import { type TraceInputs, instructionBytes, instructionLeaves } from './instruction.ts';
import type { LeafPlace } from './leaf-search.ts';
import type { Matrix } from './run.ts';
import { type Opening, type ProgramHeader, type Step, buildStep, firstFalse, headerOf, inputsBytes } from './step.ts';
import type { FirstFalse, TraceOptions, Tracer } from './tracer.ts';
import { type TraceTree, cutOf, floatBytes, leafValues } from './tree.ts';
import { words } from './unit.ts';

/** One matrix of a claim, with the program's proof of its instruction: TraceMatrix in contracts/src/interfaces/IReferee.sol. */
export interface TraceMatrix {
  header: ProgramHeader;
  inputs: Hex;
  index: number;
  instruction: Hex;
  instructionProof: Hex[];
}

/** What shows that payouts do not follow from scores and noise: contracts/src/interfaces/IPayoutJudge.sol. */
export interface PayoutEvidence {
  scores: TraceMatrix;
  noise: TraceMatrix;
  scorePieces: Opening[];
  noisePieces: Opening[];
  /** Those that count, 92 bytes each. */
  records: Hex;
  /** Under the version's root, beside them. */
  siblings: Hex[];
  /** Records that have a score, ascending, 4 bytes each; empty where all have. */
  trained: Hex;
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

/**
 * `tree`, `scores` and `noise` are those computed here: only the trace of a claim that is right can show that its payouts are not.
 * `counting`: recordsThatCount of the right division, in protocol/divide-fee.ts; `clusters`: run.datanet.clusters.
 */
export function payoutEvidence(
  tracer: Tracer, inputs: TraceInputs, { tree, scores, noise }: { tree: TraceTree; scores: Float32Array; noise: Float32Array }, records: readonly VersionRecord[], counting: readonly number[], clusters?: readonly number[],
): PayoutEvidence {
  const last = tracer.program.instructions.length - 1;
  const pieces = (index: number, values: Float32Array) => {
    const matrix = { rows: 1, columns: values.length, values };
    return Array.from({ length: cutOf(1, values.length).count }, (_, leaf): Opening => ({ input: 0, leaf, values: toHex(floatBytes(leafValues(matrix, leaf).values)), proof: tree.proof(index, leaf) }));
  };
  return {
    scores: matrixOf(tracer, inputs, last - 1), noise: matrixOf(tracer, inputs, last),
    scorePieces: pieces(last - 1, scores), noisePieces: pieces(last, noise),
    ...countingRecords(records, counting), trained: toHex(words(trainedRecords(clusters))),
  };
}

/** Some records of a version, `counting` ascending: uint32 index, uint32 place by contributor, address, uint256 contribution, hash; and what their root takes beside them. */
export function countingRecords(records: readonly VersionRecord[], counting: readonly number[]): Pick<PayoutEvidence, 'records' | 'siblings'> {
  if (!counting.length) return { records: '0x', siblings: [] };
  const who = (k: number) => records[k]!.contributor.toLowerCase();
  const order = [...counting].sort((a, b) => (who(a) < who(b) ? -1 : who(a) > who(b) ? 1 : a - b));
  const places = new Map(order.map((k, place) => [k, place]));
  return {
    records: toHex(concat(...counting.map((k) => {
      const { contributor, contribution } = records[k]!;
      return concat(words([k, places.get(k)!]), fromHex(contributor), uint256Bytes(BigInt(contribution)), fromHex(recordHash(records[k]!)));
    }))),
    siblings: merkleSiblings(versionLeaves(records), counting),
  };
}

/** What answers a demand for one leaf: the matrix, and its leaf. */
export interface LeafReply {
  matrix: TraceMatrix;
  leaf: Opening;
}
