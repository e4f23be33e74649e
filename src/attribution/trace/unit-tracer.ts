import { OpenLedgerError } from '../../errors.ts';
import type { Backend } from '../../kernels/backend.ts';
import type { Lora } from '../../model/lora.ts';
import type { Model } from '../../model/model.ts';
import { type Hex, toHex } from '../../protocol/bytes.ts';
import { merkleProof } from '../../protocol/merkle.ts';
import { LoadedConstants, constantsTree } from './constants.ts';
import type { TraceMatrix } from './evidence.ts';
import { type Space, instructionBytes, instructionLeaves, sizeOf } from './instruction.ts';
import type { LeafPlace } from './leaf-search.ts';
import { ledgerProgram } from './ledger-programs.ts';
import { type LedgerSubject, ledgerSizes } from './ledger-sizes.ts';
import { layersOf } from './program.ts';
import { type Constants, type Matrix, type RunOptions, runTexts } from './run.ts';
import { SketchTables } from './sketch-tables.ts';
import { type Difference, type Opening, type Step, buildTextStep, differenceIn, firstFalse, headerOf } from './step.ts';
import { Texts } from './texts.ts';
import { type TraceOptions, unclaimable } from './tracer.ts';
import { type Tensor, TraceTree, cutOf, floatBytes, leafHashes, leafValues, tensorOf } from './tree.ts';
import { type UnitInputs, type UnitShape, unitInputsBytes, unitProgramHash } from './unit.ts';
import { type UnitKind, type UnitProgram, type UnitSubject, isGradientKind, unitProgram } from './unit-program.ts';

/** Proofs under one root of matrices; a TraceTree is one. */
export interface TreeProofs {
  proof(tensor: number, leaf: number): Hex[];
}

/** A unit's trace. Instruction k of n + outputs stands in `inner` for k < n, else in `outputs`, as its tensor k − n. */
export interface UnitTrace {
  inner: TraceTree;
  outputs: TraceTree;
  /** The matrices that the unit makes. */
  made: Matrix[];
  /** Whether all that it comes to are numbers. */
  numbers: boolean;
}

/** Arguments of isFalseUnit in contracts/src/interfaces/IUnitReferee.sol. */
export interface UnitEvidence {
  step: Step;
  shape: UnitShape;
  /** Numbers of the sources that the step reads, ascending: only their roots need to be proved. */
  reads: number[];
}

/** Matrices of the units that one reads, in the order in which they are made. */
export type UnitSources = readonly (readonly Matrix[])[];

/** Rows of one unit: the referee takes 64 leaves for one sum over all of them. */
export const MOST_ROWS = 2048;

/** Throws `trace/bad-unit`, `trace/unit-too-large`. `positions`: those that there are rotary tables for. */
export function requireUnit({ texts }: UnitInputs, positions: number): void {
  const refuse = (code: 'trace/bad-unit' | 'trace/unit-too-large', why: string) =>
    new OpenLedgerError({ code, what: 'This step of the run cannot be checked on chain.', why, next: 'Have it checked by making the run again.' });
  for (const { tokens, answer } of texts) {
    if (!(Number.isInteger(answer) && answer >= 1 && answer < tokens.length)) throw refuse('trace/bad-unit', `A text of ${tokens.length} tokens cannot have ${answer} of them predicted.`);
  }
  const rows = texts.reduce((sum, { tokens }) => sum + tokens.length - 1, 0);
  if (rows < 1) throw refuse('trace/bad-unit', 'It has no text.');
  if (rows > MOST_ROWS) throw refuse('trace/unit-too-large', `Its texts have ${rows} tokens; up to ${MOST_ROWS} can be.`);
  const longest = texts.reduce((most, { tokens }) => Math.max(most, tokens.length - 1), 0);
  if (longest > positions) throw refuse('trace/unit-too-large', `One of its texts has ${longest} tokens; there are tables for ${positions}.`);
}

