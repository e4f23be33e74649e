/** Units of a small run as a maker would commit to them, right or with one bit changed, and the steps that show it. For tests. */
import { randomWord } from '../../src/arithmetic/random.ts';
import type { OpName, Space } from '../../src/attribution/trace/instruction.ts';
import type { Matrix } from '../../src/attribution/trace/run.ts';
import { buildTextStep } from '../../src/attribution/trace/step.ts';
import type { SmallUnit } from '../../src/attribution/trace/testing/small-units.ts';
import { Texts } from '../../src/attribution/trace/texts.ts';
import { TraceTree, leafHashes, leafValues, tensorOf } from '../../src/attribution/trace/tree.ts';
import { unitInputsBytes, unitInputsHash } from '../../src/attribution/trace/unit.ts';
import type { UnitTracer } from '../../src/attribution/trace/unit-tracer.ts';
import type { UnitQuestion } from './scratch-referee.ts';

interface Claim {
  matrices: Matrix[];
  inner: TraceTree;
  outputs: TraceTree;
}

export class UnitClaims {
  readonly kind: SmallUnit['kind'];
  /** Operations of its program. */
  readonly ops: readonly OpName[];
  private readonly tracer: UnitTracer;
  private readonly unit: SmallUnit;
  private readonly constants: readonly Matrix[];
  private readonly right: Claim;
  private readonly sources: TraceTree[];
  private readonly first: number;
  private readonly stream: number;
  private drawn = 0;

  private constructor(tracer: UnitTracer, unit: SmallUnit, constants: readonly Matrix[], matrices: Matrix[], stream: number) {
    this.tracer = tracer;
    this.unit = unit;
    this.kind = unit.kind;
    this.constants = constants;
    this.first = tracer.firstOutput(unit.kind);
    this.right = { matrices, inner: TraceTree.of(matrices.slice(0, this.first)), outputs: TraceTree.of(matrices.slice(this.first)) };
    this.sources = unit.sources.map((made) => TraceTree.of(made));
    this.ops = [...new Set(tracer.program(unit.kind).instructions.map(({ op }) => op))];
    this.stream = stream;
  }

  static async of(tracer: UnitTracer, unit: SmallUnit, stream: number): Promise<UnitClaims> {
    const { program: { instructions, constants }, constants: { values } } = tracer.of(unit.kind);
    const matrices = await tracer.matrices(unit.kind, unit.inputs, unit.sources, [...instructions.keys()]);
    return new UnitClaims(tracer, unit, await Promise.all(constants.map((_, k) => values.matrix(k))), [...matrices.values()], stream);
  }

  /** Any element of any instruction with this operation: as it is, and claimed with one bit changed. */
  about(op: OpName): { where: string; honest: UnitQuestion; lie: UnitQuestion } {
    const { instructions } = this.tracer.program(this.kind);
    const which = instructions.flatMap((instruction, k) => (instruction.op === op ? [k] : []));
    const index = which[this.below(which.length)]!;
    const { rows, columns, values } = this.right.matrices[index]!;
    const [place, bit] = [this.below(values.length), this.below(32)];
    const [row, column] = [Math.floor(place / columns), place % columns];
    const changed = { rows, columns, values: values.slice() };
    new Uint32Array(changed.values.buffer)[place]! ^= 2 ** bit;
    const lying: Claim = {
      matrices: this.right.matrices.with(index, changed),
      inner: index < this.first ? withMatrix(this.right.inner, index, changed) : this.right.inner,
      outputs: index < this.first ? this.right.outputs : withMatrix(this.right.outputs, index - this.first, changed),
    };
    return {
      where: `${this.unit.what}: ${op} ${instructions[index]!.name} [${row},${column}] bit ${bit}`,
      honest: this.question(this.right, index, row, column), lie: this.question(lying, index, row, column),
    };
  }

  private question({ matrices, inner, outputs }: Claim, index: number, row: number, column: number): UnitQuestion {
    const { tracer, unit: { kind, inputs, sources }, constants, first } = this;
    const { program, hash, constants: { tree } } = tracer.of(kind);
    const list = (space: Space) => (space === 'trace' ? matrices : space === 'constant' ? constants : sources[space]!);
    const step = buildTextStep({
      program, texts: new Texts(inputs, program.window), inputs: unitInputsBytes(inputs), constantsRoot: tree.root,
      valuesOf: (space, tensor, leaf) => leafValues(list(space)[tensor]!, leaf).values,
      proof: (space, tensor, leaf) => {
        if (space !== 'trace') return (space === 'constant' ? tree : this.sources[space]!).proof(tensor, leaf);
        return tensor < first ? inner.proof(tensor, leaf) : outputs.proof(tensor - first, leaf);
      },
    }, index, row, column);
    return {
      unit: { programHash: hash, inputsHash: unitInputsHash(inputs), outputRoot: outputs.root, sourceRoots: this.sources.map(({ root }) => root) },
      shape: program.shape, innerRoot: inner.root, step,
    };
  }

  private below(end: number): number {
    return randomWord(78, this.stream, this.drawn++) % end;
  }
}

function withMatrix(tree: TraceTree, index: number, matrix: Matrix): TraceTree {
  return new TraceTree(tree.tensors.with(index, tensorOf(matrix.rows, matrix.columns, leafHashes(matrix))));
}
