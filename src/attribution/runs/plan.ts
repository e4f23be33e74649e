import { OpenLedgerError } from '../../errors.ts';
import type { Sequence } from '../../model/batch.ts';
import type { ModelConfig } from '../../model/config.ts';
import { adaptedLayers, linearShape } from '../../model/lora.ts';
import { ADAMW, stepRate } from '../../model/optimizer.ts';
import { DEFAULT_ACCUMULATE, type TrainRecipe, checkRecipe, stepCount } from '../../model/recipe.ts';
import { recordWeight } from '../../model/record-loss.ts';
import { fedTokens, stepParts, stepRecords } from '../../model/train.ts';
import { type Hex, concat, fromHex, uint256Bytes } from '../../protocol/bytes.ts';
import { leafHash } from '../../protocol/merkle.ts';
import { type CurvatureSettings, checkpointSteps, runPace } from '../curvature/settings.ts';
import { labelPlans } from '../curvature/curvature-ledger.ts';
import type { LabelPlan } from '../curvature/ledger-passes.ts';
import { drawnUniforms, labelWeight, predictedTokens } from '../record-gradients.ts';
import { type UnitKind, partKind } from '../trace/unit-program.ts';
import { type LedgerOptions, MOST_ROWS } from '../trace/unit-tracer.ts';
import { MOST_SOURCES, type Text, type UnitInputs, unitInputsHash } from '../trace/unit.ts';
import { sketchPlan } from '../../kernels/sketch/plan.ts';
import { sketchStream } from '../trace/sketch-tables.ts';
import { LedgerPlan, type LedgerPlace } from './ledger-plan.ts';

/** What decides a run: who knows these knows all that follows. */
export interface RunSubject {
  config: ModelConfig;
  recipe: TrainRecipe;
  /** Of the ledger. */
  settings: CurvatureSettings;
  /** The sequences of each record that was trained, copies left out, in the order of the Datanet version. */
  records: readonly (readonly Sequence[])[];
}

export type UnitPlace =
  | { kind: 'given' }
  /** Both from 0; `parts` of this step. */
  | { kind: 'part'; step: number; part: number; parts: number }
  /** `at`: which of the checkpoints; `labels`: which of the plan's `labels`; `record`: its number among those trained. */
  | { kind: 'gradient'; at: number; labels: number; record: number }
  | { kind: 'after'; place: LedgerPlace };

/** More are refused before anything is listed: a list of their roots would have 32 MiB. */
const MOST_UNITS = 2 ** 20;

/** Numbers of a tensor that one slot of its sketch may add: a proof opens 64 leaves, some of which hold the tables and what was there. */
const MOST_MEMBERS = 58;

/** What the answers' program is written for here: tables of any length give the same outcome. */
const POSITIONS = 1024;

/** The units of a run, in order: the initial state, the parts of every step, the gradients of the ledger, what follows from them. docs/runs.md. */
export class RunPlan {
  readonly subject: RunSubject;
  /** Factors of the adapter in ledger order, each layer's A, then its B. A state is the first moments of all, then the second, then the factors. */
  readonly tensors: readonly { name: `${string}.lora_${'A' | 'B'}`; layer: string; factor: 'A' | 'B'; rows: number; columns: number }[];
  readonly steps: number;
  /** After so many steps is each checkpoint. */
  readonly checkpoints: readonly number[];
  readonly labels: readonly LabelPlan[];
  /** Units after the gradients. */
  readonly ledger: LedgerPlan;
  /** Beside model and adapter what decides the programs of those. */
  readonly ledgerOptions: LedgerOptions;
  /** Units in all. */
  readonly count: number;
  /** The first unit of each step, and the first gradient. */
  private readonly starts: number[];
  private readonly perCheckpoint: number;

