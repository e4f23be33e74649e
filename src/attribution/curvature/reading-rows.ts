import type { Backend } from '../../kernels/backend.ts';
import { Scope } from '../../kernels/scope.ts';
import type { Gradients } from '../../model/linear.ts';
import type { Lora } from '../../model/lora.ts';
import type { Sketcher } from './sketcher.ts';

/** Gradients [count,…] by tensor of texts first, …, first + count − 1. */
export type TakeGradients = (scope: Scope, gradients: Gradients, first: number) => void;

/**
 * The states of the adapter at which answers are read: every checkpoint but the first, and the adapter itself. At the end a
 * fact that was learned by heart has hardly any gradient left; at the first checkpoint nothing is known of it yet.
 */
export const readingStates = (checkpoints: readonly Lora[], last: Lora): Lora[] => [...checkpoints.slice(1), last];

/**
 * What a ledger's rows are multiplied with, [texts, checkpoints · width]: the sum of a text's gradients over the reading
 * states, in each checkpoint's sketch. `pass` gives the gradients of all texts at one state; states come in order.
 */
export async function readingRows(backend: Backend, sketchers: readonly Sketcher[], states: readonly Lora[], texts: number, pass: (state: Lora, take: TakeGradients) => Promise<void>): Promise<Float32Array> {
  const held = new Scope(backend);
  try {
    const parts = sketchers.map(({ dimension }) => held.create('reading', [texts, dimension], 'f32'));
    for (const state of states) {
      await pass(state, (scope, gradients, first) => {
        for (const [i, sketcher] of sketchers.entries()) sketcher.add(scope, parts[i]!, gradients, first);
      });
    }
    const columns = sketchers.reduce((sum, { dimension }) => sum + dimension, 0);
    const out = new Float32Array(texts * columns);
    let from = 0;
    for (const [i, { dimension }] of sketchers.entries()) {
      const values = (await backend.read(parts[i]!)) as Float32Array;
      for (let q = 0; q < texts; q++) out.set(values.subarray(q * dimension, (q + 1) * dimension), q * columns + from);
      from += dimension;
    }
    return out;
  } finally {
    held.release();
  }
}
