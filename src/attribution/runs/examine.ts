import { OpenLedgerError } from '../../errors.ts';
import type { Hex } from '../../protocol/bytes.ts';
import type { SearchLimits } from '../trace/search-plan.ts';
import type { UnitEvidence, UnitTrace } from '../trace/unit-tracer.ts';
import { type JudgedOutputs, judgeOutputs } from './judged-outputs.ts';
import { otherOutcome } from './outcome.ts';
import { type OutcomeEvidence, type ProgramConstants, type RunOutcome, outcomeEvidence, outcomeOf } from './outcome-evidence.ts';
import type { RunPlace } from './places.ts';
import type { ReplayOptions } from './replay.ts';
import type { OpenRun } from './run-of-adapter.ts';
import { type OutputRoots, PlanTree, type UnitOpening, openAlone, openUnit, readOutputRoots } from './statement.ts';
import { type ClaimedUnit, UnitCase, type UnitParts, type UnitShown } from './unit-case.ts';

/** What an adapter's owner has put on chain. */
export interface ClaimedRun {
  planRoot: Hex;
  outputsRoot: Hex;
  units: number;
}

/** What the adapter of a run is registered with, which has to be the run's outcome. */
export interface RegisteredOutcome {
  adapterRoot: Hex;
  checkpointsRoot: Hex;
  programHash: Hex;
  /** The program with the constants that were published with the adapter: its checkpoints and its ledger. Throws where they cannot be had. */
  published(options: { signal?: AbortSignal | undefined }): Promise<ProgramConstants>;
}

/** What is known of it. */
export interface RunFacts {
  /** Absent: only what the units made is compared. */
  registered?: RegisteredOutcome | undefined;
  /** The list as it was posted with the statement. */
  list: Uint8Array;
  /** Roots over units' inner matrices, as shown. */
  traces: ReadonlyMap<number, Hex>;
  /** Leaves and nodes of units' traces, as shown. */
  shown: readonly UnitShown[];
}

/** A unit as it is here, with its trace. */
export interface TracedUnit {
  parts: UnitParts;
  trace: UnitTrace;
}

/** What can be done next about a statement. */
export type RunMove =
  | { kind: 'right'; why: string }
  /** Every unit is right, but something that is registered is not what they made, and no contract can be shown that. */
  | { kind: 'other-outcome'; why: string }
  /** Not a statement about this run: nothing on chain says which run an adapter's is, so it proves nothing and cannot be refuted. */
  | { kind: 'other-plan'; why: string }
  | { kind: 'demand'; places: RunPlace[]; why: string }
  | { kind: 'prove-given'; opening: UnitOpening; why: string }
  | ({ kind: 'prove-unit'; opening: UnitOpening; unit: number; why: string } & UnitEvidence)
  /** Every unit is right, and the registered program has something else among its constants. */
  | { kind: 'prove-outcome'; opening: UnitOpening; outcome: OutcomeEvidence; why: string };

/** Statements about one run, compared with the run as it is made again here. The run is made once, at the first question. */
export class RunExaminer {
  readonly run: OpenRun;
  private own: Promise<JudgedOutputs> | undefined;
  private planned: PlanTree | undefined;
  private open: { key: string; unit: UnitCase } | undefined;
  private last: TracedUnit | undefined;
  private ended: Promise<RunOutcome> | undefined;

  /** `outputs`: of the run, where they were made here before. */
  constructor(run: OpenRun, outputs?: OutputRoots) {
    this.run = run;
    this.own = outputs && Promise.resolve({ outputs });
  }

  /** Output roots of the run. Throws what RunReplay.follow throws; may then be asked again. */
  async outputs(options: ReplayOptions = {}): Promise<OutputRoots> {
    const { outputs, broken } = await this.judged(options);
    if (broken) throw broken.error;
    return outputs;
  }

  async plan(options: ReplayOptions = {}): Promise<PlanTree> {
    const { outputs } = await this.judged(options);
    this.planned ??= new PlanTree(this.run.plan, (kind) => this.run.tracer.programHash(kind), outputs.of(0));
    return this.planned;
  }

  /** What the run comes to. Throws what RunReplay.outputsOf throws, `cancelled`. */
  outcome(options: ReplayOptions = {}): Promise<RunOutcome> {
    this.ended ??= outcomeOf(this.run, options).catch((error: unknown) => {
      this.ended = undefined;
      throw error;
    });
    return this.ended;
  }

  /** What of an adapter is registered and not this run's outcome, in words; undefined where all is. Throws as `outcome`. */
  async otherwise({ programHash, ...roots }: Omit<RegisteredOutcome, 'published'>, options: ReplayOptions = {}): Promise<string | undefined> {
    const other = await otherOutcome(this.run, roots);
    return other ?? ((await this.outcome(options)).programHash === programHash ? undefined : 'the registered program');
  }