  /** Throws `train/bad-recipe`; `run/too-long` where there are more units than a statement can name here, `run/part-too-long`. */
  constructor(subject: RunSubject) {
    const { config, recipe, settings, records } = subject;
    checkRecipe(recipe);
    this.subject = subject;
    this.tensors = adaptedLayers(config, recipe).flatMap(({ name, target, rank }) => {
      const [output, input] = linearShape(config, target);
      return [
        { name: `${name}.lora_A` as const, layer: name, factor: 'A' as const, rows: rank, columns: input },
        { name: `${name}.lora_B` as const, layer: name, factor: 'B' as const, rows: output, columns: rank },
      ];
    });
    this.steps = stepCount(recipe, records.length);
    this.checkpoints = checkpointSteps(this.steps, settings.checkpoints);
    this.labels = labelPlans(records.length, settings);
    this.perCheckpoint = this.labels.reduce((sum, { which }) => sum + which.length, 0);
    // Every step has a part at least.
    if (this.steps + this.checkpoints.length * this.perCheckpoint >= MOST_UNITS) throw tooLong();
    this.starts = [1];
    const parts = new Map<number, number>();
    for (let step = 0; step < this.steps; step++) {
      const chosen = Math.min(recipe.batch, records.length - (step % Math.ceil(records.length / recipe.batch)) * recipe.batch);
      if (!parts.has(chosen)) parts.set(chosen, stepParts(recipe, new Array<number>(chosen)).length);
      this.starts.push(this.starts[step]! + parts.get(chosen)!);
    }
    const gradients = this.starts[this.steps]!;
    this.ledgerOptions = { settings, pace: runPace(recipe, records.length), checkpoints: this.checkpoints.length, records: records.length };
    const layers = adaptedLayers(config, recipe).map(({ name, target, rank, scale }) => {
      const [output, input] = linearShape(config, target);
      return { name, rank, input, output, scale };
    });
    this.ledger = new LedgerPlan({ config, positions: (config.window ?? 0) + POSITIONS, layers, ...this.ledgerOptions }, {
      gradient: (at, labels, row) => this.gradientUnit(at, labels, row), state: (at) => this.stateUnit(this.checkpoints[at]!),
    }, gradients + this.checkpoints.length * this.perCheckpoint);
    this.count = this.ledger.first + this.ledger.count;
    // The last unit reads the most.
    if (this.count >= MOST_UNITS || this.ledger.sources(this.count - 1).length > MOST_SOURCES) throw tooLong();
    this.requireParts();
    this.requireSketches();
  }

  /** Units that the referee cannot judge would stand whatever they made. */
  private requireParts(): void {
    const { recipe, records } = this.subject;
    const fed = records.map(fedTokens);
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
    const most = Math.ceil(Math.min(recipe.batch, records.length) / (recipe.accumulate ?? DEFAULT_ACCUMULATE));
    // Where even the longest records together fit, every part does.
    if (sum([...fed].sort((a, b) => b - a).slice(0, Math.max(1, most))) <= MOST_ROWS) return;
    for (let step = 0; step < this.steps; step++) {
      for (const part of stepParts(recipe, stepRecords(recipe, records.length, step))) requireRows(sum(part.map((k) => fed[k]!)), `A part of step ${step + 1}`);
    }
    fed.forEach((rows, k) => requireRows(rows, `Trained record ${k + 1}`));
  }

  /** A slot of a sketch reads its members one by one, each perhaps from a leaf of its own. */
  private requireSketches(): void {
    const { tensors, width, seed, checkpoints } = this.ledger.sizes;
    if (tensors.reduce((sum, { values }) => sum + values, 0) <= width) return;
    for (const [stream, { name, values }] of tensors.entries()) {
      // So few on average never come to so many.
      if (values <= (MOST_MEMBERS / 8) * width) continue;
      for (let at = 0; at < checkpoints; at++) {
        const { starts } = sketchPlan(seed, sketchStream(at, stream), values, width);
        const most = starts.reduce((found, start, j) => Math.max(found, j ? start - starts[j - 1]! : 0), 0);
        if (most > MOST_MEMBERS) throw sketchTooLarge(name, most);
      }
    }
  }

