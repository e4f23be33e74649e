import type { Backend } from '../../kernels/backend.ts';
import type { Model } from '../../model/model.ts';
import type { Hex } from '../../protocol/bytes.ts';
import type { CurvatureLedger } from '../curvature/curvature-ledger.ts';
import { LoadedConstants } from './constants.ts';
import { type Program, type TraceInputs, lengthsOf, programHash, sizeOf } from './instruction.ts';
import { type TraceProgram, layersOf, traceProgram } from './program.ts';
import { type Matrix, type RunOptions, runProgram } from './run.ts';
import { type PublishedMatrix, PublishedTrace, publishedLevel, publishedMatrix, readPublished } from './published.ts';
import { type Difference, differenceIn } from './step.ts';
import { type Shape, type Tensor, TraceTree, cutOf, leafHashes, leafValues, tensorOf } from './tree.ts';

export interface TraceOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** The first published node (of level 0: leaf) that is not as claimed, with its matrix as it is here and the trace's matrices that it is made from. */
export interface FirstFalse {
  index: number;
  leaf: number;
  matrices: Map<number, Matrix>;
}

/** Traces of an adapter's answers: what a claim commits to, and where a claim goes wrong. */
export class Tracer {
  readonly program: TraceProgram;
  readonly constants: LoadedConstants;
  /** Over the constants' values. */
  readonly committed: TraceTree;
  /** What the adapter is registered with. */
  readonly programHash: Hex;
  private readonly backend: Backend;

  private constructor(backend: Backend, program: TraceProgram, constants: LoadedConstants, committed: TraceTree) {
    this.backend = backend;
    this.program = program;
    this.constants = constants;
    this.committed = committed;
    this.programHash = programHash(program, committed.root);
  }

  /** `backend` multiplies; the model and the ledger may be on another. Throws `cancelled`. */
  static async of(backend: Backend, model: Model, ledger: CurvatureLedger, { signal }: TraceOptions = {}): Promise<Tracer> {
    const program = traceProgram({
      config: model.config, positions: model.positions, layers: layersOf(ledger.checkpoints[0]!), checkpoints: ledger.checkpoints.length,
      width: ledger.sketchers[0]!.dimension, records: ledger.records,
    });
    const constants = new LoadedConstants(program, model, ledger);
    return new Tracer(backend, program, constants, await constants.tree(signal));
  }

  /**
   * The trace of an answer, its scores and noise of each record that was trained, and where `claimed` differs first, if it does.
   * `judging`: what is claimed where no number comes out is false, whatever it is (StepJudge.sol), so nothing ends there; such a leaf gets a
   * hash that no claim can have. Throws `trace/too-long`, `cancelled`, and without `judging` `rf32/out-of-range`.
   */
  async trace(inputs: TraceInputs, { claimed, judging = false, ...options }: TraceOptions & { claimed?: PublishedTrace | undefined; judging?: boolean } = {}): Promise<{ tree: TraceTree; scores: Float32Array; noise: Float32Array; first: FirstFalse | undefined }> {
    const tensors: Tensor[] = [];
    let first: FirstFalse | undefined;
    const matrices = await this.run(inputs, {
      ...options,
      anyRange: judging,
      onMatrix: (index, matrix, held) => {
        const leaves = leafHashes(matrix);
        if (judging) unclaimable(matrix, leaves);
        const tensor = tensorOf(matrix.rows, matrix.columns, leaves);
        tensors.push(tensor);
        const leaf = first ? undefined : claimed?.firstFalse(index, tensor.root, leaves);
        if (leaf !== undefined) first = { index, leaf, matrices: readBy(this.program, index, matrix, held) };
        return true;
      },
    });
    return { tree: new TraceTree(tensors), scores: matrices.at(-2)!.values, noise: matrices.at(-1)!.values, first };
  }

  /** The trace as far as it is published with a claim, in a file of at most `most` bytes; no more of it is held at once. Throws `trace/too-long`, `cancelled`. */
  async toPublish(inputs: TraceInputs, { most, ...options }: TraceOptions & { most?: number } = {}): Promise<PublishedTrace> {
    const level = publishedLevel(this.shapes(inputs), most);
    const matrices: PublishedMatrix[] = [];
    await this.run(inputs, {
      ...options,
      onMatrix: (_, matrix) => {
        matrices.push(publishedMatrix(matrix, leafHashes(matrix), level));
        return true;
      },
    });
    return new PublishedTrace(level, matrices);
  }

  /** What was published with a claim, where it is what its root says; else undefined. */
  published(bytes: Uint8Array, inputs: TraceInputs, root: Hex): PublishedTrace | undefined {
    return readPublished(bytes, this.shapes(inputs), root);
  }

  /** Sizes of all matrices of an answer. */
  shapes(inputs: TraceInputs): Shape[] {
    const lengths = lengthsOf(inputs, this.program.window);
    return this.program.instructions.map(({ rows, columns }) => ({ rows: sizeOf(rows, lengths), columns: sizeOf(columns, lengths) }));
  }

  /**
   * The first leaf in which a claimed trace is not what is computed here; everything before it agrees, so the inputs of its
   * elements are known. Undefined where the whole trace is right.
   */
  async firstDifference(claimed: TraceTree, inputs: TraceInputs, options: TraceOptions = {}): Promise<Difference | undefined> {
    let found: Difference | undefined;
    await this.run(inputs, {
      ...options,
      onMatrix: (index, matrix) => {
        found = differenceIn(claimed, index, leafHashes(matrix));
        return !found;
      },
    });
    return found;
  }

  /** The matrices of some instructions, computed again. Ends after the last of them. */
  async matrices(inputs: TraceInputs, which: readonly number[], options: TraceOptions = {}): Promise<Map<number, Matrix>> {
    const wanted = new Set(which);
    const found = new Map<number, Matrix>();
    await this.run(inputs, {
      ...options,
      anyRange: true,
      onMatrix: (index, matrix) => {
        if (wanted.has(index)) found.set(index, matrix);
        return found.size < wanted.size;
      },
    });
    return found;
  }

  private run(inputs: TraceInputs, options: RunOptions) {
    return runProgram(this.backend, this.program, this.constants, inputs, options);
  }
}

/** Gives leaves that hold an infinity or a NaN hashes that no claim can have. Whether there are any. */
export function unclaimable(matrix: Matrix, leaves: Uint8Array): boolean {
  if (areNumbers(matrix.values)) return false;
  for (let leaf = 0; leaf < cutOf(matrix.rows, matrix.columns).count; leaf++) {
    if (!areNumbers(leafValues(matrix, leaf).values)) leaves.set(crypto.getRandomValues(new Uint8Array(32)), 32 * leaf);
  }
  return true;
}

/** A loop, because it goes over every value of a trace. */
function areNumbers(values: Float32Array): boolean {
  for (let k = 0; k < values.length; k++) if (values[k]! - values[k]! !== 0) return false;
  return true;
}

/** An instruction's matrix and those of the trace that it reads. */
export function readBy({ instructions }: Program, index: number, matrix: Matrix, held: readonly (Matrix | undefined)[]): Map<number, Matrix> {
  const read = instructions[index]!.inputs.filter(({ space }) => space === 'trace').map((source): [number, Matrix] => [source.index, held[source.index]!]);
  return new Map([...read, [index, matrix]]);
}
