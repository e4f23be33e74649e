import { recipeOfRun } from '../model/recipe.ts';
import type { Tensors } from '../model/safetensors.ts';
import type { DatanetRecord } from '../protocol/record.ts';
import { tensorsRoot } from '../protocol/tensors.ts';
import { rowsOf } from './tensor-rows.ts';
import type { Engine, LoadedAdapter } from './engine.ts';
import { type PoolInfluence, reverse } from './replay/replay.ts';
import { type Trajectory, recordRun } from './replay/trajectory.ts';

interface AuditOptions {
  signal?: AbortSignal | undefined;
  /** Counted in steps of the run: once forward, once backward. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** A published run followed again on this machine; it must end with the published adapter. */
export class Audit {
  private readonly trajectory: Trajectory;
  private readonly clusters: readonly number[] | undefined;

  private constructor(trajectory: Trajectory, clusters: readonly number[] | undefined) {
    this.trajectory = trajectory;
    this.clusters = clusters;
  }

  /** Trains again. Throws `replay/other-adapter` where the run does not give the adapter, `replay/…`, and what training throws. */
  static async begin(engine: Engine, adapter: LoadedAdapter, records: readonly DatanetRecord[], { signal, onProgress }: AuditOptions = {}): Promise<Audit> {
    const { clusters } = adapter.run.datanet;
    const trained = clusters ? records.filter((_, k) => clusters[k] === k) : records;
    const trajectory = await recordRun(engine.model, engine.sequences(trained), recipeOfRun(adapter.run.recipe), {
      signal, onProgress,
      isPublished: (factors: Tensors) => tensorsRoot(rowsOf(factors)) === adapter.root,
    });
    return new Audit(trajectory, clusters);
  }

  /** Influence of every record on answer tokens [from, to), by reversing the run; a copy of another record has none. */
  async influence(prompt: readonly number[], answer: readonly number[], selection: { from: number; to: number } | undefined, options: AuditOptions = {}): Promise<PoolInfluence> {
    const [found] = await reverse(this.trajectory, [{ answers: [{ sequence: { ids: [...prompt, ...answer], start: prompt.length }, selected: selection }] }], options);
    const { clusters } = this;
    if (!clusters) return found!;
    const all = new Float64Array(clusters.length);
    let row = 0;
    clusters.forEach((k, at) => {
      if (k === at) all[at] = found!.influence[row++]!;
    });
    return { ...found!, influence: all };
  }
}
