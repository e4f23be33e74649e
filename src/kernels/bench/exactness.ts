import { matmulNT } from '../matmul/operation.ts';
import type { Operation } from '../operation.ts';
import { floats } from '../case.ts';
import type { WebGpuBackend } from '../webgpu/backend.ts';
import { shaders } from '../webgpu/shaders.ts';
import type { Code, Wgsl } from '../webgpu/wgsl.ts';
import { raceCalls } from './timing.ts';

/** What exactness costs: RF32's product beside the same program without RF32's rules. */
export interface Exactness {
  device: string;
  rows: number;
  columns: number;
  terms: number;
  /** Which tile was used. */
  variant: string;
  exactMs: number;
  plainMs: number;
  /** plainMs / exactMs: 1 where exactness is free. */
  share: number;
}

const PLAIN = 'bench.plainMatmulNT';

/** The operation without the promise of its bits. */
const plainMatmul: Operation = { ...matmulNT, name: PLAIN };

/** Replaces what must be there: a program that changed its words would otherwise be raced against itself. */
function without(text: string, from: string | RegExp, to: string): string {
  const changed = text.replaceAll(from, to);
  if (changed === text) throw new RangeError(`the program of ${matmulNT.name} has no ${String(from)}`);
  return changed;
}

/** The same program without operand rounding, without the XOR that keeps product and sum apart, without blocks of 256. */
function plain({ declarations = '', body, workgroup }: Code): Code {
  return {
    workgroup,
    // The lines of tileSteps: sum + opaque(a · b), opaque(total + sum).
    declarations: without(without(declarations, /return sum \+ bitcast.*$/gm, 'return sum + a * b; }'), /return bitcast.*$/gm, 'return total + sum; }'),
    body: without(without(body, /\boperand\(/g, '('), /\(\(base \+ (\d+)u\) & 255u\) == 0u \|\| /g, ''),
  };
}

export function plainProgram(): Wgsl {
  const exact = shaders[matmulNT.name]!;
  return { ...exact, code: (options) => plain(exact.code({ ...options, protected: false })) };
}

/** Races the two on each shape, [rows, terms, columns] of y[rows, columns] = x · wᵀ. */
export async function measureExactness(backend: WebGpuBackend, shapes?: readonly (readonly [number, number, number])[], budgetMs = 4000): Promise<Exactness[]> {
  const chosen = shapes ?? (backend.traits.software ? [[256, 256, 256]] : [[256, 2048, 2048], [1024, 4096, 4096]]) as [number, number, number][];
  backend.addProgram(PLAIN, plainProgram());
  const results: Exactness[] = [];
  for (const [rows, terms, columns] of chosen) {
    const x = backend.upload('x', [rows, terms], floats('normal', rows * terms, 1));
    const w = backend.upload('w', [columns, terms], floats('normal', columns * terms, 2));
    try {
      const inputs = [x, w];
      const [exactMs, plainMs] = (await raceCalls(backend, [{ operation: matmulNT, inputs }, { operation: plainMatmul, inputs }], budgetMs / chosen.length)) as [number, number];
      const { variant = '' } = shaders[matmulNT.name]!.dispatch([x.shape, w.shape], {}, backend.traits);
      results.push({ device: backend.device, rows, columns, terms, variant, exactMs, plainMs, share: plainMs / exactMs });
    } finally {
      backend.free(x);
      backend.free(w);
    }
  }
  return results;
}
