/** False claims of a small model's answers: what a cheating claimant would commit to, and the step that shows it. For tests. */
import { randomWord } from '../../src/arithmetic/random.ts';
import { OpenLedgerError } from '../../src/errors.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { type TraceInputs, programHash } from '../../src/attribution/trace/instruction.ts';
import type { Matrix, RunOptions } from '../../src/attribution/trace/run.ts';
import { buildStep, differenceIn, firstFalse, headerOf, inputsHash } from '../../src/attribution/trace/step.ts';
import { type SmallOptions, type SmallTrace, randomInputs, runAll, smallTrace } from '../../src/attribution/trace/testing/small-trace.ts';
import { TraceTree, leafValues } from '../../src/attribution/trace/tree.ts';
import type { Question } from './scratch-referee.ts';

/** What is wrong with a claim; all that follows is computed from it. */
export const FAULTS = ['bit', 'score', 'noise', 'constant', 'token', 'rows', 'order'] as const;
export type Fault = (typeof FAULTS)[number];

export interface PlantedFault {
  fault: Fault;
  /** Where it was planted, and what shows it. */
  where: string;
  /** The false claim, and the element of it that is false. */
  question: Question;
  /** The same element of the right claim. */
  honest: Question;
}

export class FaultyClaims {
  private readonly small: SmallTrace;
  private readonly inputs: TraceInputs;
  private readonly right: Matrix[];
  private readonly tree: TraceTree;
  private readonly committed: TraceTree;
  private readonly backend: Awaited<ReturnType<typeof createCpuBackend>>;
  private readonly stream: number;
  private drawn = 0;

  private constructor(backend: FaultyClaims['backend'], small: SmallTrace, inputs: TraceInputs, right: Matrix[], stream: number) {
    this.backend = backend;
    this.small = small;
    this.inputs = inputs;
    this.right = right;
    this.tree = TraceTree.of(right);
    this.committed = TraceTree.of(small.constants);
    this.stream = stream;
  }

  static async of(options: SmallOptions, tokens: number, answer: number, stream: number): Promise<FaultyClaims> {
    const backend = await createCpuBackend();
    const small = await smallTrace(backend, options);
    const inputs = randomInputs(small.model.config.vocab, tokens, answer, stream);
    return new FaultyClaims(backend, small, inputs, await runAll(backend, small, inputs), stream);
  }

  /** Any element of the right claim. */
  honest(): Question {
    const index = this.below(this.right.length);
    const { rows, columns } = this.right[index]!;
    return this.question(this.right, this.tree, index, this.below(rows), this.below(columns));
  }

  /** Undefined where the fault chosen changes nothing: rows swapped with their like, a bit that rounding hides. */
  async plant(fault: Fault): Promise<PlantedFault | undefined> {
    const { claimed, where } = await this.claim(fault);
    const tree = TraceTree.of(claimed);
    for (const [index, matrix] of this.right.entries()) {
      const found = differenceIn(tree, index, this.tree.tensors[index]!.leaves);
      if (!found) continue;
      const { row, column } = firstFalse(matrix, found.leaf, leafValues(claimed[index]!, found.leaf).values)!;
      return {
        fault, where: `${where}; ${this.small.program.instructions[index]!.name} [${row},${column}]`,
        question: this.question(claimed, tree, index, row, column),
        honest: this.question(this.right, this.tree, index, row, column),
      };
    }
    return undefined;
  }

  private question(trace: Matrix[], tree: TraceTree, index: number, row: number, column: number): Question {
    const { program, constants } = this.small;
    const valuesOf = (space: 'trace' | 'constant', tensor: number, leaf: number) => leafValues((space === 'trace' ? trace : constants)[tensor]!, leaf).values;
    const step = buildStep({ program, inputs: this.inputs, tree, constants: this.committed, valuesOf }, index, row, column);
    return { program: programHash(program, headerOf(program, this.committed.root).constantsRoot), inputs: inputsHash(this.inputs), trace: tree.root, step };
  }

  private async claim(fault: Fault): Promise<{ claimed: Matrix[]; where: string }> {
    const { constants, program } = this.small;
    const last = this.right.length - 1;
    if (fault === 'constant') {
      const at = this.below(constants.length);
      const changed = { ...constants[at]!, values: constants[at]!.values.slice() };
      const place = this.flip(changed);
      const claimed = await this.run({ program, constants: constants.with(at, changed) }, this.inputs);
      return { claimed: claimed ?? this.right, where: `constant ${program.constants[at]!.name} at ${place}` };
    }
    if (fault === 'token') {
      const at = this.below(this.inputs.tokens.length);
      const tokens = [...this.inputs.tokens].with(at, (this.inputs.tokens[at]! + 1) % this.small.model.config.vocab);
      return { claimed: (await this.run(this.small, { ...this.inputs, tokens })) ?? this.right, where: `token ${at}` };
    }
    if (fault === 'order') {
      // The outputs of two instructions of one size in each other's place.
      const a = this.below(this.right.length);
      const like = this.right.flatMap(({ rows, columns }, k) => (k !== a && rows === this.right[a]!.rows && columns === this.right[a]!.columns ? [k] : []));
      const b = like.length ? like[this.below(like.length)]! : a;
      return { claimed: this.right.with(a, this.right[b]!).with(b, this.right[a]!), where: `instructions ${a} and ${b}` };
    }
    const at = fault === 'score' ? last - 1 : fault === 'noise' ? last : this.below(this.right.length);
    let place = '';
    let changed = this.right[at]!;
    const claimed = await this.run(this.small, this.inputs, {
      change: (index, matrix) => {
        if (index !== at) return;
        changed = matrix;
        if (fault === 'rows') {
          const [a, b] = [this.below(matrix.rows), this.below(matrix.rows)];
          const row = (k: number) => matrix.values.slice(k * matrix.columns, (k + 1) * matrix.columns);
          const [first, second] = [row(a), row(b)];
          matrix.values.set(second, a * matrix.columns);
          matrix.values.set(first, b * matrix.columns);
          place = `rows ${a} and ${b}`;
        } else place = `place ${this.flip(matrix)}`;
      },
    });
    // Where nothing can be computed from it the rest is claimed as it should be.
    return { claimed: claimed ?? this.right.with(at, changed), where: `instruction ${at}, ${place}` };
  }

  /** Undefined where the numbers leave the range. */
  private async run(subject: Pick<SmallTrace, 'program' | 'constants'>, inputs: TraceInputs, options: RunOptions = {}): Promise<Matrix[] | undefined> {
    try {
      return await runAll(this.backend, subject, inputs, options);
    } catch (error) {
      if (error instanceof OpenLedgerError && error.code === 'rf32/out-of-range') return undefined;
      throw error;
    }
  }

  /** One bit of one value, any of the 32. */
  private flip({ values }: Matrix): number {
    const place = this.below(values.length);
    new Uint32Array(values.buffer, values.byteOffset)[place]! ^= 2 ** this.below(32);
    return place;
  }

  private below(end: number): number {
    return randomWord(77, this.stream, this.drawn++) % end;
  }
}

/** Models with every awkward size. */
export const MODELS: readonly [string, SmallOptions, number, number][] = [
  ['grouped heads, a sketched adapter', {}, 17, 6],
  ['a sliding window', { config: { model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: 5 } }, 19, 4],
  ['biases, a tied head, one head a group', { config: { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], tie_word_embeddings: true, num_key_value_heads: 6 } }, 12, 5],
  ['rows of several pieces, sums of several blocks', { config: { hidden_size: 300, intermediate_size: 1100, vocab_size: 1290, num_hidden_layers: 1 }, dimension: 4096 }, 7, 3],
];
