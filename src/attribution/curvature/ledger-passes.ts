import { Scope } from '../../kernels/scope.ts';
import type { Sequence } from '../../model/batch.ts';
import type { Gradients } from '../../model/linear.ts';
import type { Lora } from '../../model/lora.ts';
import type { Model } from '../../model/model.ts';
import { type Labels, type Progress, adapterTensors, eachLabelGradients } from '../record-gradients.ts';

/** Labels that a ledger needs at every checkpoint, and of which records, in increasing order. */
export interface LabelPlan {
  labels: Labels;
  which: readonly number[];
}

/** Gradients [count,…] by tensor for the records `which[first]`, … of plan `plan`. */
export type TakePlanned = (scope: Scope, gradients: Gradients, plan: number, first: number, count: number) => void | Promise<void>;

/** Gradients of some records as they came from a pass, on the host. */
interface Kept {
  first: number;
  count: number;
  tensors: Map<string, Float32Array>;
}

/** Records of one block: passed together, and held unrounded at a time. */
export const BLOCK_RECORDS = 256;

/** What is kept on the host so that no pass is done twice, in bytes: all of the sample adapters' gradients, of a large adapter's none. */
const KEPT_BYTES = 640 * 2 ** 20;

interface PassesOptions {
  signal?: AbortSignal | undefined;
  onProgress?: Progress | undefined;
  /** KEPT_BYTES where not given. What is kept changes no bit. */
  keptBytes?: number | undefined;
}

/**
 * The passes of a ledger. The scale of the adapter's numbers comes from the records' own gradients at all checkpoints, and
 * before it is known no gradient can be made a row: so records are passed twice, `measure` first, then `take`. What fits is
 * kept in between, own gradients before others; labels that a pass wants of the same records share its forward pass.
 */
export class LedgerPasses {
  readonly plans: readonly LabelPlan[];
  /** Backward passes of records in all. */
  readonly total: number;
  private readonly model: Model;
  private readonly checkpoints: readonly Lora[];
  private readonly records: readonly (readonly Sequence[])[];
  private readonly options: PassesOptions;
  private readonly keepsOwn: boolean;
  /** At so many checkpoints, from the first, every gradient is kept. */
  private readonly keptWhole: number;
  private readonly kept = new Map<string, Kept[]>();
  private done = 0;

  /** `plans[0]` are the own labels of all records. */
  constructor(model: Model, checkpoints: readonly Lora[], records: readonly (readonly Sequence[])[], plans: readonly LabelPlan[], options: PassesOptions = {}) {
    this.model = model;
    this.checkpoints = checkpoints;
    this.records = records;
    this.plans = plans;
    this.options = options;
    const bytes = 4 * adapterTensors(checkpoints[0]!).reduce((sum, { values }) => sum + values, 0);
    const allowed = options.keptBytes ?? KEPT_BYTES;
    const own = checkpoints.length * records.length * bytes;
    const others = bytes * plans.slice(1).reduce((sum, { which }) => sum + which.length, 0);
    this.keepsOwn = own <= allowed;
    // A graphics processor passes again sooner than it hands over what only the rows need.
    this.keptWhole = this.keepsOwn && model.backend.kind === 'cpu' ? Math.min(checkpoints.length, Math.floor((allowed - own) / Math.max(others, 1))) : 0;
    this.total = checkpoints.length * (plans.reduce((sum, { which }) => sum + which.length, 0) + (this.keepsOwn ? 0 : records.length));
  }

  /** Every record's own gradients at every checkpoint, on the host: `use` gets [count,…] by tensor. */
  async measure(use: (gradients: ReadonlyMap<string, Float32Array>) => void): Promise<void> {
    for (const at of this.checkpoints.keys()) {
      const whole = at < this.keptWhole;
      const plans = whole ? [...this.plans.keys()] : [0];
      for (let first = 0; first < this.records.length; first += BLOCK_RECORDS) {
        await this.pass(at, first, plans, async (_scope, gradients, plan, row, count) => {
          const tensors = new Map<string, Float32Array>();
          for (const [name, tensor] of gradients) tensors.set(name, (await this.model.backend.read(tensor)) as Float32Array);
          if (plan === 0) use(tensors);
          if (whole || this.keepsOwn) this.keptOf(at, first, plan).push({ first: row, count, tensors });
        });
      }
    }
  }

  /** Gradients of the plans named at checkpoint `at`, of the block of records from `from` on: kept ones, and passes for the others. A kept gradient is given once. */
  async take(at: number, from: number, plans: readonly number[], use: TakePlanned): Promise<void> {
    const missing: number[] = [];
    for (const plan of plans) {
      const kept = this.kept.get(key(at, from, plan));
      if (!kept) {
        missing.push(plan);
        continue;
      }
      this.kept.delete(key(at, from, plan));
      for (const { first, count, tensors } of kept) {
        const scope = new Scope(this.model.backend);
        try {
          const gradients: Gradients = new Map([...tensors].map(([name, values]) => [name, scope.upload(name, [count, values.length / count], values)]));
          await use(scope, gradients, plan, first, count);
        } finally {
          scope.release();
        }
      }
    }
    await this.pass(at, from, missing, use);
  }

  /** Passes over a block for some plans: those that want the same records of it share a forward pass. */
  private async pass(at: number, from: number, plans: readonly number[], use: TakePlanned): Promise<void> {
    const { signal, onProgress } = this.options;
    const groups = new Map<string, { which: number[]; plans: number[]; rows: number[] }>();
    for (const plan of plans) {
      const { which: all } = this.plans[plan]!;
      const row = all.findIndex((record) => record >= from);
      const which = all.filter((record) => record >= from && record < from + BLOCK_RECORDS);
      if (!which.length) continue;
      const same = groups.get(which.join());
      if (same) {
        same.plans.push(plan);
        same.rows.push(row);
      } else groups.set(which.join(), { which, plans: [plan], rows: [row] });
    }
    for (const group of groups.values()) {
      const before = this.done;
      await eachLabelGradients(
        this.model, this.checkpoints[at]!, this.records, group.which, group.plans.map((plan) => this.plans[plan]!.labels),
        (scope, gradients, label, first, count) => use(scope, gradients, group.plans[label]!, group.rows[label]! + first, count),
        { signal, onProgress: (count) => onProgress?.(before + count * group.plans.length, this.total) },
      );
      this.done = before + group.which.length * group.plans.length;
    }
  }

  private keptOf(at: number, from: number, plan: number): Kept[] {
    const found = this.kept.get(key(at, from, plan));
    if (found) return found;
    const made: Kept[] = [];
    this.kept.set(key(at, from, plan), made);
    return made;
  }
}

const key = (at: number, from: number, plan: number) => `${at} ${from} ${plan}`;