  /** What can be done next. Throws what judgeOutputs and UnitTracer.trace throw, and `run/no-list`. */
  async move(claimed: ClaimedRun, { list, traces, shown, registered }: RunFacts, { limits, ...options }: ReplayOptions & { limits?: SearchLimits | undefined } = {}): Promise<RunMove> {
    const [{ outputs: own }, plan] = [await this.judged(options), await this.plan(options)];
    if (claimed.planRoot !== plan.root || claimed.units !== plan.units.length) {
      return { kind: 'other-plan', why: 'It is about another run than base, records and recipe of this adapter give.' };
    }
    if (claimed.outputsRoot === own.root) return (registered && (await this.outcomeMove(registered, options))) ?? { kind: 'right', why: `All ${own.count} units made the same here.` };
    const posted = readOutputRoots(list, claimed.units, claimed.outputsRoot);
    if (!posted) {
      throw new OpenLedgerError({
        code: 'run/no-list', what: 'The list of what the run’s units made is not what the statement says.', why: 'The contract takes no other list: the node did not give all of its events.',
        next: 'Try again; if it stays, read the chain through another node.',
      });
    }
    const unit = own.firstDifference(posted)!;
    const what = this.run.plan.describe(unit);
    if (unit === 0) return { kind: 'prove-given', opening: openAlone(plan, posted, unit), why: 'It begins from another state than the recipe gives.' };
    const found = await this.case(unit, { outputRoot: posted.of(unit), innerRoot: traces.get(unit) }, options);
    for (const piece of shown) if (piece.answer === unit) attempt(() => found.add(piece));
    const evidence = await found.evidence(options);
    if (!evidence) return { kind: 'demand', places: found.next(limits), why: `Unit ${unit} is false: ${what}.` };
    const { where, ...rest } = evidence;
    return { kind: 'prove-unit', unit, opening: openUnit(plan, posted, unit, rest.reads), ...rest, why: `Unit ${unit} is false: ${what}, in ${where}.` };
  }

  /** Where every unit is right. */
  private async outcomeMove(registered: RegisteredOutcome, options: ReplayOptions): Promise<RunMove | undefined> {
    const other = await this.otherwise(registered, options);
    if (!other) return undefined;
    const outcome = await this.outcome(options);
    const words = `All units made the same here, but they do not come to ${other}`;
    if (outcome.programHash === registered.programHash) return { kind: 'other-outcome', why: `${words}.` };
    let published: ProgramConstants | undefined;
    try {
      published = await registered.published(options);
    } catch (error) {
      if (error instanceof OpenLedgerError && error.code === 'cancelled') throw error;
    }
    if (published?.programHash !== registered.programHash) return { kind: 'other-outcome', why: `${words}, and the constants of the registered program cannot be had.` };
    const found = await outcomeEvidence(this.run, outcome, published);
    if (!found) return { kind: 'other-outcome', why: `${words}: it differs in what no run makes.` };
    const [own, plan] = [await this.outputs(options), await this.plan(options)];
    return { kind: 'prove-outcome', opening: openAlone(plan, own, own.count - 1), outcome: found.evidence, why: `All units made the same here, but the registered program has something else in ${found.where}.` };
  }

  /** A unit of the run as it is here, and its trace. Throws RangeError for unit 0, which has none. */
  async unit(unit: number, options: ReplayOptions = {}): Promise<TracedUnit> {
    const parts = await this.parts(unit, options);
    return { parts, trace: await this.run.tracer.trace(parts.kind, parts.inputs, parts.sources, { ...options, judging: true }) };
  }

  private async parts(unit: number, options: ReplayOptions): Promise<UnitParts> {
    const { plan, replay } = this.run;
    const kind = plan.program(unit);
    if (!kind) throw new RangeError('the initial state has no trace');
    const sources = plan.sources(unit);
    const { broken } = await this.judged(options);
    const made = await replay.outputsOf(sources.filter((source) => !broken?.made.has(source)), options);
    return { unit, kind, inputs: plan.inputs(unit), sources: sources.map((source) => (broken?.made.get(source) ?? made.get(source))!) };
  }

  private judged(options: ReplayOptions): Promise<JudgedOutputs> {
    this.own ??= judgeOutputs(this.run, options).catch((error: unknown) => {
      this.own = undefined;
      throw error;
    });
    return this.own;
  }

  /** One unit is in dispute at a time. */
  private async case(unit: number, claimed: ClaimedUnit, options: ReplayOptions): Promise<UnitCase> {
    const key = `${unit} ${claimed.innerRoot} ${claimed.outputRoot}`;
    if (this.open?.key !== key) this.open = { key, unit: new UnitCase(this.run.tracer, await this.traced(unit, options), claimed) };
    return this.open.unit;
  }

  /** It is traced once. */
  private async traced(unit: number, options: ReplayOptions): Promise<TracedUnit> {
    if (this.last?.parts.unit !== unit) this.last = await this.unit(unit, options);
    return this.last;
  }
}

/** What does not stand under a root that is in dispute says nothing about it. */
function attempt(add: () => void): void {
  try {
    add();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}
