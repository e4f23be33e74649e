import type { Params, Shape } from '../operation.ts';

/** How one call of an operation is dispatched. */
export interface Dispatch {
  /** Uniform values in the order of `Wgsl.uniforms`. */
  uniforms: number[];
  /** Invocations wanted per dimension; the backend divides by the workgroup size and folds what is too long. */
  invocations: readonly [number, number?, number?];
  /** Appended to the pipeline's key and passed to `body`, where the code itself depends on something. */
  variant?: string;
}

/**
 * The WGSL of an operation. Bindings are generated: `in0…` (read), `out0…` (read_write), `u` (uniforms).
 * The body sees RF32's functions (prelude.ts) and `gid: vec3u`, must guard its range, and stores floats by
 * `emit(value)`, which flushes and checks the range.
 */
export interface Wgsl {
  uniforms: Readonly<Record<string, 'u32' | 'f32'>>;
  workgroup: readonly [number, number, number];
  body(variant: string): string;
  /** Module-scope declarations (workgroup memory, helper functions). */
  declarations?(variant: string): string;
  dispatch(shapes: Shape[], params: Params): Dispatch;
}