/** Constants that many programs share, and their tree. */
export interface UnitConstants {
  values: Constants;
  tree: TraceTree;
}

/** What a unit of some kind follows. */
export interface UnitMeaning {
  program: UnitProgram;
  /** What the plan of a run names. */
  hash: Hex;
  constants: UnitConstants;
}

/** What decides the programs after the gradients, beside model and adapter. */
export type LedgerOptions = Omit<LedgerSubject, keyof UnitSubject>;

/** Traces of a run's units: what each commits to, and where one goes wrong. */
export class UnitTracer {
  readonly subject: UnitSubject;
  private readonly backend: Backend;
  /** Weights and tables of the base: the same for every unit up to the gradients. */
  private readonly base: UnitConstants;
  /** Tables of the sketch: the same for every unit after them. */
  private readonly ledger: (UnitConstants & { subject: LedgerSubject; tables: SketchTables }) | undefined;
  private readonly origins: string;
  private readonly known = new Map<UnitKind, UnitMeaning>();

  private constructor(backend: Backend, subject: UnitSubject, program: ReturnType<typeof unitProgram>, base: UnitConstants, ledger: UnitTracer['ledger']) {
    this.backend = backend;
    this.subject = subject;
    this.base = base;
    this.ledger = ledger;
    this.origins = JSON.stringify(program.origins);
    this.add(program, base);
  }

  /** `backend` multiplies; the model may be on another. Of `lora` only the shapes count. Without `ledger` there are no units after the gradients. Throws `cancelled`. */
  static async of(backend: Backend, model: Model, lora: Lora, { signal, ledger }: TraceOptions & { ledger?: LedgerOptions | undefined } = {}): Promise<UnitTracer> {
    const subject = { config: model.config, positions: model.positions, layers: layersOf(lora) };
    const program = unitProgram(subject, 'own');
    const values = new LoadedConstants(program, model);
    const base = { values, tree: await values.tree(signal) };
    if (!ledger) return new UnitTracer(backend, subject, program, base, undefined);
    const whole: LedgerSubject = { ...subject, ...ledger };
    const tables = new SketchTables(ledgerSizes(whole));
    return new UnitTracer(backend, subject, program, base, { subject: whole, tables, values: tables, tree: await constantsTree(tables, tables.shapes.length, signal) });
  }

  /** Throws RangeError for a kind that there is not. */
  of(kind: UnitKind): UnitMeaning {
    const known = this.known.get(kind);
    if (known) return known;
    if (!isGradientKind(kind)) {
      if (!this.ledger) throw new RangeError(`no ledger, so no unit ${kind}`);
      const { subject, tables } = this.ledger;
      return this.add(ledgerProgram(subject, kind, tables.shapes), this.ledger);
    }
    const program = unitProgram(this.subject, kind);
    // All kinds pass the model forward and back, so they read the same weights in the same order.
    if (JSON.stringify(program.origins) !== this.origins) throw new RangeError('units of one run with other constants');
    return this.add(program, this.base);
  }

  program(kind: UnitKind): UnitProgram {
    return this.of(kind).program;
  }

  programHash(kind: UnitKind): Hex {
    return this.of(kind).hash;
  }

  /** Sizes of all matrices, the outputs last. */
  shapes(kind: UnitKind, inputs: UnitInputs): { rows: number; columns: number }[] {
    const texts = this.texts(inputs);
    return this.program(kind).instructions.map(({ rows, columns }) => ({ rows: sizeOf(rows, texts), columns: sizeOf(columns, texts) }));
  }

  /** What a unit makes. Throws as `trace`. */
  async make(kind: UnitKind, inputs: UnitInputs, sources: UnitSources, options: TraceOptions = {}): Promise<Matrix[]> {
    return (await this.run(kind, inputs, sources, options)).slice(this.firstOutput(kind)) as Matrix[];
  }

