/** Passes of the model at parameters that replay names: the device's side of a reverse. */
import { store } from '../../arithmetic/rf32.ts';
import type { Tensor } from '../../kernels/backend.ts';
import { breathe } from '../../kernels/breathe.ts';
import { Scope } from '../../kernels/scope.ts';
import { packBatch } from '../../model/batch.ts';
import { type Lora, freeLora } from '../../model/lora.ts';
import { loss } from '../../model/loss.ts';
import { recordWeight } from '../../model/record-loss.ts';
import { type Example, fedTokens, initialLora, partLoss, stepGradient, stepParts } from '../../model/train.ts';
import { LEDGER_ROWS, LOSS_SCALE } from '../record-gradients.ts';
import { type QueryPool, selectedTokens } from './query-pool.ts';
import type { RunStep, StepPass } from './reverse-steps.ts';
import type { Trajectory } from './trajectory.ts';

export class StepPasses {
  private readonly run: Trajectory;
  private readonly lora: Lora;
  private readonly tensors: Tensor[];

  constructor(run: Trajectory) {
    this.run = run;
    // Only its shapes count: every pass writes other values.
    this.lora = initialLora(run.model.backend, run.model.config, run.recipe, run.recipe.seed);
    this.tensors = [...this.lora.pairs.values()].flatMap(({ a, b }) => [a, b]);
  }

  release(): void {
    freeLora(this.run.model.backend, this.lora);
  }

  private write(theta: ArrayLike<number>): void {
    this.run.layout.forEach(({ at, length }, i) => {
      const values = new Float32Array(length);
      for (let j = 0; j < length; j++) values[j] = store(Math.fround(theta[at + j]!));
      this.run.model.backend.write(this.tensors[i]!, 0, values);
    });
  }

  /** Adds a pass's gradients, taken of LOSS_SCALE times the loss, to `sum` [P]. */
  private async addGradients(gradients: Map<string, Tensor>, sum: Float64Array): Promise<void> {
    const { model, layout } = this.run;
    const read = await Promise.all(layout.map(({ name }) => model.backend.read(gradients.get(name)!)));
    layout.forEach(({ at, length }, i) => {
      for (let j = 0; j < length; j++) sum[at + j]! += read[i]![j]! / LOSS_SCALE;
    });
  }

  /** As training computed the step, at θ [P] rounded to float32. */
  async step(theta: ArrayLike<number>, { records, divisor }: RunStep, want: 'loss' | 'gradient'): Promise<StepPass> {
    const { model, recipe, weights, values, records: examples } = this.run;
    this.write(theta);
    // By place: one record may stand there twice.
    const chosen = records.map((k) => [...examples[k]!]);
    const weightByRecord = new Map<Example, number>(chosen.map((record, i) => [record, weights?.[records[i]!] ?? 1]));
    const weightOf = (record: Example) => weightByRecord.get(record)!;
    const parts = stepParts(recipe, chosen);
    const gradient = new Float64Array(want === 'gradient' ? values : 0);
    const scope = new Scope(model.backend);
    try {
      const all = divisor / LOSS_SCALE;
      const { gradients, losses } = want === 'gradient'
        ? stepGradient(scope, model, this.lora, parts, { all, weightOf })
        : { gradients: undefined, losses: parts.map((part) => partLoss(scope, model, this.lora, part, all, 'loss', { weightOf }).losses) };
      const byRecord: number[] = [];
      for (const [p, part] of parts.entries()) byRecord.push(...recordLosses(part, (await model.backend.read(losses[p]!)) as Float32Array));
      if (gradients) await this.addGradients(gradients, gradient);
      return { gradient, losses: byRecord };
    } finally {
      scope.release();
    }
  }

  /** A pool's loss and its gradient [P] at θ. */
  async query(theta: ArrayLike<number>, { answers }: QueryPool): Promise<{ gradient: Float64Array; loss: number }> {
    const { model, values } = this.run;
    this.write(theta);
    const gradient = new Float64Array(values);
    let sum = 0;
    for (let first = 0; first < answers.length; ) {
      let end = first + 1;
      for (let rows = fedTokens([answers[first]!.sequence]); end < answers.length && (rows += fedTokens([answers[end]!.sequence])) <= LEDGER_ROWS; ) end++;
      const part = answers.slice(first, end);
      const spans = part.map(selectedTokens);
      const weight = (_g: number, s: number, at: number) => {
        const { from, to } = spans[s]!;
        return at >= from && at < to ? ((part[s]!.weight ?? 1) * LOSS_SCALE) / (to - from) : 0;
      };
      const scope = new Scope(model.backend);
      try {
        const { gradients, losses } = loss(scope, model, this.lora, packBatch([part.map(({ sequence }) => sequence)], weight, model.config.window), 'adapter');
        const each = (await model.backend.read(losses)) as Float32Array;
        let at = 0;
        for (const [s, { sequence: { ids, start } }] of part.entries()) {
          for (let token = start; token < ids.length; token++) sum += (each[at++]! * weight(0, s, token)) / LOSS_SCALE;
        }
        await this.addGradients(gradients, gradient);
      } finally {
        scope.release();
      }
      first = end;
      await breathe();
    }
    return { gradient, loss: sum };
  }
}

/** Loss of each record of a part, from those of its predicted tokens. */
function recordLosses(part: readonly Example[], tokens: Float32Array): number[] {
  let at = 0;
  return part.map((record) => {
    let sum = 0;
    record.forEach(({ ids, start }, s) => {
      const weight = recordWeight(record, s);
      for (let token = start; token < ids.length; token++) sum += tokens[at++]! * weight;
    });
    return sum;
  });
}