  place(unit: number): UnitPlace {
    if (unit === 0) return { kind: 'given' };
    const gradients = this.starts[this.steps]!;
    if (unit < gradients) {
      let [low, high] = [0, this.steps];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (this.starts[middle]! <= unit) low = middle;
        else high = middle;
      }
      return { kind: 'part', step: low, part: unit - this.starts[low]!, parts: this.starts[low + 1]! - this.starts[low]! };
    }
    if (!(unit < this.count)) throw new RangeError(`no unit ${unit} of ${this.count}`);
    if (unit >= this.ledger.first) return { kind: 'after', place: this.ledger.place(unit) };
    const { at, plan, row } = this.gradientPlace(unit);
    return { kind: 'gradient', at, labels: plan, record: this.labels[plan]!.which[row]! };
  }

  /** Of a gradient: its checkpoint, its plan of labels, and which of that plan's records. */
  gradientPlace(unit: number): { at: number; plan: number; row: number } {
    const at = Math.floor((unit - this.firstGradient) / this.perCheckpoint);
    let row = (unit - this.firstGradient) % this.perCheckpoint;
    for (const [plan, { which }] of this.labels.entries()) {
      if (row < which.length) return { at, plan, row };
      row -= which.length;
    }
    throw new RangeError(`no gradient ${unit}`);
  }

  partUnit(step: number, part: number): number {
    return this.starts[step]! + part;
  }

  /** The unit that makes the state after so many steps. */
  stateUnit(steps: number): number {
    return this.starts[steps]! - 1;
  }

  /** The first unit of the ledger's gradients. */
  get firstGradient(): number {
    return this.starts[this.steps]!;
  }

  /** The unit of the `row`th record of a plan of labels at a checkpoint. */
  gradientUnit(at: number, labels: number, row: number): number {
    const before = this.labels.slice(0, labels).reduce((sum, { which }) => sum + which.length, 0);
    return this.starts[this.steps]! + at * this.perCheckpoint + before + row;
  }

  /** Undefined for the initial state, which follows no program. */
  program(unit: number): UnitKind | undefined {
    const place = this.place(unit);
    switch (place.kind) {
      case 'given': return undefined;
      case 'part': return partKind(place.part, place.parts);
      case 'after': return this.ledger.program(unit);
      default: return this.labels[place.labels]!.labels === 'own' ? 'own' : 'drawn';
    }
  }

  /** Earlier units whose outputs it reads. */
  sources(unit: number): number[] {
    const place = this.place(unit);
    switch (place.kind) {
      case 'given': return [];
      case 'part': return [this.stateUnit(place.step), ...(place.part ? [unit - 1] : [])];
      case 'after': return this.ledger.sources(unit);
      default: return [this.stateUnit(this.checkpoints[place.at]!)];
    }
  }

  /** Matrices that it makes, by shape. */
  outputs(unit: number): { rows: number; columns: number }[] {
    const place = this.place(unit);
    if (place.kind === 'after') return this.ledger.outputs(unit);
    const state = place.kind === 'given' || (place.kind === 'part' && place.part === place.parts - 1);
    const shapes = this.tensors.map(({ rows, columns }) => ({ rows, columns }));
    return state ? [...shapes, ...shapes, ...shapes] : shapes;
  }

  /** What it is fed; nothing for the initial state. */
  inputs(unit: number): UnitInputs {
    const { recipe, records } = this.subject;
    const place = this.place(unit);
    if (place.kind === 'given') return { texts: [], scalars: [] };
    if (place.kind === 'after') return this.ledger.inputs(unit);
    if (place.kind === 'gradient') {
      const record = records[place.record]!;
      const { labels } = this.labels[place.labels]!;
      return {
        texts: record.map((_, at) => text(record, at, labelWeight(record, at, labels))),
        scalars: labels === 'own' ? [] : drawnUniforms(labels, place.record, predictedTokens(record)).map(Math.fround),
      };
    }
    const chosen = stepRecords(recipe, records.length, place.step);
    const part = stepParts(recipe, chosen)[place.part]!.map((k) => records[k]!);
    return {
      texts: part.flatMap((record) => record.map((_, at) => text(record, at, Math.fround(recordWeight(record, at) / chosen.length)))),
      scalars: place.part === place.parts - 1 ? this.scalars(place.step) : [],
    };
  }

  /** Rate and corrections of a step, as AdamW (model/optimizer.ts) has them. */
  private scalars(step: number): number[] {
    const { recipe } = this.subject;
    let [power1, power2] = [1, 1];
    for (let t = 0; t <= step; t++) {
      power1 *= ADAMW.beta1;
      power2 *= ADAMW.beta2;
    }
    return [stepRate(recipe, step, this.steps), 1 / (1 - power1), 1 / (1 - power2)].map(Math.fround);
  }

  /** For people. */
  describe(unit: number): string {
    const place = this.place(unit);
    switch (place.kind) {
      case 'given': return 'the initial state';
      case 'part': return `step ${place.step + 1} of ${this.steps}, part ${place.part + 1} of ${place.parts}`;
      case 'after': return this.ledger.describe(unit);
      default: {
        const { labels } = this.labels[place.labels]!;
        return `gradient of trained record ${place.record + 1} after step ${this.checkpoints[place.at]}, ${labels === 'own' ? 'own labels' : `draw ${labels.draw}`}`;
      }
    }
  }
}

