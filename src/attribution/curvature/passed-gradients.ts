import type { Backend, Tensor } from '../../kernels/backend.ts';
import type { Scope } from '../../kernels/scope.ts';
import type { GradientSource } from './curvature-ledger.ts';
import { BLOCK_RECORDS, type LedgerPasses } from './ledger-passes.ts';
import { ReadingRows } from './reading-rows.ts';
import type { Sketcher } from './sketcher.ts';

/**
 * Rows of gradients from passes through the model, whose plans are a ledger's: own labels, draws of the curvature, and one that
 * measures chance. The pass over a checkpoint that fills the draws fills the part of chance there too and, where the records
 * are one block, their own rows.
 */
export class PassedGradients implements GradientSource {
  private readonly backend: Backend;
  private readonly passes: LedgerPasses;
  private readonly sketchers: readonly Sketcher[];
  private readonly reading: ReadingRows;
  /** Own rows by checkpoint until they are asked for, on the host. */
  private readonly own = new Map<number, Float32Array>();

  constructor(backend: Backend, passes: LedgerPasses, sketchers: readonly Sketcher[]) {
    this.backend = backend;
    this.passes = passes;
    this.sketchers = sketchers;
    this.reading = new ReadingRows(backend, sketchers, passes.plans.at(-1)!.which.length);
  }

  async draws(scope: Scope, at: number): Promise<Tensor> {
    const sketcher = this.sketchers[at]!;
    const counts = this.passes.plans.map(({ which }) => which.length);
    const [n, chance] = [counts[0]!, counts.length - 1];
    /** First row of each draw among all. */
    const starts = counts.map((_count, plan) => counts.slice(1, plan).reduce((sum, count) => sum + count, 0));
    const F = scope.create('draws', [starts[chance]!, sketcher.dimension], 'f32');
    const own = n <= BLOCK_RECORDS ? scope.create('gradients', [n, sketcher.dimension], 'f32') : undefined;
    const plans = [...counts.keys()].filter((plan) => plan > 0 || own);
    for (let from = 0; from < n; from += BLOCK_RECORDS) {
      await this.passes.take(at, from, plans, (inner, gradients, plan, first) => {
        if (plan === chance) this.reading.add(at, inner, gradients, first);
        else sketcher.add(inner, plan ? F : own!, gradients, starts[plan]! + first);
      });
    }
    if (own) {
      this.own.set(at, (await this.backend.read(own)) as Float32Array);
      scope.free(own);
    }
    return F;
  }

  chance(): Promise<Float32Array> {
    return this.reading.read();
  }

  async records(scope: Scope, at: number, first: number, count: number): Promise<Tensor> {
    const sketcher = this.sketchers[at]!;
    const shape = [count, sketcher.dimension];
    const own = this.own.get(at);
    if (own) {
      this.own.delete(at);
      return scope.upload('gradients', shape, own);
    }
    const G = scope.create('gradients', shape, 'f32');
    await this.passes.take(at, first, [0], (inner, gradients, _plan, row) => sketcher.add(inner, G, gradients, row - first));
    return G;
  }

  free(): void {
    this.reading.free();
  }
}
