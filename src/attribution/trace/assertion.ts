import { type Hex, toHex } from '../../protocol/bytes.ts';
import { type TraceMatrix, matrixOf, stepEvidence } from './evidence.ts';
import type { TraceInputs } from './instruction.ts';
import { singleLeaves } from './leaf-search.ts';
import { type LeavesOpening, leavesOpening } from './replies.ts';
import type { Matrix } from './run.ts';
import { type Step, headerOf } from './step.ts';
import { MOST_RANGE, TraceNodes, type TracePlace, isIn, leafPlace } from './trace-nodes.ts';
import type { TraceOptions, Tracer } from './tracer.ts';
import { TraceTree, cutOf, hashLeaf, leafValues, tensorOf } from './tree.ts';

/** Leaves below one node of a matrix, all of which are asserted at once; `level` at most MOST_RANGE. */
export type LeavesPlace = Pick<TracePlace, 'index' | 'leaf' | 'level'>;

/**
 * What a challenger asserts of a false claim (Disputes.assertLeaves): the leaves that follow below a node of which the claim has another,
 * where all before it agrees. Nobody can refute that, so the claimant need not be asked for the false ones.
 */
export interface Assertion {
  /** Without inputs. */
  matrix: TraceMatrix;
  /** Under `ownRoot`. */
  own: LeavesOpening;
  /** Of the trace as it is computed here: what has to be committed to before. */
  ownRoot: Hex;
}

/** What shows that an assertion about a claim that is right is none: Asserted in contracts/src/interfaces/IDisputes.sol. */
export interface Asserted {
  leaf: number;
  level: number;
  /** As it follows from the asserted leaves, and as claimed. */
  node: Hex;
  claimed: Hex;
  /** Siblings from the node up to the claim's root. */
  proof: Hex[];
}

/** Arguments of Disputes.refuteAssertion. */
export interface Refutation {
  matrix: TraceMatrix;
  asserted: Asserted;
  step: Step;
}

/** As assertionFrom, with a run of its own. Throws `cancelled` too. */
export async function assertionOf(tracer: Tracer, inputs: TraceInputs, own: TraceTree, place: LeavesPlace, options: TraceOptions = {}): Promise<Assertion | undefined> {
  checkPlace(own, place);
  return assertionFrom(tracer, inputs, own, place, (await tracer.matrices(inputs, [place.index], options)).get(place.index)!);
}

/**
 * The assertion of the leaves below a node. Undefined where one of their values is none: what is claimed there is false, whatever it is
 * (StepJudge.sol), but nothing else follows either, so the claimant has to be asked. Throws RangeError for a place that is not there.
 * @param own as it is computed here
 * @param right the matrix as it is computed here
 */
export function assertionFrom(tracer: Tracer, inputs: TraceInputs, own: TraceTree, place: LeavesPlace, right: Matrix): Assertion | undefined {
  const count = checkPlace(own, place);
  const values = (leaf: number) => leafValues(right, leaf).values;
  const first = place.leaf * 2 ** place.level;
  for (let leaf = first; leaf < Math.min(first + 2 ** place.level, count); leaf++) if (!values(leaf).every(Number.isFinite)) return undefined;
  const opening = leavesOpening({ ...place, depth: 0 }, count, new TraceNodes(own).proof(place), values);
  return { matrix: withoutInputs(tracer, inputs, place.index), own: opening, ownRoot: own.root };
}

/**
 * What refutes an assertion about a claim that is right: its own node is the asserted one, or the first element that was asserted and does
 * not follow. All that this element is made from is opened in the trace that has the asserted leaves in place of the claim's.
 * @param tree of the claim, with all its leaf hashes
 * Throws RangeError for a place that is not there or has another number of values, `cancelled`.
 */
export async function refutationOf(tracer: Tracer, inputs: TraceInputs, tree: TraceTree, { index }: { index: number }, said: { leaf: number; level: number; values: Float32Array }, options: TraceOptions = {}): Promise<Refutation> {
  const { leaf, level } = said;
  checkPlace(tree, { index, leaf, level });
  const nodes = new TraceNodes(tree);
  const { first, leaves } = singleLeaves(tree.tensors[index]!, said);
  const other = new AssertedTree(tree, index, first, leaves);
  const claimed = toHex(nodes.of(index).node(level, leaf));
  const asserted: Asserted = { leaf, level, node: toHex(other.nodes.of(index).node(level, leaf)), claimed, proof: nodes.proof({ index, leaf, level }) };
  return { matrix: withoutInputs(tracer, inputs, index), asserted, step: (await falseStep(tracer, inputs, tree, other, { index, first, leaves }, options)) ?? noStep(tracer) };
}

/** Undefined where every asserted leaf is the claim's. */
async function falseStep(tracer: Tracer, inputs: TraceInputs, tree: TraceTree, other: TraceTree, { index, first, leaves }: { index: number; first: number; leaves: Float32Array[] }, options: TraceOptions): Promise<Step | undefined> {
  const k = leaves.findIndex((_, at) => !same(hashAt(tree, index, first + at), hashAt(other, index, first + at)));
  return k < 0 ? undefined : stepEvidence(tracer, inputs, other, { index, leaf: first + k }, leaves[k]!, options);
}

const hashAt = ({ tensors }: TraceTree, index: number, leaf: number) => tensors[index]!.leaves.subarray(32 * leaf, 32 * leaf + 32);
const same = (a: Uint8Array, b: Uint8Array) => a.every((byte, k) => byte === b[k]);

/** A trace with some leaves of one matrix replaced. Its nodes are computed once: a step opens up to 64 leaves. */
class AssertedTree extends TraceTree {
  readonly nodes: TraceNodes;

  constructor({ tensors }: TraceTree, index: number, first: number, leaves: readonly Float32Array[]) {
    super(tensors.map((tensor, k) => {
      if (k !== index) return tensor;
      const hashes = tensor.leaves.slice();
      leaves.forEach((values, at) => hashes.set(hashLeaf(values), 32 * (first + at)));
      return tensorOf(tensor.rows, tensor.columns, hashes);
    }));
    this.nodes = new TraceNodes(this);
  }

  override proof(index: number, leaf: number): Hex[] {
    return this.nodes.proof(leafPlace({ index, leaf }));
  }
}

/** Sizes follow from the numbers of tokens, which an answer's opening has. */
const withoutInputs = (tracer: Tracer, inputs: TraceInputs, index: number): TraceMatrix => ({ ...matrixOf(tracer, inputs, index), inputs: '0x' });

/** Where the claim has the asserted node itself, no step is looked at. */
function noStep({ program, committed }: Tracer): Step {
  return { header: headerOf(program, committed.root), inputs: '0x', index: 0, instruction: '0x', instructionProof: [], row: 0, column: 0, output: { input: 255, leaf: 0, values: '0x', proof: [] }, openings: [] };
}

/** How many leaves the matrix has. */
function checkPlace({ tensors }: TraceTree, { index, leaf, level }: LeavesPlace): number {
  const tensor = tensors[index];
  const count = tensor ? cutOf(tensor.rows, tensor.columns).count : 0;
  if (!tensor || level > MOST_RANGE || !isIn(count, { leaf, level, depth: 0 })) throw new RangeError(`no leaves below node ${leaf} of level ${level} of instruction ${index}`);
  return count;
}