  /**
   * Computes a unit. `judging`: as of Tracer.trace, nothing ends where no number comes out. Throws `trace/bad-unit`, `trace/unit-too-large`,
   * `cancelled`, and without `judging` `rf32/out-of-range`.
   */
  async trace(kind: UnitKind, inputs: UnitInputs, sources: UnitSources, { judging = false, ...options }: TraceOptions & { judging?: boolean } = {}): Promise<UnitTrace> {
    let numbers = true;
    const first = this.firstOutput(kind);
    const tensors: Tensor[] = [];
    const made: Matrix[] = [];
    await this.run(kind, inputs, sources, {
      ...options,
      anyRange: judging,
      onMatrix: (index, matrix) => {
        const leaves = leafHashes(matrix);
        if (judging && unclaimable(matrix, leaves)) numbers = false;
        tensors.push(tensorOf(matrix.rows, matrix.columns, leaves));
        if (index >= first) made.push(matrix);
        return true;
      },
    });
    return { inner: new TraceTree(tensors.slice(0, first)), outputs: new TraceTree(tensors.slice(first)), made, numbers };
  }

  /**
   * The first leaf in which a claimed unit is not what is computed here; `instruction` counts over inner matrices and outputs.
   * Without outputs only the inner ones are compared. Undefined where all are right.
   */
  async firstDifference(kind: UnitKind, inputs: UnitInputs, sources: UnitSources, claimed: { inner: TraceTree; outputs?: TraceTree | undefined }, options: TraceOptions = {}): Promise<Difference | undefined> {
    const first = this.firstOutput(kind);
    let found: Difference | undefined;
    await this.run(kind, inputs, sources, {
      ...options,
      onMatrix: (index, matrix) => {
        if (index >= first && !claimed.outputs) return false;
        const place = index < first ? differenceIn(claimed.inner, index, leafHashes(matrix)) : differenceIn(claimed.outputs!, index - first, leafHashes(matrix));
        found = place && { ...place, instruction: index };
        return !found;
      },
    });
    return found;
  }

  /** The matrices of some instructions, computed again. Ends after the last of them. */
  async matrices(kind: UnitKind, inputs: UnitInputs, sources: UnitSources, which: readonly number[], options: TraceOptions = {}): Promise<Map<number, Matrix>> {
    const wanted = new Set(which);
    const found = new Map<number, Matrix>();
    await this.run(kind, inputs, sources, {
      ...options,
      anyRange: true,
      onMatrix: (index, matrix) => {
        if (wanted.has(index)) found.set(index, matrix);
        return found.size < wanted.size;
      },
    });
    return found;
  }

  /**
   * What shows that a claimed leaf does not follow from what stands before it; everything before it and all sources must agree
   * with what is claimed. `claimed` gives proofs under the claimed roots, `values` are the leaf's as claimed. Undefined where the
   * leaf is as computed here. Throws `cancelled`, RangeError for a place that is not there.
   */
  async evidence(
    kind: UnitKind, inputs: UnitInputs, sources: UnitSources, claimed: { inner: TreeProofs; outputs: TreeProofs; sources: readonly TreeProofs[] }, { index, leaf }: LeafPlace, values: Float32Array, options: TraceOptions = {},
  ): Promise<UnitEvidence | undefined> {
    const { program, constants: { values: given, tree } } = this.of(kind);
    const instruction = program.instructions[index];
    if (!instruction) throw new RangeError(`no instruction ${index}`);
    const own = instruction.inputs.filter(({ space }) => space === 'trace').map((source) => source.index);
    const matrices = await this.matrices(kind, inputs, sources, [...own, index], options);
    const right = matrices.get(index)!;
    if (!(leaf >= 0 && leaf < cutOf(right.rows, right.columns).count)) throw new RangeError(`no leaf ${leaf} of instruction ${index}`);
    if (values.length !== leafValues(right, leaf).values.length) throw new RangeError(`leaf ${leaf} has not ${values.length} values`);
    const place = firstFalse(right, leaf, values, instruction.op);
    if (!place) return undefined;
    const constants = new Map<number, Matrix>();
    for (const { space, index: at } of instruction.inputs) if (space === 'constant') constants.set(at, await given.matrix(at));
    const matrixOf = (space: Space, at: number) => (space === 'trace' ? matrices.get(at)! : space === 'constant' ? constants.get(at)! : sources[space]![at]!);
    const first = this.firstOutput(kind);
    const step = buildTextStep({
      program, texts: this.texts(inputs), inputs: unitInputsBytes(inputs), constantsRoot: tree.root,
      valuesOf: (space, at, part) => (space === 'trace' && at === index && part === leaf ? values : leafValues(matrixOf(space, at), part).values),
      proof: (space, at, part) => {
        if (space === 'constant') return tree.proof(at, part);
        if (space !== 'trace') return claimed.sources[space]!.proof(at, part);
        return at < first ? claimed.inner.proof(at, part) : claimed.outputs.proof(at - first, part);
      },
    }, index, place.row, place.column);
    const reads = step.openings.map(({ input }) => instruction.inputs[input]!.space).filter((space) => typeof space === 'number');
    return { step, shape: program.shape, reads: [...new Set(reads)].sort((a, b) => a - b) };
  }

