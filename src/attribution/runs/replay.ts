import { throwIfAborted } from '../../errors.ts';
import type { Tensor } from '../../kernels/backend.ts';
import { type Lora, freeLora, uploadLora } from '../../model/lora.ts';
import type { Model } from '../../model/model.ts';
import { type TrainCheckpoint, initialLora, train } from '../../model/train.ts';
import { type Labels, eachLabelGradients } from '../record-gradients.ts';
import type { Matrix } from '../trace/run.ts';
import type { RunPlan } from './plan.ts';
import { stateTensors } from './state-tensors.ts';

export interface ReplayOptions {
  signal?: AbortSignal | undefined;
  /** Units made, of all. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Gets what a unit made; false ends the run there. Units come in order, but for those of one checkpoint's gradients, which read nothing of each other. */
export type UseUnit = (unit: number, made: readonly Matrix[]) => boolean | void | Promise<boolean | void>;

/** States that are kept to go on from, in bytes. */
const KEPT_BYTES = 128 * 2 ** 20;

/** Ends a training from within. */
const ENOUGH = Symbol('enough');

/**
 * A run made again from base, records and recipe, unit for unit: training as it was followed, then the gradients of its
 * ledger. Holds some states, evenly spread, so that a stretch of the run can be made once more without all before it.
 */
export class RunReplay {
  readonly model: Model;
  readonly plan: RunPlan;
  private readonly keptBytes: number;
  /** By steps done: m, v and factors, as a state's unit makes them. */
  private readonly states = new Map<number, readonly Matrix[]>();
  private stride = 1;

  constructor(model: Model, plan: RunPlan, keptBytes = KEPT_BYTES) {
    this.model = model;
    this.plan = plan;
    this.keptBytes = keptBytes;
  }

  /** All units. Throws `cancelled`, `rf32/out-of-range`, `record/too-long`. */
  async follow(use: UseUnit, { signal, onProgress }: ReplayOptions = {}): Promise<void> {
    const { plan } = this;
    let done = 0;
    const take: UseUnit = async (unit, made) => {
      const more = await use(unit, made);
      onProgress?.(++done, plan.count);
      return more;
    };
    const atCheckpoint = new Map<number, readonly Matrix[]>();
    const whole = await this.steps(0, plan.steps, async (unit, made) => {
      const place = plan.place(unit);
      const steps = place.kind === 'part' ? place.step + 1 : 0;
      if (plan.stateUnit(steps) === unit && plan.checkpoints.includes(steps)) atCheckpoint.set(steps, made);
      return take(unit, made);
    }, signal);
    if (!whole) return;
    for (const [at, steps] of plan.checkpoints.entries()) {
      if (!(await this.ledger(at, atCheckpoint.get(steps)!, take, signal))) return;
    }
  }

  /** What some units made, each computed from the nearest state that is kept. Throws as `follow`. */
  async outputsOf(units: readonly number[], { signal }: ReplayOptions = {}): Promise<Map<number, readonly Matrix[]>> {
    const { plan } = this;
    const found = new Map<number, readonly Matrix[]>();
    for (const unit of [...new Set(units)].sort((a, b) => a - b)) {
      if (found.has(unit)) continue;
      const place = plan.place(unit);
      if (place.kind === 'gradient') {
        const steps = plan.checkpoints[place.at]!;
        const state = found.get(plan.stateUnit(steps)) ?? (await this.outputsOf([plan.stateUnit(steps)], { signal })).get(plan.stateUnit(steps))!;
        const row = plan.labels[place.labels]!.which.indexOf(place.record);
        await this.gradients(state, [plan.labels[place.labels]!.labels], [place.record], (_label, _row, made) => void found.set(unit, made), signal);
        if (plan.gradientUnit(place.at, place.labels, row) !== unit) throw new RangeError(`unit ${unit} is not where its record is`);
        continue;
      }
      const until = place.kind === 'part' ? place.step + 1 : 0;
      const from = [...this.states.keys()].filter((step) => step < until || (step === until && plan.stateUnit(step) === unit)).reduce((most, step) => Math.max(most, step), 0);
      if (plan.stateUnit(from) === unit && this.states.has(from)) found.set(unit, this.states.get(from)!);
      else await this.steps(from, until, (one, made) => void (units.includes(one) && found.set(one, made)), signal);
    }
    return found;
  }

