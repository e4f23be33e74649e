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

/**
 * What is wrong with a claim; all that follows is computed from it. One flipped bit in: a weight of the base or the adapter, the ledger
 * (records' rows, noise, scales of the sketch; this method's form of a Gram matrix), a value of the forward or of the backward pass, a
 * score, its noise. Another token than claimed; two rows of a matrix in each other's place; two instructions' outputs likewise.
 */
export const FAULTS = ['weight', 'ledger', 'activation', 'gradient', 'score', 'noise', 'token', 'rows', 'order'] as const;
export type Fault = (typeof FAULTS)[number];

export interface PlantedFault {
  fault: Fault;
  /** Where it was planted, and what shows it. */
  where: string;
  /** Whether what shows it is where it was planted: that matrix, or the first that reads that constant or token. */
  inPlace: boolean;
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

  /** The false step of `planted`, the claim it was made of being this right one: what a stolen or an old proof is. */
  stolen({ question }: PlantedFault): Question {
    return { ...question, trace: this.tree.root };
  }

  /** Any element of the right claim. */
  honest(): Question {
    const index = this.below(this.right.length);
    const { rows, columns } = this.right[index]!;
    return this.question(this.right, this.tree, index, this.below(rows), this.below(columns));
  }

  /** Undefined where the fault chosen changes nothing: rows swapped with their like, a bit that rounding hides. */
  async plant(fault: Fault): Promise<PlantedFault | undefined> {
    const { claimed, where, isPlace } = await this.claim(fault);
    const tree = TraceTree.of(claimed);
    for (const [index, matrix] of this.right.entries()) {
      const found = differenceIn(tree, index, this.tree.tensors[index]!.leaves);
      if (!found) continue;
      const { row, column } = firstFalse(matrix, found.leaf, leafValues(claimed[index]!, found.leaf).values)!;
      return {
        fault, where: `${where}; ${this.small.program.instructions[index]!.name} [${row},${column}]`, inPlace: isPlace(index, row * matrix.columns + column),
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

  /** `isPlace` says of the first false element, by instruction and place in its matrix, whether it is where the fault must show. */
  private async claim(fault: Fault): Promise<{ claimed: Matrix[]; where: string; isPlace: (index: number, place: number) => boolean }> {
    const { constants, program } = this.small;
    const last = this.right.length - 1;
    if (fault === 'weight' || fault === 'ledger') {
      const wanted = fault === 'weight' ? /(\.weight|\.lora_[AB])( transposed)?$/ : /^ledger\.|\.scale$/;
      const among = program.constants.flatMap(({ name }, k) => (wanted.test(name) ? [k] : []));
      const at = among[this.below(among.length)]!;
      const changed = { ...constants[at]!, values: constants[at]!.values.slice() };
      const place = this.flip(changed);
      const claimed = await this.run({ program, constants: constants.with(at, changed) }, this.inputs);
      const reads = (index: number) => program.instructions[index]!.inputs.some((source) => source.space === 'constant' && source.index === at);
      return { claimed: claimed ?? this.right, where: `constant ${program.constants[at]!.name} at ${place}`, isPlace: reads };
    }
    if (fault === 'token') {
      const at = this.below(this.inputs.tokens.length);
      const tokens = [...this.inputs.tokens].with(at, (this.inputs.tokens[at]! + 1) % this.small.model.config.vocab);
      const reads = (index: number) => ['tokens', 'lossGradient'].includes(program.instructions[index]!.op);
      return { claimed: (await this.run(this.small, { ...this.inputs, tokens })) ?? this.right, where: `token ${at}`, isPlace: reads };
    }
    if (fault === 'order') {
      // The outputs of two instructions of one size in each other's place.
      const a = this.below(this.right.length);
      const like = this.right.flatMap(({ rows, columns }, k) => (k !== a && rows === this.right[a]!.rows && columns === this.right[a]!.columns ? [k] : []));
      const b = like.length ? like[this.below(like.length)]! : a;
      return { claimed: this.right.with(a, this.right[b]!).with(b, this.right[a]!), where: `instructions ${a} and ${b}`, isPlace: (index) => index === Math.min(a, b) };
    }
    const turn = program.instructions.findIndex(({ op }) => op === 'lossGradient');
    const tall = this.right.flatMap(({ rows }, k) => (rows > 1 ? [k] : []));
    const at = fault === 'rows' ? tall[this.below(tall.length)]! : fault === 'score' ? last - 1 : fault === 'noise' ? last : fault === 'activation' ? this.below(turn) : turn + this.below(last - 1 - turn);
    let place = '';
    let flipped: number | undefined;
    let changed = this.right[at]!;
    const claimed = await this.run(this.small, this.inputs, {
      change: (index, matrix) => {
        if (index !== at) return;
        changed = matrix;
        if (fault === 'rows') {
          const a = this.below(matrix.rows);
          const b = (a + 1 + this.below(matrix.rows - 1)) % matrix.rows;
          const row = (k: number) => matrix.values.slice(k * matrix.columns, (k + 1) * matrix.columns);
          const [first, second] = [row(a), row(b)];
          matrix.values.set(second, a * matrix.columns);
          matrix.values.set(first, b * matrix.columns);
          place = `rows ${a} and ${b}`;
        } else {
          flipped = this.flip(matrix);
          place = `place ${flipped}`;
        }
      },
    });
    // Where nothing can be computed from it the rest is claimed as it should be.
    const isPlace = (index: number, element: number) => index === at && (flipped === undefined || element === flipped);
    return { claimed: claimed ?? this.right.with(at, changed), where: `instruction ${at}, ${place}`, isPlace };
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

  below(end: number): number {
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
