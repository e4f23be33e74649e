/** False units between the gradients of a small run and its ledger, found as a challenger finds them, and the steps that show it. For tests. */
import { randomWord } from '../../src/arithmetic/random.ts';
import { OpenLedgerError } from '../../src/errors.ts';
import type { Space } from '../../src/attribution/trace/instruction.ts';
import type { Matrix } from '../../src/attribution/trace/run.ts';
import { buildTextStep } from '../../src/attribution/trace/step.ts';
import { Texts } from '../../src/attribution/trace/texts.ts';
import { TraceTree, leafValues } from '../../src/attribution/trace/tree.ts';
import { unitInputsBytes, unitInputsHash } from '../../src/attribution/trace/unit.ts';
import { RunExaminer } from '../../src/attribution/runs/examine.ts';
import { type OpenRun, openSubject } from '../../src/attribution/runs/run-of-adapter.ts';
import type { OutputRoots } from '../../src/attribution/runs/statement.ts';
import { FalseMaker } from '../../src/attribution/runs/testing/false-maker.ts';
import { type SmallRunOptions, smallRun } from '../../src/attribution/runs/testing/small-run.ts';
import { UnitCase, type UnitShown } from '../../src/attribution/runs/unit-case.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import type { Sequence } from '../../src/model/batch.ts';
import type { Hex } from '../../src/protocol/bytes.ts';
import { wentOn } from './ledger-claims.ts';
import type { UnitQuestion } from './scratch-referee.ts';

/** One flipped bit in any matrix of a unit of these kinds; what follows in the unit, and in the matrix, is computed from it. */
const KINDS = {
  'scale of a number': /^(squares|scale)\b/,
  'record’s row': /^(rows|reading|rest|turned)\b/,
  'Gram entry': /^(damped|gram)\b/,
  factor: /^(pivot|tile)\b/,
  solve: /^(tile|back)\b/,
  noise: /^(chance|products|noise)\b/,
  'ledger’s number': /^(ledger|outcome)\b/,
} as const;
export type LedgerFault = keyof typeof KINDS;
export const LEDGER_FAULTS = Object.keys(KINDS) as LedgerFault[];

/** Rounds of demands that a challenger makes at most. */
const ROUNDS = 6;
const NOTHING: Hex = `0x${'00'.repeat(32)}`;

export interface PlantedLedgerFault {
  where: string;
  /** Whether what shows it is the very element that was changed. */
  inPlace: boolean;
  question: UnitQuestion;
  /** The same element of the right unit. */
  honest: UnitQuestion;
}

/** Small runs: two panels of the curvature; two panels of records and three checkpoints; an adapter that is laid end to end. */
export const LEDGER_RUNS: readonly [string, SmallRunOptions, records: number][] = [
  ['two panels of draws', { recipe: { epochs: 1, batch: 8, rank: 8 }, settings: { draws: 4, dimension: 640 } }, 40],
  ['two panels of records, three checkpoints', { recipe: { epochs: 3, batch: 16 }, settings: { checkpoints: 3, dimension: 128 } }, 70],
  ['an adapter laid end to end', { recipe: { epochs: 1 }, settings: { dimension: 4096 } }, 5],
];

export class FaultyLedgers {
  private readonly run: OpenRun;
  private readonly own: OutputRoots;
  private readonly examiner: RunExaminer;
  private readonly stream: number;
  private drawn = 0;

  private constructor(run: OpenRun, examiner: RunExaminer, own: OutputRoots, stream: number) {
    this.run = run;
    this.examiner = examiner;
    this.own = own;
    this.stream = stream;
  }

  static async of([, options, count]: (typeof LEDGER_RUNS)[number], stream: number): Promise<FaultyLedgers> {
    const backend = await createCpuBackend();
    const records = Array.from({ length: count }, (_, k): Sequence[] => [{ ids: Array.from({ length: 3 + (k % 3) }, (_id, at) => randomWord(9 + stream, k, at) % 40), start: 1 + (k % 2) }]);
    const { model, plan: { subject } } = smallRun(backend, { ...options, records });
    const run = await openSubject(model, subject, backend);
    const examiner = new RunExaminer(run);
    return new FaultyLedgers(run, examiner, await examiner.outputs(), stream);
  }

