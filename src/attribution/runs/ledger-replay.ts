import { OpenLedgerError, throwIfAborted } from '../../errors.ts';
import { breathe } from '../../kernels/breathe.ts';
import type { Matrix } from '../trace/run.ts';
import { SQUARES } from '../trace/ledger-sizes.ts';
import type { UnitTracer } from '../trace/unit-tracer.ts';
import { KeptOutputs } from './kept-outputs.ts';
import type { RunPlan } from './plan.ts';

/** Takes what a unit made; throws to end all. */
export type TakeUnit = (unit: number, made: readonly Matrix[]) => void | Promise<void>;

/** Passes through the model of a run. */
export interface RunPasses {
  /** Gradients of some plans of labels at a checkpoint, each plan's records in order. */
  pass(at: number, labels: readonly number[], take: TakeUnit, signal: AbortSignal | undefined): Promise<void>;
  /** Some gradients. */
  gradients(units: readonly number[], signal: AbortSignal | undefined): Promise<Map<number, readonly Matrix[]>>;
  /** The state of a checkpoint. */
  state(at: number, signal: AbortSignal | undefined): Promise<readonly Matrix[]>;
}

/** Gradients that stay so that no pass is done twice, in bytes; half as much of outputs, so that a unit in doubt is made again at once. */
const KEPT_BYTES = 512 * 2 ** 20;
/** Outputs that have to be held at once: a run that takes more is not begun. */
const MOST_HELD_BYTES = 4 * 2 ** 30;

/** The units from the gradients on, made with their own programs: so what is committed to is what is traced. */
export class LedgerReplay {
  private readonly plan: RunPlan;
  private readonly tracer: UnitTracer;
  private readonly passes: RunPasses;
  private readonly keptBytes: number;
  private readonly outputs: KeptOutputs;
  /** Of each unit after the gradients the last one that reads it. */
  private lastReaders: Int32Array | undefined;

  constructor(plan: RunPlan, tracer: UnitTracer, passes: RunPasses, keptBytes = KEPT_BYTES) {
    this.plan = plan;
    this.tracer = tracer;
    this.passes = passes;
    this.keptBytes = keptBytes;
    this.outputs = new KeptOutputs(keptBytes / 2);
  }

  /** Throws `run/too-large` where what has to be held at once is more than this takes on. */
  requireMemory(): void {
    const { heldBytes } = this.plan.ledger;
    if (heldBytes <= MOST_HELD_BYTES) return;
    throw new OpenLedgerError({
      code: 'run/too-large', what: 'This run has too many records to be made again here.',
      why: `Rows of its gradients take ${(heldBytes / 2 ** 30).toFixed(1)} GiB at once; ${MOST_HELD_BYTES / 2 ** 30} GiB are allowed.`,
      next: 'Use fewer records, or a ledger of smaller dimension.',
    });
  }

  /** All units from the first gradient on. A unit comes after those it reads, not always in order. Throws what `take` throws, `cancelled`, `rf32/out-of-range`. */
  async follow(take: TakeUnit, signal: AbortSignal | undefined): Promise<void> {
    const { plan, passes, outputs } = this;
    const { ledger, labels, checkpoints } = plan;
    const all = [...labels.keys()];
    const kept = this.keptPlans();
    const gradients = new Map<number, readonly Matrix[]>();
    const made = async (unit: number, sources: readonly (readonly Matrix[])[]) => {
      throwIfAborted(signal);
      const matrices = await this.make(unit, sources, signal);
      this.hold(unit, matrices);
      await take(unit, matrices);
      return matrices;
    };
    // Squares of own gradients as they come, so that for these none has to stay.
    let [square, squared]: [number, (readonly Matrix[])[]] = [ledger.first, []];
    for (const at of checkpoints.keys()) {
      await passes.pass(at, all, async (unit, matrices) => {
        await take(unit, matrices);
        const { plan: which } = plan.gradientPlace(unit);
        if (kept.has(`${at} ${which}`)) gradients.set(unit, matrices);
        if (which !== 0) return;
        squared.push(matrices);
        const last = at === checkpoints.length - 1 && unit === plan.gradientUnit(at, 0, labels[0]!.which.length - 1);
        if (squared.length < SQUARES && !last) return;
        const before = square > ledger.first ? [outputs.get(square - 1)!] : [];
        await made(square++, [...before, ...squared]);
        squared = [];
      }, signal);
    }
    const scale = await made(ledger.scaleUnit, [outputs.get(ledger.scaleUnit - 1)!]);
    for (const at of checkpoints.keys()) {
      await this.rows(at, gradients, scale, made, signal);
      const [first, end] = ledger.curvatureUnits(at);
      for (let unit = first; unit < end; unit++) await made(unit, plan.sources(unit).map((source) => outputs.get(source)!));
    }
    gradients.clear();
    const states = await Promise.all([...checkpoints.keys()].map((at) => passes.state(at, signal)));
    for (let unit = ledger.curvatureUnits(checkpoints.length - 1)[1]; unit < plan.count; unit++) {
      await made(unit, plan.sources(unit).map((source) => outputs.get(source) ?? states[checkpoints.findIndex((step) => plan.stateUnit(step) === source)]!));
    }
  }

