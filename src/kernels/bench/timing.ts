import type { Backend, Tensor } from '../backend.ts';
import type { Operation, Params } from '../operation.ts';

/** Milliseconds of `calls` calls in a row on tensors that are there, and one wait. The outputs are freed. */
export async function timeCalls(backend: Backend, operation: Operation, inputs: Tensor[], params: Params, calls: number): Promise<number> {
  // Something small to wait for: reading it comes after everything recorded before it.
  const bell = backend.upload('bell', [1], new Float32Array(1));
  try {
    await backend.read(bell);
    const start = performance.now();
    for (let call = 0; call < calls; call++) {
      for (const output of backend.run(operation, operation.name, inputs, params)) if (!inputs.includes(output)) backend.free(output);
    }
    await backend.read(bell);
    return performance.now() - start;
  } finally {
    backend.free(bell);
  }
}

/** Median of an odd number of samples, or the upper of the two in the middle. */
export function median(samples: number[]): number {
  return [...samples].sort((a, b) => a - b)[samples.length >> 1]!;
}

export interface Contender {
  operation: Operation;
  inputs: Tensor[];
  params?: Params;
}

/**
 * Milliseconds for one call of each contender: the least of several samples, which other work disturbs least. They take turns;
 * compilation is left out. `budgetMs` bounds the time spent on all together.
 */
export async function raceCalls(backend: Backend, contenders: Contender[], budgetMs: number): Promise<number[]> {
  const once = async ({ operation, inputs, params = {} }: Contender, calls: number) => (await timeCalls(backend, operation, inputs, params, calls)) / calls;
  const first: number[] = [];
  for (const one of contenders) {
    await once(one, 1);
    first.push(await once(one, 1));
  }
  const round = first.reduce((sum, ms) => sum + Math.max(ms, 1e-3), 0);
  const calls = Math.max(1, Math.min(200, Math.floor(budgetMs / 7 / round)));
  const samples: number[][] = contenders.map(() => []);
  const until = performance.now() + budgetMs;
  for (let rounds = 0; rounds < 3 || (performance.now() < until && rounds < 15); rounds++) {
    for (const [i, one] of contenders.entries()) samples[i]!.push(await once(one, calls));
  }
  return samples.map((times) => Math.min(...times));
}