  /** Units of the steps from `from` until `until`, with the initial state where that is 0. False where `use` ended it. */
  private async steps(from: number, until: number, use: UseUnit, signal: AbortSignal | undefined): Promise<boolean> {
    const { model, plan } = this;
    const { recipe, records } = plan.subject;
    throwIfAborted(signal);
    if (from === 0) {
      const initial = await this.initialState();
      this.keep(0, initial);
      if ((await use(0, initial)) === false) return false;
    }
    if (until === from) return true;
    try {
      const lora = await train(model, records, recipe, {
        signal, until, checkpoint: from ? this.checkpoint(from) : undefined,
        observe: async ({ step, sums, parameters, moments }) => {
          for (const [part, sum] of sums.entries()) if ((await use(plan.partUnit(step - 1, part), await this.read((name) => sum.get(name)!))) === false) throw ENOUGH;
          const state = [...(await this.read((name) => moments.get(name)!.m)), ...(await this.read((name) => moments.get(name)!.v)), ...(await this.read((name) => parameters.get(name)!))];
          this.keep(step, state);
          if ((await use(plan.stateUnit(step), state)) === false) throw ENOUGH;
        },
      });
      freeLora(model.backend, lora);
      return true;
    } catch (error) {
      if (error === ENOUGH) return false;
      throw error;
    }
  }

  /** Gradients of all that is planned at a checkpoint; labels of the same records share a forward pass. */
  private async ledger(at: number, state: readonly Matrix[], use: UseUnit, signal: AbortSignal | undefined): Promise<boolean> {
    const { plan } = this;
    const groups = new Map<string, { which: readonly number[]; plans: number[] }>();
    for (const [k, { which }] of plan.labels.entries()) {
      const same = groups.get(which.join());
      if (same) same.plans.push(k);
      else groups.set(which.join(), { which, plans: [k] });
    }
    try {
      for (const { which, plans } of groups.values()) {
        await this.gradients(state, plans.map((k) => plan.labels[k]!.labels), which, async (label, row, made) => {
          if ((await use(plan.gradientUnit(at, plans[label]!, row), made)) === false) throw ENOUGH;
        }, signal);
      }
      return true;
    } catch (error) {
      if (error === ENOUGH) return false;
      throw error;
    }
  }

  private async gradients(state: readonly Matrix[], labels: readonly Labels[], which: readonly number[], use: (label: number, row: number, made: Matrix[]) => void | Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    const { model, plan } = this;
    const lora = this.loraOf(state);
    try {
      await eachLabelGradients(model, lora, plan.subject.records, which, labels, async (_scope, gradients, label, first, count) => {
        const values = new Map<string, Float32Array>();
        for (const { name } of plan.tensors) values.set(name, (await model.backend.read(gradients.get(name)!)) as Float32Array);
        for (let k = 0; k < count; k++) {
          await use(label, first + k, plan.tensors.map(({ name, rows, columns }) => ({ rows, columns, values: values.get(name)!.slice(k * rows * columns, (k + 1) * rows * columns) })));
        }
      }, { signal });
    } finally {
      freeLora(model.backend, lora);
    }
  }

  private async read(tensor: (name: string) => Tensor): Promise<Matrix[]> {
    const out: Matrix[] = [];
    for (const { name, rows, columns } of this.plan.tensors) out.push({ rows, columns, values: (await this.model.backend.read(tensor(name))) as Float32Array });
    return out;
  }

  private async initialState(): Promise<Matrix[]> {
    const { model: { backend, config }, plan: { subject: { recipe }, tensors } } = this;
    const lora = initialLora(backend, config, recipe, recipe.seed);
    try {
      const factors = new Map<string, Tensor>([...lora.pairs].flatMap(([name, { a, b }]) => [[`${name}.lora_A`, a] as const, [`${name}.lora_B`, b] as const]));
      const zeros = () => tensors.map(({ rows, columns }) => ({ rows, columns, values: new Float32Array(rows * columns) }));
      return [...zeros(), ...zeros(), ...(await this.read((name) => factors.get(name)!))];
    } finally {
      freeLora(backend, lora);
    }
  }

  /** A state's factors as the ledger's gradients are taken with them. */
  private loraOf(state: readonly Matrix[]): Lora {
    const { model, plan } = this;
    return uploadLora(model.backend, model.config, plan.subject.recipe, stateTensors(plan, state));
  }

  private checkpoint(step: number): TrainCheckpoint {
    const { tensors } = this.plan;
    const state = this.states.get(step)!;
    const [m, v, values] = [0, 1, 2].map((part) => state.slice(part * tensors.length, (part + 1) * tensors.length));
    return { step, tokens: 0, parameters: tensors.map(({ name }, k) => ({ name, values: values![k]!.values, m: m![k]!.values, v: v![k]!.values })) };
  }

  /** Of all states those whose step is a multiple of `stride`, which doubles as they become too many. */
  private keep(step: number, state: readonly Matrix[]): void {
    if (step % this.stride) return;
    this.states.set(step, state);
    const bytes = state.reduce((sum, { values }) => sum + values.byteLength, 0);
    while (this.states.size > 1 && this.states.size * bytes > this.keptBytes) {
      this.stride *= 2;
      for (const kept of this.states.keys()) if (kept % this.stride) this.states.delete(kept);
    }
  }
}
