import type { Backend, Tensor } from '../../kernels/backend.ts';
import { Scope } from '../../kernels/scope.ts';
import type { Gradients } from '../../model/linear.ts';
import type { Sketcher } from './sketcher.ts';

/** Gradients [count,…] by tensor of texts first, …, first + count − 1. */
export type TakeGradients = (scope: Scope, gradients: Gradients, first: number) => void;

/**
 * What a ledger's rows are multiplied with, [texts, checkpoints · width]: for each checkpoint the sketch of the text's gradient
 * there plus its gradient at the last checkpoint, where the run has learned most. With its own gradient alone a fact that was
 * learned by heart is found; the other one makes the ranking truer (docs/attribution-eval.md). Checkpoints come in order.
 */
export class ReadingRows {
  private readonly backend: Backend;
  private readonly sketchers: readonly Sketcher[];
  private readonly texts: number;
  private readonly held: Scope;
  private readonly parts: Tensor[];

  constructor(backend: Backend, sketchers: readonly Sketcher[], texts: number) {
    this.backend = backend;
    this.sketchers = sketchers;
    this.texts = texts;
    this.held = new Scope(backend);
    this.parts = sketchers.map(({ dimension }) => this.held.create('reading', [texts, dimension], 'f32'));
  }

  /** Gradients [count,…] by tensor of texts first, …, first + count − 1 at checkpoint `at`. */
  add(at: number, scope: Scope, gradients: Gradients, first: number): void {
    this.sketchers[at]!.add(scope, this.parts[at]!, gradients, first);
    if (at < this.sketchers.length - 1) return;
    for (const [i, sketcher] of this.sketchers.entries()) sketcher.add(scope, this.parts[i]!, gradients, first);
  }

  async read(): Promise<Float32Array> {
    const columns = this.sketchers.reduce((sum, { dimension }) => sum + dimension, 0);
    const out = new Float32Array(this.texts * columns);
    let from = 0;
    for (const [i, { dimension }] of this.sketchers.entries()) {
      const values = (await this.backend.read(this.parts[i]!)) as Float32Array;
      for (let q = 0; q < this.texts; q++) out.set(values.subarray(q * dimension, (q + 1) * dimension), q * columns + from);
      from += dimension;
    }
    return out;
  }

  free(): void {
    this.held.release();
  }
}

/** The rows of texts whose gradients at one checkpoint `pass` gives, all of them; checkpoints come in order. */
export async function readingRows(backend: Backend, sketchers: readonly Sketcher[], texts: number, pass: (at: number, take: TakeGradients) => Promise<void>): Promise<Float32Array> {
  const rows = new ReadingRows(backend, sketchers, texts);
  try {
    for (const at of sketchers.keys()) await pass(at, (scope, gradients, first) => rows.add(at, scope, gradients, first));
    return await rows.read();
  } finally {
    rows.free();
  }
}
