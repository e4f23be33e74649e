import type { PackedFormat } from './matrix/format.ts';

/**
 * An operation is declared once, in its folder: `operation.ts` (the shapes it maps and its slow obvious form,
 * `reference`), `wgsl.ts` (the same for GPUs) and `cases.ts`. Three questions are asked of the cases: same bits
 * on every backend? gradient right? how fast? A faster CPU form, where there is one, stands in ../cpu.
 * To add an operation: write such a folder, then add it to `operations.ts`, `webgpu/shaders.ts`, `cases.ts`.
 */
export type Shape = readonly number[];
export type Values = Float32Array | Uint32Array;
export type Params = Readonly<Record<string, number>>;

export interface Output {
  shape: Shape;
  dtype: 'f32' | 'u32';
  /** The output is this input, overwritten in part; otherwise every element is overwritten. */
  inPlace?: number;
}

export interface Call {
  inputs: Values[];
  outputs: Values[];
  /** Shapes of the inputs. */
  shapes: Shape[];
  params: Params;
}

export interface Operation {
  name: string;
  /** 'u32' where an input holds integers (ids, ranges); float32 otherwise. */
  inputs: readonly ('f32' | 'u32')[];
  outputs(shapes: Shape[], params: Params): Output[];
  /**
   * What the operation is not run without: weights in a packed format or split over bindings, the curvature method. Its known
   * answer is asked for when that comes, not at every start: some drivers compile for a second.
   */
  usedFor?: { format?: PackedFormat; split?: true; curvature?: true };
  /** Moves values and makes none: there is nothing to judge. */
  copies?: true;
  /** Writes the outputs. Throws nothing: shapes are checked by `outputs`, ranges by the backend. */
  reference(call: Call): void;
}

export function size(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}

export function f32(...shape: number[]): Output {
  return { shape, dtype: 'f32' };
}

/** Guards the seam between the model and the kernels: a wrong shape is a programming error. */
export function expectShape(name: string, shape: Shape | undefined, ...expected: number[]): void {
  if (!shape || shape.length !== expected.length || expected.some((n, i) => shape[i] !== n)) {
    throw new RangeError(`${name}: expected [${expected}], got [${shape}]`);
  }
}