  /** Undefined where the run has no such unit, or what follows from the bit leaves RF32's range: nobody would go on from that. */
  async plant(fault: LedgerFault): Promise<PlantedLedgerFault | undefined> {
    const { plan, tracer } = this.run;
    const units = Array.from({ length: plan.count - plan.ledger.first }, (_, k) => plan.ledger.first + k).filter((at) => KINDS[fault].test(plan.program(at)!));
    if (!units.length) return undefined;
    const unit = units[this.below(units.length)]!;
    const kind = plan.program(unit)!;
    const { instructions } = tracer.program(kind);
    const index = this.below(instructions.length);
    const { parts, trace } = await this.examiner.unit(unit);
    const matrices = await tracer.matrices(kind, parts.inputs, parts.sources, [...instructions.keys()]);
    const { columns, values } = matrices.get(index)!;
    const [place, bit] = [this.below(values.length), this.below(32)];
    const instruction = instructions[index]!;
    const readsItself = instruction.inputs.some((source) => source.space === 'trace' && source.index === index);
    const maker = await this.maker(unit, (at, matrix) => {
      if (at !== index) return;
      new Uint32Array(matrix.values.buffer, matrix.values.byteOffset)[place]! ^= 2 ** bit;
      const read = (space: Space, which: number) => (space !== 'trace' ? parts.sources[space as number]![which]! : which === index ? undefined : matrices.get(which)!);
      if (readsItself) matrix.values.set(wentOn(instruction, new Texts(parts.inputs, 0), read, matrix, place, matrix.values[place]!).values);
    });
    if (!maker) return undefined;
    const where = `${plan.describe(unit)}: ${instruction.op} ${instruction.name} [${Math.floor(place / columns)},${place % columns}] bit ${bit}`;
    const { step, shape, reads } = await this.search(unit, maker, where);
    const sources = new Set(reads);
    const question = (claimed: FalseMaker['trace'], one: UnitQuestion['step']): UnitQuestion => ({
      unit: {
        programHash: tracer.programHash(kind), inputsHash: unitInputsHash(parts.inputs), outputRoot: claimed.outputRoot,
        // As a challenger shows them: what the step does not read stands under no root.
        sourceRoots: plan.sources(unit).map((source, k) => (sources.has(k) ? this.own.of(source) : NOTHING)),
      },
      shape, innerRoot: claimed.innerRoot, step: one,
    });
    return {
      where, inPlace: step.index === index && step.row === Math.floor(place / columns) && step.column === place % columns,
      question: question(maker.trace, step),
      honest: question({ innerRoot: trace.inner.root, outputRoot: trace.outputs.root }, await this.honestStep(unit, matrices, step)),
    };
  }

  private async maker(unit: number, change: (index: number, matrix: Matrix) => void): Promise<FalseMaker | undefined> {
    try {
      return await FalseMaker.of(this.run, this.own, unit, { change });
    } catch (error) {
      if (error instanceof OpenLedgerError && error.code === 'rf32/out-of-range') return undefined;
      throw error;
    }
  }

  /** Asks the maker as a challenger does, until there is evidence. */
  private async search(unit: number, maker: FalseMaker, where: string) {
    const { tracer } = this.run;
    const found = new UnitCase(tracer, await this.examiner.unit(unit), maker.trace);
    for (let round = 0; round < ROUNDS; round++) {
      const evidence = await found.evidence();
      if (evidence) return evidence;
      for (const asked of found.next()) found.add({ ...asked, ...maker.shown(asked) } as UnitShown);
    }
    throw new Error(`not found: ${where}`);
  }

  /** The same element as it is. */
  private async honestStep(unit: number, matrices: ReadonlyMap<number, Matrix>, { index, row, column }: UnitQuestion['step']): Promise<UnitQuestion['step']> {
    const { tracer } = this.run;
    const { parts: { kind, inputs, sources }, trace } = await this.examiner.unit(unit);
    const { program, constants } = tracer.of(kind);
    const first = tracer.firstOutput(kind);
    const fixed = new Map<number, Matrix>();
    for (const { space, index: at } of program.instructions[index]!.inputs) if (space === 'constant') fixed.set(at, await constants.values.matrix(at));
    const trees = sources.map((made) => TraceTree.of(made));
    return buildTextStep({
      program, texts: new Texts(inputs, program.window), inputs: unitInputsBytes(inputs), constantsRoot: constants.tree.root,
      valuesOf: (space, tensor, leaf) => leafValues(space === 'trace' ? matrices.get(tensor)! : space === 'constant' ? fixed.get(tensor)! : sources[space]![tensor]!, leaf).values,
      proof: (space, tensor, leaf) => {
        if (space !== 'trace') return (space === 'constant' ? constants.tree : trees[space]!).proof(tensor, leaf);
        return tensor < first ? trace.inner.proof(tensor, leaf) : trace.outputs.proof(tensor - first, leaf);
      },
    }, index, row, column);
  }

  below(end: number): number {
    return randomWord(79, this.stream, this.drawn++) % end;
  }
}
