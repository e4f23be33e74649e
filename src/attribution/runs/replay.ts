import { throwIfAborted } from '../../errors.ts';
import type { Tensor } from '../../kernels/backend.ts';
import { type Lora, freeLora, uploadLora } from '../../model/lora.ts';
import type { Model } from '../../model/model.ts';
import { type TrainCheckpoint, initialLora, train } from '../../model/train.ts';
import { type Labels, eachLabelGradients } from '../record-gradients.ts';
import type { Matrix } from '../trace/run.ts';
import type { UnitTracer } from '../trace/unit-tracer.ts';
import { LedgerReplay, type TakeUnit } from './ledger-replay.ts';
import type { RunPlan } from './plan.ts';
import { stateTensors } from './state-tensors.ts';

export interface ReplayOptions {
  signal?: AbortSignal | undefined;
  /** Units made, of all. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Gets what a unit made; false ends the run there. A unit comes after those that it reads: steps in order, what follows not always. */
export type UseUnit = (unit: number, made: readonly Matrix[]) => boolean | void | Promise<boolean | void>;

/** States that are kept to go on from, in bytes. */
const KEPT_BYTES = 128 * 2 ** 20;

/** Ends a run from within. */
const ENOUGH = Symbol('enough');

/** What stays in memory; changes no bit. */
export interface ReplayMemory {
  /** States to go on from. */
  stateBytes?: number | undefined;
  /** Gradients until their rows are made; and half as much of what follows from them. */
  ledgerBytes?: number | undefined;
}

/**
 * A run made again from base, records and recipe, unit for unit: training as it was followed, the gradients of its ledger, then
 * what follows from them. Holds some states, evenly spread, so that a stretch of the run can be made once more without all before it.
 */
export class RunReplay {
  readonly model: Model;
  readonly plan: RunPlan;
  private readonly keptBytes: number;
  private readonly ledger: LedgerReplay;
  /** By steps done: m, v and factors, as a state's unit makes them. */
  private readonly states = new Map<number, readonly Matrix[]>();
  /** Of the checkpoints, by steps. */
  private readonly checkpointStates = new Map<number, readonly Matrix[]>();
  private stride = 1;

  constructor(model: Model, plan: RunPlan, tracer: UnitTracer, { stateBytes = KEPT_BYTES, ledgerBytes }: ReplayMemory = {}) {
    this.model = model;
    this.plan = plan;
    this.keptBytes = stateBytes;
    this.ledger = new LedgerReplay(plan, tracer, {
      pass: (at, labels, take, signal) => this.pass(at, labels, take, signal),
      gradients: (units, signal) => this.someGradients(units, signal),
      state: (at, signal) => this.stateAt(at, signal),
    }, ledgerBytes);
  }

  /** All units. Throws `cancelled`, `rf32/out-of-range`, `record/too-long`, `run/too-large`. */
  async follow(use: UseUnit, { signal, onProgress }: ReplayOptions = {}): Promise<void> {
    const { plan } = this;
    this.ledger.requireMemory();
    let done = 0;
    const take: TakeUnit = async (unit, made) => {
      const more = await use(unit, made);
      onProgress?.(++done, plan.count);
      if (more === false) throw ENOUGH;
    };
    try {
      await this.steps(0, plan.steps, take, signal);
      await this.ledger.follow(take, signal);
    } catch (error) {
      if (error !== ENOUGH) throw error;
    }
  }

  /** What some units made, each computed from the nearest state or outputs that are kept. Throws as `follow`. */
  async outputsOf(units: readonly number[], { signal }: ReplayOptions = {}): Promise<Map<number, readonly Matrix[]>> {
    const { plan } = this;
    const found = new Map<number, readonly Matrix[]>();
    const all = [...new Set(units)].sort((a, b) => a - b);
    for (const unit of all) {
      if (unit >= plan.firstGradient || found.has(unit)) continue;
      const place = plan.place(unit);
      const until = place.kind === 'part' ? place.step + 1 : 0;
      const isState = plan.stateUnit(until) === unit;
      const known = isState ? (this.states.get(until) ?? this.checkpointStates.get(until)) : undefined;
      if (known) {
        found.set(unit, known);
        continue;
      }
      const from = [...this.states.keys()].filter((step) => step < until).reduce((most, step) => Math.max(most, step), 0);
      await this.steps(from, until, (one, made) => void (all.includes(one) && found.set(one, made)), signal);
    }
    const gradients = all.filter((unit) => unit >= plan.firstGradient && unit < plan.ledger.first);
    for (const [unit, made] of gradients.length ? await this.someGradients(gradients, signal) : []) found.set(unit, made);
    const after = all.filter((unit) => unit >= plan.ledger.first);
    for (const [unit, made] of after.length ? await this.ledger.outputsOf(after, signal) : []) found.set(unit, made);
    return found;
  }