const text = (record: readonly Sequence[], at: number, weight: number): Text => ({ tokens: record[at]!.ids, answer: record[at]!.ids.length - record[at]!.start, weight });

const NO_PROGRAM: Hex = `0x${'0'.repeat(64)}`;

/** What the plan's tree has of a unit: keccak256(0x00 ‖ abi.encode(bytes32 program hash, bytes32 inputs hash, uint256[] sources)). */
export function planLeaf({ programHash, inputsHash, sources }: PlannedUnit): Uint8Array {
  return leafHash(concat(fromHex(programHash), fromHex(inputsHash), uint256Bytes(96), uint256Bytes(sources.length), ...sources.map(uint256Bytes)));
}

export interface PlannedUnit {
  /** 0 for the initial state: its inputs hash is the root of its outputs. */
  programHash: Hex;
  inputsHash: Hex;
  sources: number[];
}

/** A unit as the plan's tree has it. `initialRoot`: of the initial state's outputs. */
export function plannedUnit(plan: RunPlan, unit: number, programHash: (kind: UnitKind) => Hex, initialRoot: Hex): PlannedUnit {
  const kind = plan.program(unit);
  return kind
    ? { programHash: programHash(kind), inputsHash: unitInputsHash(plan.inputs(unit)), sources: plan.sources(unit) }
    : { programHash: NO_PROGRAM, inputsHash: initialRoot, sources: [] };
}

function requireRows(rows: number, what: string): void {
  if (rows <= MOST_ROWS) return;
  throw new OpenLedgerError({
    code: 'run/part-too-long', what: 'This run cannot be vouched for: no proof on chain could judge all of it.', why: `${what} has ${rows} tokens; up to ${MOST_ROWS} can be judged.`,
    next: 'Train in more parts to a step (accumulate), or with shorter records.',
  });
}

function sketchTooLarge(name: string, members: number): OpenLedgerError {
  return new OpenLedgerError({
    code: 'run/adapter-too-large', what: 'This run cannot be vouched for: no proof on chain could judge all of it.', why: `A number of a ledger’s row adds ${members} numbers of ${name}; up to ${MOST_MEMBERS} can be judged.`,
    next: 'Train an adapter of lower rank, or with a ledger of greater dimension.',
  });
}

function tooLong(): OpenLedgerError {
  return new OpenLedgerError({
    code: 'run/too-long', what: 'This run has too many steps and records to be vouched for.', why: `Its parts, gradients and what follows from them are more than ${MOST_UNITS} units, or one of them reads more than ${MOST_SOURCES} others.`,
    next: 'Use fewer epochs, larger batches, or fewer records.',
  });
}
