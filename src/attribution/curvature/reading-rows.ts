import type { Backend } from '../../kernels/backend.ts';
import { Scope } from '../../kernels/scope.ts';
import type { Gradients } from '../../model/linear.ts';
import type { Sketcher } from './sketcher.ts';

/** Gradients [count,…] by tensor of texts first, …, first + count − 1. */
export type TakeGradients = (scope: Scope, gradients: Gradients, first: number) => void;

/**
 * What a ledger's rows are multiplied with, [texts, checkpoints · width]: for each checkpoint the sketch of the text's gradient
 * there plus its gradient at the last checkpoint, where the run has learned most. With its own gradient alone a fact that was
 * learned by heart is found; the other one makes the ranking truer (docs/attribution-eval.md). `pass` gives the gradients of
 * all texts at one checkpoint; checkpoints come in order.
 */
export async function readingRows(backend: Backend, sketchers: readonly Sketcher[], texts: number, pass: (at: number, take: TakeGradients) => Promise<void>): Promise<Float32Array> {
  const held = new Scope(backend);
  try {
    const parts = sketchers.map(({ dimension }) => held.create('reading', [texts, dimension], 'f32'));
    const last = sketchers.length - 1;
    for (const at of sketchers.keys()) {
      await pass(at, (scope, gradients, first) => {
        sketchers[at]!.add(scope, parts[at]!, gradients, first);
        if (at === last) for (const [i, sketcher] of sketchers.entries()) sketcher.add(scope, parts[i]!, gradients, first);
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
