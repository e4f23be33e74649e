import { describe, expect, it } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { ReferenceBackend } from '../../kernels/reference/backend.ts';
import { verifyMerkleProof } from '../../protocol/merkle.ts';
import { curvatureInfluence } from '../curvature/curvature-influence.ts';
import { lengthsOf, sizeOf } from './instruction.ts';
import { PublishedTrace } from './published.ts';
import { type Matrix, runProgram, sameBits, slow } from './run.ts';
import { buildStep, differenceIn, firstFalse } from './step.ts';
import { answerTexts } from './texts.ts';
import { type SmallOptions, randomInputs, runAll, smallTrace } from './testing/small-trace.ts';
import { Tracer } from './tracer.ts';
import { TraceTree, cutOf, hashLeaf, leafAt, leafHashes, leafValues, tensorOf } from './tree.ts';

const backend = await createCpuBackend();
const bits = (values: Float32Array) => [...new Uint32Array(values.buffer, values.byteOffset, values.length)];

const CONFIGURATIONS: [string, SmallOptions, number, number][] = [
  ['grouped heads, a sketched adapter', {}, 17, 6],
  ['one token each', {}, 2, 1],
  ['an adapter laid end to end, one checkpoint', { checkpoints: 1, dimension: 30_000 }, 9, 3],
  ['a sliding window', { config: { model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: 5 } }, 19, 4],
  ['biases, a tied head, one head a group', { config: { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], tie_word_embeddings: true, num_key_value_heads: 6 } }, 12, 5],
  ['rows of several pieces, sums of several blocks', { config: { hidden_size: 300, intermediate_size: 1100, vocab_size: 1290, num_hidden_layers: 1 }, dimension: 4096 }, 7, 3],
  ['weights of four bits', { format: 'q4' }, 8, 2],
  ['only values and gates adapted', { lora: { targets: ['v_proj', 'gate_proj'] } }, 10, 4],
];