  /** What some units made: from what is kept, else from what they read, made again. Throws as `follow`. */
  async outputsOf(units: readonly number[], signal: AbortSignal | undefined): Promise<Map<number, readonly Matrix[]>> {
    const { plan, outputs } = this;
    const { first } = plan.ledger;
    const wanted = new Set(units);
    const needed = new Map<number, number[]>();
    const open = [...wanted];
    for (let unit = open.pop(); unit !== undefined; unit = open.pop()) {
      if (needed.has(unit) || outputs.get(unit)) continue;
      const sources = plan.sources(unit);
      needed.set(unit, sources);
      for (const source of sources) if (source >= first) open.push(source);
    }
    const held = new Map<number, readonly Matrix[]>();
    const readers = new Map<number, number>();
    const hold = (unit: number) => {
      const found = outputs.get(unit);
      if (found) held.set(unit, found);
    };
    for (const unit of wanted) hold(unit);
    for (const sources of needed.values()) {
      for (const source of sources) {
        readers.set(source, (readers.get(source) ?? 0) + 1);
        if (source >= first) hold(source);
      }
    }
    for (const unit of [...needed.keys()].sort((a, b) => a - b)) {
      throwIfAborted(signal);
      const sources = needed.get(unit)!;
      const before = await this.earlier(sources.filter((source) => source < first), signal);
      const matrices = await this.make(unit, sources.map((source) => before.get(source) ?? held.get(source)!), signal);
      held.set(unit, matrices);
      outputs.set(unit, matrices, true);
      for (const source of sources) {
        const left = readers.get(source)! - 1;
        readers.set(source, left);
        if (!left && !wanted.has(source)) held.delete(source);
      }
    }
    return new Map(units.map((unit) => [unit, held.get(unit)!]));
  }

  /** Row units of one checkpoint, as their gradients come: those that were kept, then passes for the others. */
  private async rows(
    at: number, gradients: Map<number, readonly Matrix[]>, scale: readonly Matrix[], made: (unit: number, sources: readonly (readonly Matrix[])[]) => Promise<unknown>, signal: AbortSignal | undefined,
  ): Promise<void> {
    const { plan, passes } = this;
    const { ledger, labels } = plan;
    const waiting = new Map<number, readonly Matrix[]>();
    const come = async (unit: number, matrices: readonly Matrix[]) => {
      waiting.set(unit, matrices);
      const { plan: which, row } = plan.gradientPlace(unit);
      const reader = ledger.rowUnitOf(at, which, row);
      const sources = plan.sources(reader).slice(0, -1);
      const here = sources.filter((source) => plan.gradientPlace(source).at === at);
      if (!here.every((source) => waiting.has(source))) return;
      const missing = sources.filter((source) => !waiting.has(source) && !gradients.has(source));
      const others = missing.length ? await passes.gradients(missing, signal) : new Map<number, readonly Matrix[]>();
      await made(reader, [...sources.map((source) => waiting.get(source) ?? gradients.get(source) ?? others.get(source)!), scale]);
      for (const source of here) waiting.delete(source);
    };
    const missing: number[] = [];
    for (const [which, { which: records }] of labels.entries()) {
      const units = records.map((_, row) => plan.gradientUnit(at, which, row));
      if (!units.every((unit) => gradients.has(unit))) {
        if (units.length) missing.push(which);
        continue;
      }
      for (const unit of units) {
        const matrices = gradients.get(unit)!;
        // Chance at the last checkpoint is read at every other before.
        gradients.delete(unit);
        await come(unit, matrices);
      }
    }
    if (missing.length) await passes.pass(at, missing, come, signal);
  }

  /** Which plans of labels at which checkpoints are kept until their rows are made: what a row reads twice first, then own ones. */
  private keptPlans(): Set<string> {
    const { plan: { tensors, labels, checkpoints } } = this;
    const bytes = 4 * tensors.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
    const chance = labels.length - 1;
    const order: [number, number][] = [
      [checkpoints.length - 1, chance], ...[...checkpoints.keys()].map((at): [number, number] => [at, 0]),
      ...[...checkpoints.keys()].flatMap((at) => labels.map((_, which): [number, number] => [at, which])),
    ];
    const kept = new Set<string>();
    let left = this.keptBytes;
    for (const [at, which] of order) {
      const size = bytes * labels[which]!.which.length;
      if (kept.has(`${at} ${which}`) || size > left) continue;
      left -= size;
      kept.add(`${at} ${which}`);
    }
    return kept;
  }

  private make(unit: number, sources: readonly (readonly Matrix[])[], signal: AbortSignal | undefined): Promise<readonly Matrix[]> {
    const { plan, tracer } = this;
    return tracer.make(plan.program(unit)!, plan.inputs(unit), sources, { signal });
  }

  /** Keeps what a unit made until its last reader has read it, and lets go what nobody reads after this unit. */
  private hold(unit: number, made: readonly Matrix[]): void {
    const { first } = this.plan.ledger;
    const last = (this.lastReaders ??= this.readers());
    this.outputs.set(unit, made, last[unit - first] === 0);
    for (const source of this.plan.sources(unit)) if (source >= first && last[source - first] === unit) this.outputs.release(source);
  }

  private readers(): Int32Array {
    const { plan: { ledger, count } } = this;
    const last = new Int32Array(ledger.count);
    for (let unit = ledger.first; unit < count; unit++) for (const source of ledger.sources(unit)) if (source >= ledger.first) last[source - ledger.first] = unit;
    return last;
  }

  /** Gradients and states that a unit reads. */
  private async earlier(sources: readonly number[], signal: AbortSignal | undefined): Promise<Map<number, readonly Matrix[]>> {
    const { plan, passes } = this;
    const gradients = sources.filter((source) => source >= plan.firstGradient);
    const found = new Map(gradients.length ? await passes.gradients(gradients, signal) : []);
    for (const [at, step] of plan.checkpoints.entries()) if (sources.includes(plan.stateUnit(step))) found.set(plan.stateUnit(step), await passes.state(at, signal));
    await breathe();
    return found;
  }
}
