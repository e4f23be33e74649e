import type { Params, Shape } from '../operation.ts';

/** How one call of an operation is dispatched. */
export interface Dispatch {
  /** Uniform values in the order of `Wgsl.uniforms`. */
  uniforms: number[];
  /** Workgroups wanted, counted in one dimension; the backend folds what is longer than a dimension may be. */
  groups: number;
  /** Part of the pipeline's key and passed to `code`, where the code itself depends on something. */
  variant?: string;
}

/** What a dispatch may depend on. Bits never do. */
export interface DeviceTraits {
  /** A program on the CPU: barriers and idle invocations cost as much as work. */
  software: boolean;
  /** Greatest workgroup; at least 128. */
  invocations: number;
  /** Bytes of workgroup memory; at least 16 KiB. */
  workgroupBytes: number;
  /** Storage buffers that one program may bind, the status word included. */
  storageBuffers: number;
}

/** What the code generator knows besides the variant. */
export interface CodeOptions {
  variant: string;
  /** Also take the additions of matrix products apart by the uniform zero (see prelude.ts). */
  protected: boolean;
}

export interface Code {
  /** Module scope: workgroup memory, helper functions. */
  declarations?: string;
  /** Statements of the entry point. */
  body: string;
  /** Invocations in a workgroup, at most what the device allows. */
  workgroup: number;
}

/**
 * The WGSL of an operation. Bindings are generated: `in0…` (read; an input that an output overwrites has none),
 * `out0…` (read_write), `u` (uniforms). The body sees RF32's functions (prelude.ts), `group: u32` (which
 * workgroup), `local: u32` (which invocation in it), must guard its range, and stores float result n by
 * `emitN(index, value)`, which flushes and checks the range (or, for many results, `placeN` for each
 * and `judge` for the greatest of what it returns), or by `outN[index] = …` where the bits are copied.
 */
export interface Wgsl {
  uniforms: Readonly<Record<string, 'u32' | 'f32'>>;
  code(options: CodeOptions): Code;
  dispatch(shapes: Shape[], params: Params, device: DeviceTraits): Dispatch;
}

export const ceilDiv = (a: number, b: number): number => Math.ceil(a / b);

const ELEMENTS = 64;

/** One invocation for each index below `u.count`; `body` sees `i`. The first uniform is always `count`. */
export function elementwise(
  uniforms: Wgsl['uniforms'],
  body: string,
  dispatch: (shapes: Shape[], params: Params) => { count: number; uniforms?: number[] },
  declarations = '',
): Wgsl {
  return {
    uniforms: { count: 'u32', ...uniforms },
    code: () => ({
      workgroup: ELEMENTS,
      declarations,
      body: `let i = group * ${ELEMENTS}u + local;\nif (i < u.count) {\n${body}\n}`,
    }),
    dispatch(shapes, params) {
      const { count, uniforms: rest = [] } = dispatch(shapes, params);
      return { uniforms: [count, ...rest], groups: ceilDiv(count, ELEMENTS) };
    },
  };
}
