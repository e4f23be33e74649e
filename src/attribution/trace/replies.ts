import { type Hex, concat, toHex } from '../../protocol/bytes.ts';
import { type TraceMatrix, matrixOf } from './evidence.ts';
import { type TraceInputs, lengthsOf, sizeOf } from './instruction.ts';
import { headerOf, inputsBytes } from './step.ts';
import { ALL_MATRICES, TraceNodes, type TracePlace, isIn } from './trace-nodes.ts';
import type { TraceOptions, Tracer } from './tracer.ts';
import { type TraceTree, cutOf, floatBytes, leafValues } from './tree.ts';

/** Nodes of one tree with their proof: contracts/src/interfaces/IGames.sol. */
export interface NodesOpening {
  leaf: number;
  level: number;
  depth: number;
  hashes: Hex[];
  proof: Hex[];
}

/** Values of all leaves below a node: IGames.sol. */
export interface LeavesOpening {
  leaf: number;
  level: number;
  values: Hex;
  proof: Hex[];
}

/** What is shown of one matrix, or of the tree over all: Shown in IGames.sol. */
export interface Shown {
  matrix: TraceMatrix;
  leaves: LeavesOpening[];
  nodes: NodesOpening[];
}

/** A transaction of strangers has at most 128 KiB. */
const MOST_BYTES = 100_000;

/**
 * Answers to demands for places of a claim that is right, matrix by matrix, in one run. `tree` is the claim's, where it is at hand.
 * Throws RangeError for a place that is not there (noSuchPlace), `cancelled`.
 */
export async function repliesTo(tracer: Tracer, inputs: TraceInputs, places: readonly TracePlace[], { tree, ...options }: TraceOptions & { tree?: TraceTree | undefined } = {}): Promise<Shown[]> {
  for (const place of places) if (noSuchPlace(tracer, inputs, place)) throw new RangeError(`no place ${place.leaf} of instruction ${place.index}`);
  const nodes = new TraceNodes(tree ?? (await tracer.trace(inputs, options)).tree);
  const leaves = places.filter(({ depth }) => depth === 0);
  const matrices = leaves.length ? await tracer.matrices(inputs, leaves.map(({ index }) => index), options) : new Map();
  return shownOf(tracer, inputs, places, nodes, (index, leaf) => leafValues(matrices.get(index), leaf).values);
}

/** What shows `places` of any trace, by its nodes and the values of its leaves. */
export function shownOf(tracer: Tracer, inputs: TraceInputs, places: readonly TracePlace[], nodes: TraceNodes, valuesOf: (index: number, leaf: number) => Float32Array): Shown[] {
  return [...new Set(places.map(({ index }) => index))].map((index) => {
    const here = places.filter((place) => place.index === index);
    return {
      matrix: matrixAt(tracer, inputs, index),
      leaves: here.filter(({ depth }) => depth === 0).map((place) => leavesOpening(place, nodes.of(index).count, nodes.proof(place), (leaf) => valuesOf(index, leaf))),
      nodes: here.filter(({ depth }) => depth > 0).map((place) => nodes.opening(place)),
    };
  });
}

/** What answers a demand for leaves of a matrix that has `count` of them. */
export function leavesOpening({ leaf, level }: TracePlace, count: number, proof: Hex[], valuesOf: (leaf: number) => Float32Array): LeavesOpening {
  const first = leaf * 2 ** level;
  const all = Array.from({ length: Math.min(2 ** level, count - first) }, (_, k) => floatBytes(valuesOf(first + k)));
  return { leaf, level, values: toHex(concat(...all)), proof };
}

/** Which places are shown. */
export function placesOf({ matrix: { index }, leaves, nodes }: Shown): TracePlace[] {
  return [...leaves.map(({ leaf, level }) => ({ index, leaf, level, depth: 0 })), ...nodes.map(({ leaf, level, depth }) => ({ index, leaf, level, depth }))];
}

/** In as many parts as fit into a transaction each; nearly always one. `most`: bytes of one; 0: each place for itself. */
export function inTransactions(shown: readonly Shown[], most = MOST_BYTES): Shown[][] {
  const parts: Shown[][] = [];
  let bytes = Infinity;
  for (const { matrix, leaves, nodes } of shown) {
    const header = (matrix.inputs.length + matrix.instruction.length) / 2 + 32 * (12 + matrix.instructionProof.length);
    const pieces = [...leaves.map((leaf) => ({ leaf, size: leaf.values.length / 2 + 32 * (6 + leaf.proof.length) })), ...nodes.map((node) => ({ node, size: 32 * (8 + node.hashes.length + node.proof.length) }))];
    let last: Shown | undefined;
    for (const piece of pieces) {
      const more = piece.size + (last ? 0 : header);
      if (bytes + more > most) {
        parts.push([]);
        [bytes, last] = [0, undefined];
      }
      bytes += piece.size + (last ? 0 : header);
      if (!last) parts.at(-1)!.push((last = { matrix, leaves: [], nodes: [] }));
      if ('leaf' in piece) last.leaves.push(piece.leaf);
      else last.nodes.push(piece.node);
    }
  }
  return parts;
}

/** What shows that a demanded place does not exist; undefined where it does. */
export function noSuchPlace(tracer: Tracer, inputs: TraceInputs, place: TracePlace): TraceMatrix | undefined {
  const { program } = tracer;
  const instruction = program.instructions[place.index];
  if (!instruction && place.index !== ALL_MATRICES) return matrixAt(tracer, inputs, place.index);
  const lengths = lengthsOf(inputs, program.window);
  const count = instruction ? cutOf(sizeOf(instruction.rows, lengths), sizeOf(instruction.columns, lengths)).count : program.instructions.length;
  return isIn(count, place) ? undefined : matrixAt(tracer, inputs, place.index);
}

/** The program's proof of an instruction; of the tree over all matrices, and of what the program does not have, only its header. */
export function matrixAt(tracer: Tracer, inputs: TraceInputs, index: number): TraceMatrix {
  const { program, committed } = tracer;
  // Its size follows from the number of tokens; with the first, and the tree over all, come the tokens (Replies.sol).
  if (program.instructions[index]) return { ...matrixOf(tracer, inputs, index), ...(index > 0 && { inputs: '0x' as const }) };
  return { header: headerOf(program, committed.root), inputs: toHex(inputsBytes(inputs)), index, instruction: '0x', instructionProof: [] };
}
