import type { Backend } from '../backend.ts';
import type { Case } from '../case.ts';

export interface Timing {
  name: string;
  operation: string;
  backend: Backend['kind'];
  device: string;
  /** Median time of one call, milliseconds, many calls in a row and one wait. */
  ms: number;
  /** Calls behind each sample. */
  calls: number;
  /** Multiply-adds or elements per second in thousand millions, where the case declares its work. */
  billionPerSecond?: number;
}

/**
 * Time of each case on a backend: the inputs are there, the first run (compilation) is left out, and so is the time
 * of reading the result back. `budgetMs` bounds the time spent on a case.
 */
export async function benchCases(backend: Backend, cases: Case[], budgetMs = 200): Promise<Timing[]> {
  const timings: Timing[] = [];
  for (const one of cases) timings.push(await benchCase(backend, one, budgetMs));
  return timings;
}

async function benchCase(backend: Backend, { name, operation, inputs, params, work }: Case, budgetMs: number): Promise<Timing> {
  const held = inputs.map(({ shape, values }, i) => backend.upload(`${name} input ${i}`, shape, values, true));
  // Something small to wait for: reading it comes after everything recorded before it.
  const bell = backend.upload('bell', [1], new Float32Array(1));
  const sample = async (calls: number): Promise<number> => {
    await backend.read(bell);
    const start = performance.now();
    for (let call = 0; call < calls; call++) {
      const outputs = backend.run(operation, name, held, params);
      for (const output of outputs) if (!held.includes(output)) backend.free(output);
    }
    await backend.read(bell);
    return performance.now() - start;
  };
  try {
    await sample(1);
    const once = Math.max(await sample(1), 1e-3);
    const calls = Math.max(1, Math.min(1000, Math.floor(budgetMs / 5 / once)));
    const samples: number[] = [];
    for (let spent = 0; samples.length < 3 || (spent < budgetMs && samples.length < 9);) {
      const time = await sample(calls);
      spent += time;
      samples.push(time / calls);
    }
    const ms = samples.sort((a, b) => a - b)[samples.length >> 1]!;
    return {
      name,
      operation: operation.name,
      backend: backend.kind,
      device: backend.device,
      ms,
      calls,
      ...(work === undefined ? {} : { billionPerSecond: work / ms / 1e6 }),
    };
  } finally {
    for (const tensor of new Set([...held, bell])) backend.free(tensor);
  }
}