  /** One matrix of a unit with the program's proof of its instruction; none for one that the program does not have. */
  matrix(kind: UnitKind, inputs: UnitInputs, index: number): TraceMatrix {
    const { program, constants } = this.of(kind);
    const instruction = program.instructions[index];
    return {
      header: headerOf(program, constants.tree.root), inputs: toHex(unitInputsBytes(inputs)), index,
      instruction: instruction ? toHex(instructionBytes(instruction)) : '0x', instructionProof: instruction ? merkleProof(instructionLeaves(program), index) : [],
    };
  }

  /** Answers to demands for leaves of an honest unit, in order, in one run. Throws RangeError for a place that is not there, `cancelled`. */
  async openings(kind: UnitKind, inputs: UnitInputs, sources: UnitSources, trace: { inner: TreeProofs; outputs: TreeProofs }, places: readonly LeafPlace[], options: TraceOptions = {}): Promise<{ matrix: TraceMatrix; leaf: Opening }[]> {
    const shapes = this.shapes(kind, inputs);
    for (const { index, leaf } of places) {
      const shape = shapes[index];
      if (!shape || !(leaf >= 0 && leaf < cutOf(shape.rows, shape.columns).count)) throw new RangeError(`no leaf ${leaf} of instruction ${index}`);
    }
    const matrices = await this.matrices(kind, inputs, sources, places.map(({ index }) => index), options);
    const first = this.firstOutput(kind);
    return places.map(({ index, leaf }) => ({
      matrix: this.matrix(kind, inputs, index),
      leaf: {
        input: 0, leaf, values: toHex(floatBytes(leafValues(matrices.get(index)!, leaf).values)),
        proof: index < first ? trace.inner.proof(index, leaf) : trace.outputs.proof(index - first, leaf),
      },
    }));
  }

  /** The first instruction whose matrix is an output. */
  firstOutput(kind: UnitKind): number {
    const { instructions, shape } = this.program(kind);
    return instructions.length - shape.outputs;
  }

  private texts(inputs: UnitInputs): Texts {
    requireUnit(inputs, this.subject.positions);
    return new Texts(inputs, this.subject.config.window ?? 0);
  }

  private run(kind: UnitKind, inputs: UnitInputs, sources: UnitSources, options: RunOptions) {
    const { program, constants } = this.of(kind);
    return runTexts(this.backend, program, constants.values, { texts: this.texts(inputs), sources }, { ...options, outputs: program.shape.outputs });
  }

  private add(program: UnitProgram, constants: UnitConstants): UnitMeaning {
    const made = { program, hash: unitProgramHash(program, constants.tree.root, program.shape), constants };
    this.known.set(program.kind, made);
    return made;
  }
}