  /** Units of the steps from `from` until `until`, with the initial state where that is 0. */
  private async steps(from: number, until: number, take: TakeUnit, signal: AbortSignal | undefined): Promise<void> {
    const { model, plan } = this;
    const { recipe, records } = plan.subject;
    throwIfAborted(signal);
    if (from === 0) {
      const initial = await this.initialState();
      this.keep(0, initial);
      await take(0, initial);
    }
    if (until === from) return;
    const lora = await train(model, records, recipe, {
      signal, until, checkpoint: from ? this.checkpoint(from) : undefined,
      observe: async ({ step, sums, parameters, moments }) => {
        for (const [part, sum] of sums.entries()) await take(plan.partUnit(step - 1, part), await this.read((name) => sum.get(name)!));
        const state = [...(await this.read((name) => moments.get(name)!.m)), ...(await this.read((name) => moments.get(name)!.v)), ...(await this.read((name) => parameters.get(name)!))];
        this.keep(step, state);
        await take(plan.stateUnit(step), state);
      },
    });
    freeLora(model.backend, lora);
  }

  private async stateAt(at: number, signal: AbortSignal | undefined): Promise<readonly Matrix[]> {
    const step = this.plan.checkpoints[at]!;
    return this.checkpointStates.get(step) ?? (await this.outputsOf([this.plan.stateUnit(step)], { signal })).get(this.plan.stateUnit(step))!;
  }

  /** Gradients of plans of labels at a checkpoint; labels of the same records share a forward pass. */
  private async pass(at: number, labels: readonly number[], take: TakeUnit, signal: AbortSignal | undefined): Promise<void> {
    const { plan } = this;
    const groups = new Map<string, { which: readonly number[]; plans: number[] }>();
    for (const k of labels) {
      const { which } = plan.labels[k]!;
      const same = groups.get(which.join());
      if (same) same.plans.push(k);
      else groups.set(which.join(), { which, plans: [k] });
    }
    const state = await this.stateAt(at, signal);
    for (const { which, plans } of groups.values()) {
      await this.gradients(state, plans.map((k) => plan.labels[k]!.labels), which, (label, row, made) => take(plan.gradientUnit(at, plans[label]!, row), made), signal);
    }
  }

  /** Some gradients; those of the same labels at a checkpoint share a pass. */
  private async someGradients(units: readonly number[], signal: AbortSignal | undefined): Promise<Map<number, readonly Matrix[]>> {
    const { plan } = this;
    const groups = new Map<string, { at: number; labels: Labels; units: number[]; records: number[] }>();
    for (const unit of units) {
      const { at, plan: which, row } = plan.gradientPlace(unit);
      const { labels, which: records } = plan.labels[which]!;
      const key = `${at} ${which}`;
      const group = groups.get(key) ?? { at, labels, units: [], records: [] };
      groups.set(key, group);
      group.units.push(unit);
      group.records.push(records[row]!);
    }
    const found = new Map<number, readonly Matrix[]>();
    for (const group of groups.values()) {
      await this.gradients(await this.stateAt(group.at, signal), [group.labels], group.records, (_label, k, made) => void found.set(group.units[k]!, made), signal);
    }
    return found;
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

  /** The checkpoints' states; of all others those whose step is a multiple of `stride`, which doubles as they become too many. */
  private keep(step: number, state: readonly Matrix[]): void {
    if (this.plan.checkpoints.includes(step)) this.checkpointStates.set(step, state);
    if (step % this.stride) return;
    this.states.set(step, state);
    const bytes = state.reduce((sum, { values }) => sum + values.byteLength, 0);
    while (this.states.size > 1 && this.states.size * bytes > this.keptBytes) {
      this.stride *= 2;
      for (const kept of this.states.keys()) if (kept % this.stride) this.states.delete(kept);
    }
  }
}
