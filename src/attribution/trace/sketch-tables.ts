import { sketchPlan } from '../../kernels/sketch/plan.ts';
import { endToEnd } from '../curvature/sketcher.ts';
import type { ConstantShape } from './instruction.ts';
import type { Constants, Matrix } from './run.ts';

/** How an adapter's gradient becomes a row at some checkpoints. */
export interface SketchSubject {
  /** Of the adapter, in ledger order. */
  tensors: readonly { name: string; values: number }[];
  checkpoints: number;
  /** Numbers a checkpoint has of a row. */
  width: number;
  seed: number;
}

/** Tables that were made stay while they fit. */
const KEPT_BYTES = 256 * 2 ** 20;

/** Which random stream the sketch of a tensor is: Sketcher's. */
export const sketchStream = (checkpoint: number, tensor: number): number => (checkpoint + 1) * 0x10000 + tensor;

/**
 * The plan of the sketch of tensor `tensor` at a checkpoint, by the bits of its numbers: [1, 2·width] first and end of each slot,
 * or [1, values] members (kernels/sketch). Adapters that fit are laid end to end.
 */
export function sketchTable({ tensors, width, seed }: Omit<SketchSubject, 'checkpoints'>, kind: 'pairs' | 'members', checkpoint: number, tensor: number): Float32Array {
  const all = tensors.reduce((sum, { values }) => sum + values, 0);
  const before = tensors.slice(0, tensor).reduce((sum, { values }) => sum + values, 0);
  const { values } = tensors[tensor]!;
  const plan = all > width ? sketchPlan(seed, sketchStream(checkpoint, tensor), values, width) : endToEnd(values, before, all);
  return floats(kind === 'members' ? plan.members : Uint32Array.from({ length: 2 * width }, (_, i) => plan.starts[(i >> 1) + (i & 1)]!));
}

const floats = (words: Uint32Array) => new Float32Array(words.buffer, words.byteOffset, words.length);

/** The constants of all programs between the gradients of a run and its ledger's rows: these tables, checkpoint after checkpoint. */
export class SketchTables implements Constants {
  readonly shapes: readonly ConstantShape[];
  private readonly subject: SketchSubject;
  private readonly kept = new Map<number, Matrix>();
  private bytes = 0;

  constructor(subject: SketchSubject) {
    this.subject = subject;
    this.shapes = Array.from({ length: subject.checkpoints }, (_, at) => subject.tensors.flatMap(({ name, values }) => [
      { name: `${at}.${name}.pairs`, rows: 1, columns: 2 * subject.width }, { name: `${at}.${name}.members`, rows: 1, columns: values },
    ])).flat();
  }

  async matrix(index: number): Promise<Matrix> {
    const found = this.kept.get(index);
    if (found) return found;
    const { rows, columns } = this.shapes[index]!;
    const place = index >> 1;
    const count = this.subject.tensors.length;
    const matrix = { rows, columns, values: sketchTable(this.subject, index & 1 ? 'members' : 'pairs', Math.floor(place / count), place % count) };
    if (this.bytes + matrix.values.byteLength <= KEPT_BYTES) {
      this.bytes += matrix.values.byteLength;
      this.kept.set(index, matrix);
    }
    return matrix;
  }
}

/** Where a checkpoint's tables of a tensor stand among these constants. */
export const tableIndex = (tensors: number, checkpoint: number, tensor: number): { pairs: number; members: number } => {
  const pairs = 2 * (checkpoint * tensors + tensor);
  return { pairs, members: pairs + 1 };
};