describe('a program', () => {
  it.each(CONFIGURATIONS)('%s: gives the influence that the engine gives, to the bit', async (_name, options, tokens, answer) => {
    const { model, ledger, program, constants } = await smallTrace(backend, options);
    const inputs = randomInputs(model.config.vocab, tokens, answer);
    const matrices = await runAll(backend, { program, constants }, inputs);
    const lengths = lengthsOf(inputs, program.window);
    matrices.forEach(({ rows, columns }, k) => expect([rows, columns]).toEqual([sizeOf(program.instructions[k]!.rows, lengths), sizeOf(program.instructions[k]!.columns, lengths)]));
    for (const { inputs: sources } of program.instructions) {
      for (const { space, index, rows, columns } of sources) {
        const matrix = (space === 'trace' ? matrices : constants)[index]!;
        expect([matrix.rows, matrix.columns]).toEqual([sizeOf(rows, lengths), sizeOf(columns, lengths)]);
      }
    }
    const [expected] = await curvatureInfluence(model, ledger.checkpoints[0]!, ledger, { ids: [...inputs.tokens], start: tokens - answer }, [{ from: 0, to: answer }]);
    expect(bits(matrices.at(-2)!.values)).toEqual(bits(expected!.scores));
    expect(bits(matrices.at(-1)!.values)).toEqual(bits(expected!.noise));
  });

  it.each(CONFIGURATIONS)('%s: every matrix is what its elements say', async (_name, options, tokens, answer) => {
    const { model, program, constants } = await smallTrace(backend, options);
    const inputs = randomInputs(model.config.vocab, tokens, answer, 2);
    const matrices = await runAll(backend, { program, constants }, inputs);
    const texts = answerTexts(inputs, program.window);
    for (const [k, instruction] of program.instructions.entries()) {
      const { rows, columns, values } = matrices[k]!;
      const again = new Float32Array(values.length);
      slow({ instruction, texts, sources: instruction.inputs.map(({ space, index }) => (space === 'trace' ? matrices : constants)[index]!), rows, columns, values: again });
      const other = values.findIndex((value, i) => !sameBits(value, again[i]!));
      if (other >= 0) expect.fail(`${instruction.op} ${instruction.name}: ${again[other]} at ${other}, not ${values[other]}`);
    }
  }, 60_000);

  it('runs to the same bits on the slow backend', async () => {
    const [fast, plain] = await Promise.all([backend, new ReferenceBackend()].map(async (on) => {
      const { model, program, constants } = await smallTrace(on);
      return runAll(on, { program, constants }, randomInputs(model.config.vocab, 9, 4));
    }));
    expect(TraceTree.of(plain!).root).toBe(TraceTree.of(fast!).root);
  });

  it('holds nothing longer than it is read, and says what it cannot trace', async () => {
    const { model, program, constants } = await smallTrace(backend);
    const source = { matrix: (k: number) => Promise.resolve(constants[k]!) };
    const inputs = randomInputs(model.config.vocab, 9, 4);
    const before = backend.memory().bytes;
    const kept = await runProgram(backend, program, source, inputs, { keep: (k) => k === 3 });
    expect(kept.flatMap((matrix, k) => (matrix ? [k] : []))).toEqual([3, kept.length - 2, kept.length - 1]);
    expect(backend.memory().bytes).toBe(before);
    await expect(runProgram(backend, program, source, randomInputs(50, 1025, 4))).rejects.toMatchObject({ code: 'trace/too-long' });
    await expect(runProgram(backend, program, source, inputs, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('has elements for a token that the model does not have: the embedding’s zeros', async () => {
    const { model, program, constants } = await smallTrace(backend);
    const inputs = { tokens: [1, model.config.vocab + 7, 3, 4], answer: 2 };
    const [embedded] = await runAll(backend, { program, constants }, inputs, { onMatrix: () => false });
    expect([...embedded!.values.subarray(embedded!.columns, 2 * embedded!.columns)]).toEqual(new Array(embedded!.columns).fill(0));
  });

  it('goes on behind the last position, where the rotary tables begin anew: a claim about more tokens than the model takes is judged like any other', async () => {
    const { model, program, constants } = await smallTrace(backend, { config: { num_hidden_layers: 1 } });
    const inputs = randomInputs(model.config.vocab, model.positions + 7, 5);
    const matrices = await runAll(backend, { program, constants }, inputs);
    const index = program.instructions.findIndex(({ op }) => op === 'rope');
    const row = model.positions + 3;
    const { openings } = buildStep({
      program, inputs, tree: TraceTree.of(matrices), constants: TraceTree.of(constants),
      valuesOf: (space, tensor, leaf) => leafValues((space === 'trace' ? matrices : constants)[tensor]!, leaf).values,
    }, index, row, 0);
    const { columns } = constants[program.instructions[index]!.inputs[1]!.index]!;
    expect(openings.find(({ input }) => input === 1)!.leaf).toBe(Math.floor(3 / Math.floor(256 / columns)));
    expect(matrices.every(({ values }) => values.every(Number.isFinite))).toBe(true);
  });

  it('says which lengths it cannot have', () => {
    expect(() => lengthsOf({ tokens: [1], answer: 1 }, 0)).toThrow(RangeError);
    expect(() => lengthsOf({ tokens: [1, 2], answer: 2 }, 0)).toThrow(RangeError);
    expect(() => lengthsOf({ tokens: [1, 2, 3], answer: 0 }, 0)).toThrow(RangeError);
  });
});

describe('leaves', () => {
  it.each([[1, 1], [7, 1], [300, 1], [5, 100], [6, 128], [4, 129], [3, 256], [3, 257], [2, 1024], [9, 85]])('of [%i,%i] hold each value once, where leafAt says', (rows, columns) => {
    const matrix: Matrix = { rows, columns, values: Float32Array.from({ length: rows * columns }, (_, i) => i + 1) };
    const cut = cutOf(rows, columns);
    const seen: number[] = [];
    for (let leaf = 0; leaf < cut.count; leaf++) {
      const { first, values } = leafValues(matrix, leaf);
      expect(values.length).toBeLessThanOrEqual(256);
      expect(values.length).toBeGreaterThan(0);
      expect(values[0]).toBe(matrix.values[first]);
      seen.push(...values);
    }
    expect(seen.sort((a, b) => a - b)).toEqual([...matrix.values]);
    for (const [i, j] of [[0, 0], [rows - 1, columns - 1], [rows >> 1, columns >> 1]] as const) {
      const { leaf, offset } = leafAt(columns, cut, i, j);
      expect(leafValues(matrix, leaf).values[offset]).toBe(i * columns + j + 1);
    }
  });
});

describe('a trace', () => {
  it('proves its leaves', async () => {
    const { model, program, constants } = await smallTrace(backend);
    const inputs = randomInputs(model.config.vocab, 12, 5);
    const matrices = await runAll(backend, { program, constants }, inputs);
    const tree = TraceTree.of(matrices);
    // The siblings within a tensor lead to its root.
    const k = matrices.findIndex(({ rows, columns }) => cutOf(rows, columns).count > 3);
    const { count } = cutOf(matrices[k]!.rows, matrices[k]!.columns);
    const depth = Math.ceil(Math.log2(count));
    const proof = tree.proof(k, 2).slice(0, depth);
    expect(verifyMerkleProof(`0x${Buffer.from(tree.tensors[k]!.root).toString('hex')}`, count, 2, hashLeaf(leafValues(matrices[k]!, 2).values), proof)).toBe(true);
  });

  it('of a false claim differs first where the fault was planted; the step there holds all that the element is made from', async () => {
    const { model, program, constants } = await smallTrace(backend);
    const inputs = randomInputs(model.config.vocab, 11, 4);
    const right = await runAll(backend, { program, constants }, inputs);
    const committed = TraceTree.of(constants);
    for (let seed = 0; seed < 25; seed++) {
      const at = (seed * 7919 + 13) % program.instructions.length;
      const place = (seed * 104729 + 7) % right[at]!.values.length;
      const claimed = await runAll(backend, { program, constants }, inputs, {
        change: (index, { values }) => {
          if (index === at) new Uint32Array(values.buffer, values.byteOffset)[place]! ^= 1 << (seed % 23);
        },
      });
      const tree = TraceTree.of(claimed);
      let found: ReturnType<typeof differenceIn>;
      for (let k = 0; !found && k < right.length; k++) found = differenceIn(tree, k, leafHashes(right[k]!));
      expect(found?.instruction).toBe(at);
      const revealed = leafValues(claimed[at]!, found!.leaf).values;
      const { row, column } = firstFalse(right[at]!, found!.leaf, revealed)!;
      expect(row * right[at]!.columns + column).toBe(place);
      const valuesOf = (space: 'trace' | 'constant', tensor: number, leaf: number) => leafValues((space === 'trace' ? claimed : constants)[tensor]!, leaf).values;
      const step = buildStep({ program, inputs, tree, constants: committed, valuesOf }, at, row, column);
      expect(step.openings.length).toBeLessThanOrEqual(64);
      expect(step.output.proof.length).toBeGreaterThan(0);
    }
  }, 60_000);
});

describe('a tracer', () => {
  it('finds where a published trace goes wrong, and nothing where it is right', async () => {
    const { model, ledger } = await smallTrace(backend, { records: 3 });
    const tracer = await Tracer.of(backend, model, ledger);
    const inputs = randomInputs(model.config.vocab, 8, 3);
    const { tree, scores, noise } = await tracer.trace(inputs);
    expect(scores).toHaveLength(3);
    expect(noise).toHaveLength(3);
    const read = tracer.published(tree.bytes(), inputs, tree.root)!;
    expect(await tracer.firstDifference(read.tree!, inputs)).toBeUndefined();
    const bytes = tree.bytes();
    const at = Math.floor(bytes.length / 64) * 32;
    bytes[at]! ^= 1;
    const shapes = tracer.shapes(inputs);
    const counts = shapes.map(({ rows, columns }) => cutOf(rows, columns).count);
    let leaf = at / 32;
    const instruction = counts.findIndex((count) => (leaf < count ? true : ((leaf -= count), false)));
    let place = 0;
    const false_ = new TraceTree(shapes.map(({ rows, columns }, k) => tensorOf(rows, columns, bytes.subarray(place, (place += counts[k]! * 32)))));
    expect(await tracer.firstDifference(false_, inputs)).toEqual({ instruction, leaf });
    // The same in the run that computes the whole trace, with all that evidence is made from.
    const { first, tree: again } = await tracer.trace(inputs, { claimed: PublishedTrace.of(false_) });
    expect([first!.index, first!.leaf, again.root]).toEqual([instruction, leaf, tree.root]);
    const needed = [...tracer.program.instructions[instruction]!.inputs.flatMap(({ space, index }) => (space === 'trace' ? [index] : [])), instruction];
    expect(first!.matrices).toEqual(await tracer.matrices(inputs, needed));
    expect((await tracer.trace(inputs, { claimed: read })).first).toBeUndefined();
    expect([...(await tracer.matrices(inputs, [instruction, 2])).keys()].sort((a, b) => a - b)).toEqual([2, instruction]);
    // Another adapter, another program hash; the same one, the same.
    expect((await Tracer.of(new ReferenceBackend(), model, ledger)).programHash).toBe(tracer.programHash);
    const other = await smallTrace(backend, { records: 4 });
    expect((await Tracer.of(backend, other.model, other.ledger)).programHash).not.toBe(tracer.programHash);
  });
});
