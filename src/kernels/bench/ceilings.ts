import type { Operation } from '../operation.ts';
import type { WebGpuBackend } from '../webgpu/backend.ts';
import type { Wgsl } from '../webgpu/wgsl.ts';
import { raceCalls } from './timing.ts';

/** What a device can do at most, found by small programs that do nothing else. */
export interface Ceilings {
  device: string;
  /** Bytes read a second, in thousand millions, by invocations that read a large tensor once, side by side. */
  readGBs: number;
  /** Multiply-adds a second, in thousand millions, in registers, free to be fused and unprotected. */
  multiplyAddsG: number;
}

const SIZE = 64;
const CHAINS = 16;
/** Words that one invocation reads. */
const READS = 64;

/** Each invocation adds READS words, a workgroup's neighbours side by side: the access of a matrix-vector product. */
const readOperation: Operation = {
  name: 'bench.read',
  inputs: ['f32'],
  outputs: ([x]) => [{ shape: [x![0]! / READS], dtype: 'f32' }],
  reference: ({ inputs: [x], outputs: [y] }) => {
    for (let i = 0; i < y!.length; i++) {
      const base = Math.floor(i / SIZE) * SIZE * READS + (i % SIZE);
      y![i] = 0;
      for (let k = 0; k < READS; k++) y![i] = Math.fround(y![i]! + x![base + k * SIZE]!);
    }
  },
};
const readProgram: Wgsl = {
  uniforms: {},
  code: () => ({
    workgroup: SIZE,
    body: /* wgsl */ `
  let base = group * ${SIZE * READS}u + local;
  var sum = 0.0;
  for (var k = 0u; k < ${READS}u; k += 8u) {
    ${Array.from({ length: 8 }, (_, i) => `let x${i} = in0[base + (k + ${i}u) * ${SIZE}u];`).join(' ')}
    sum += ${Array.from({ length: 8 }, (_, i) => `x${i}`).join(' + ')};
  }
  out0[group * ${SIZE}u + local] = sum;`,
  }),
  dispatch: ([x]) => ({ uniforms: [], groups: x![0]! / READS / SIZE }),
};

/** Each invocation runs CHAINS multiply-adds that do not wait for each other, `repeat` times, on nothing but registers. */
const arithmeticOperation: Operation = {
  name: 'bench.arithmetic',
  inputs: ['f32'],
  outputs: (_, { invocations }) => [{ shape: [invocations!], dtype: 'f32' }],
  reference: ({ inputs: [x], outputs: [y], params: { repeat } }) => {
    for (let i = 0; i < y!.length; i++) {
      let sum = 0;
      for (let chain = 0; chain < CHAINS; chain++) {
        let value = chain;
        for (let k = 0; k < repeat!; k++) value = value * x![0]! + x![1]!;
        sum += value;
      }
      y![i] = sum;
    }
  },
};
const chains = (each: (i: number) => string, separator = ' ') => Array.from({ length: CHAINS }, (_, i) => each(i)).join(separator);
const arithmeticProgram: Wgsl = {
  uniforms: { repeat: 'u32' },
  code: () => ({
    workgroup: SIZE,
    body: /* wgsl */ `
  let a = in0[0];
  let b = in0[1];
  ${chains((i) => `var c${i} = f32(local + ${i}u);`)}
  for (var k = 0u; k < u.repeat; k++) { ${chains((i) => `c${i} = c${i} * a + b;`)} }
  out0[group * ${SIZE}u + local] = ${chains((i) => `c${i}`, ' + ')};`,
  }),
  dispatch: (_, { invocations, repeat }) => ({ uniforms: [repeat!], groups: invocations! / SIZE }),
};

/**
 * Bandwidth and arithmetic of a WebGPU device, for the shares that our kernels reach in the same run. `budgetMs` bounds
 * the time. Takes up to 256 MiB of device memory for as long as it runs, less on a software device.
 */
export async function measureCeilings(backend: WebGpuBackend, budgetMs = 600): Promise<Ceilings> {
  const { software } = backend.traits;
  backend.addProgram(readOperation.name, readProgram);
  backend.addProgram(arithmeticOperation.name, arithmeticProgram);
  // Beyond every cache: 50 MB on the largest processors.
  const words = Math.min(software ? 2 ** 23 : 2 ** 26, 2 ** Math.floor(Math.log2(backend.maxBinding / 4)));
  const invocations = software ? 2 ** 12 : 2 ** 18;
  const repeat = software ? 128 : 1024;
  const x = backend.create('bench.read', [words], 'f32');
  const factors = backend.upload('bench.arithmetic', [2], Float32Array.from([0.5, 0.25]));
  try {
    const [read] = await raceCalls(backend, [{ operation: readOperation, inputs: [x] }], budgetMs / 2);
    const [compute] = await raceCalls(backend, [{ operation: arithmeticOperation, inputs: [factors], params: { invocations, repeat } }], budgetMs / 2);
    return {
      device: backend.device,
      readGBs: (words * 4) / read! / 1e6,
      multiplyAddsG: (invocations * repeat * CHAINS) / compute! / 1e6,
    };
  } finally {
    backend.free(x);
    backend.free(factors);
  }
}
