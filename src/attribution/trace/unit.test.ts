import { describe, expect, it } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { ReferenceBackend } from '../../kernels/reference/backend.ts';
import { packBatch } from '../../model/batch.ts';
import { sizeOf } from './instruction.ts';
import { type Matrix, runTexts, sameBits, slow } from './run.ts';
import { Texts } from './texts.ts';
import { UNIT_MODELS, gradientUnits, smallRun, trainingUnits } from './testing/small-units.ts';
import { TraceTree, cutOf, leafAt, leafValues } from './tree.ts';
import { requireUnit } from './unit-tracer.ts';

const backend = await createCpuBackend();

function expectSame(made: readonly Matrix[], expected: readonly Matrix[], what: string) {
  expect(made.map(({ rows, columns }) => [rows, columns]), what).toEqual(expected.map(({ rows, columns }) => [rows, columns]));
  made.forEach(({ values }, k) => {
    const other = values.findIndex((value, i) => !sameBits(value, expected[k]!.values[i]!));
    if (other >= 0) expect.fail(`${what}: output ${k} at ${other} is ${values[other]}, not ${expected[k]!.values[other]}`);
  });
}

describe('units of a run', () => {
  it.each(UNIT_MODELS)('%s: make what the engine makes, to the bit', async (_name, options, recipe) => {
    const run = await smallRun(backend, options, recipe);
    const training = await trainingUnits(run);
    const gradients = await gradientUnits(run, training.at(-1)!.made, ['own', { seed: 7, draw: 0 }, { seed: 7, draw: 3 }]);
    expect(gradients).toHaveLength(15);
    for (const { what, kind, inputs, sources, made } of [...training, ...gradients]) {
      const trace = await run.tracer.trace(kind, inputs, sources);
      expectSame(trace.made, made, what);
      expect(trace.outputs.root, what).toBe(TraceTree.of(made).root);
      expect(made.some(({ values }) => values.some((value) => value !== 0)), what).toBe(true);
    }
    // A state is moved by its step, and a gradient is of its labels.
    expect(training.at(-1)!.made.at(-1)!.values).not.toEqual(training.at(-1)!.sources[0]!.at(-1)!.values);
    expect(gradients[0]!.made[0]!.values).not.toEqual(gradients[5]!.made[0]!.values);
  }, 60_000);

  it.each(UNIT_MODELS)('%s: every matrix has its size, and is what its elements say', async (_name, options, recipe) => {
    const run = await smallRun(backend, options, recipe);
    const training = await trainingUnits(run);
    const gradients = await gradientUnits(run, training.at(-1)!.made, ['own', { seed: 7, draw: 0 }]);
    const each = new Map([...training, ...gradients].map((unit) => [unit.kind, unit]));
    for (const { kind, inputs, sources } of each.values()) {
      const { program, constants: { values: constants } } = run.tracer.of(kind);
      const texts = new Texts(inputs, program.window);
      const matrices = (await runTexts(backend, program, constants, { texts, sources }, { keep: () => true })) as Matrix[];
      const constantsRead = await Promise.all(program.constants.map((_, k) => constants.matrix(k)));
      for (const [k, instruction] of program.instructions.entries()) {
        const { rows, columns, values } = matrices[k]!;
        expect([rows, columns]).toEqual([sizeOf(instruction.rows, texts), sizeOf(instruction.columns, texts)]);
        const read = instruction.inputs.map(({ space, index }) => (space === 'trace' ? matrices : space === 'constant' ? constantsRead : sources[space]!)[index]!);
        instruction.inputs.forEach((input, i) => expect([read[i]!.rows, read[i]!.columns], `${kind} ${instruction.name}`).toEqual([sizeOf(input.rows, texts), sizeOf(input.columns, texts)]));
        const again = new Float32Array(values.length);
        slow({ instruction, texts, sources: read, rows, columns, values: again });
        const other = values.findIndex((value, i) => !sameBits(value, again[i]!));
        if (other >= 0) expect.fail(`${kind} ${instruction.op} ${instruction.name}: ${again[other]} at ${other}, not ${values[other]}`);
      }
    }
  }, 60_000);

  it('runs to the same bits on the slow backend, and holds nothing after', async () => {
    const run = await smallRun(backend);
    const [unit] = (await trainingUnits(run)).slice(-1);
    const before = backend.memory().bytes;
    const fast = await run.tracer.trace(unit!.kind, unit!.inputs, unit!.sources);
    expect(backend.memory().bytes).toBe(before);
    const plain = (await smallRun(new ReferenceBackend())).tracer;
    const slowly = await plain.trace(unit!.kind, unit!.inputs, unit!.sources);
    expect([slowly.inner.root, slowly.outputs.root]).toEqual([fast.inner.root, fast.outputs.root]);
    expect(plain.programHash(unit!.kind)).toBe(run.tracer.programHash(unit!.kind));
  }, 60_000);

  it('of different kinds have different programs, and refuse what they cannot be fed', async () => {
    const { tracer } = await smallRun(backend, UNIT_MODELS[3]![1]);
    // A factor is not the same in every unit, but its size is: long sums over it go block by block.
    const { instructions } = tracer.program('first');
    const ofFactors = instructions.filter(({ inputs }) => inputs.some(({ space, index }) => space === 'trace' && typeof instructions[index]!.inputs[0]?.space === 'number' && instructions[index]!.op === 'transpose'));
    expect(new Set(ofFactors.map(({ op }) => op))).toEqual(new Set(['dot', 'dotBlocks']));
    const hashes = (['first', 'middle', 'last', 'only', 'own', 'drawn'] as const).map((kind) => tracer.programHash(kind));
    // The first part of a step is what a record's gradient is: only its texts' weights differ.
    expect(hashes[0]).toBe(hashes[4]);
    expect(new Set(hashes).size).toBe(5);
    // Without a ledger there is nothing after the gradients.
    expect(() => tracer.program('scale')).toThrow(RangeError);
    const text = (tokens: number, answer: number) => ({ tokens: new Array<number>(tokens).fill(1), answer, weight: 1 });
    const refused = (texts: ReturnType<typeof text>[]) => () => requireUnit({ texts, scalars: [] }, 64);
    expect(refused([])).toThrow(expect.objectContaining({ code: 'trace/bad-unit' }));
    expect(refused([text(5, 5)])).toThrow(expect.objectContaining({ code: 'trace/bad-unit' }));
    expect(refused([text(5, 2), text(66, 2)])).toThrow(expect.objectContaining({ code: 'trace/unit-too-large' }));
    expect(refused(Array.from({ length: 100 }, () => text(64, 2)))).toThrow(expect.objectContaining({ code: 'trace/unit-too-large' }));
    expect(refused([text(65, 2), text(2, 1)])).not.toThrow();
    await expect(tracer.trace('first', { texts: [text(4, 1)], scalars: [] }, [])).rejects.toThrow('no matrix');
  });
});

describe('texts end to end', () => {
  it.each([undefined, 1, 3, 5, 40])('attend and predict as packBatch has them, window %s', (window) => {
    const given = [[6, 2], [2, 1], [12, 11], [9, 3]].map(([count, answer], t) => ({ tokens: Array.from({ length: count! }, (_, i) => 100 * t + i), answer: answer!, weight: Math.fround(0.1 * (t + 1)) }));
    const batch = packBatch([given.map(({ tokens, answer }) => ({ ids: tokens, start: tokens.length - answer }))], (_, s) => given[s]!.weight, window);
    const texts = new Texts({ texts: given, scalars: [] }, window ?? 0);
    expect([texts.n, texts.m, texts.w]).toEqual([batch.ids.length, batch.targets.length, batch.width]);
    const rows = [...batch.ids.keys()];
    const predicted = [...batch.targets.keys()];
    expect(rows.map((i) => texts.token(i))).toEqual([...batch.ids]);
    expect(rows.map((i) => texts.position(i))).toEqual([...batch.positions]);
    expect(rows.map((i) => texts.low(i))).toEqual([...batch.lo]);
    expect(rows.map((i) => texts.low(i) + texts.attended(i))).toEqual([...batch.hi]);
    expect(rows.map((i) => texts.end(i))).toEqual([...batch.to]);
    expect(predicted.map((r) => texts.row(r))).toEqual([...batch.targetRows]);
    expect(predicted.map((r) => texts.target(r))).toEqual([...batch.targets]);
    expect(predicted.map((r) => texts.weight(r))).toEqual([...batch.weights]);
    expect(rows.map((i) => texts.predicted(i))).toEqual(rows.map((i) => batch.targetRows.indexOf(i)));
    expect(() => texts.scalar(0)).toThrow(RangeError);
  });
});

describe('a false unit', () => {
  it('differs first where the fault was planted, inside or in what it makes, and the step there holds all that convicts it', async () => {
    const run = await smallRun(backend, { config: { num_hidden_layers: 1 } });
    const training = await trainingUnits(run);
    const gradients = await gradientUnits(run, training.at(-1)!.made, ['own', { seed: 7, draw: 0 }]);
    const each = [...new Map([...training, ...gradients].map((unit) => [unit.kind, unit])).values()];
    for (const [u, { kind, inputs, sources }] of each.entries()) {
      const { tracer } = run;
      const count = tracer.program(kind).instructions.length;
      const first = tracer.firstOutput(kind);
      const all = [...(await tracer.matrices(kind, inputs, sources, [...Array(count).keys()])).values()];
      for (const index of [u * 31 % first, (u * 17 + 40) % first, first, count - 1]) {
        const right = all[index]!;
        const place = (u * 7919 + 13) % right.values.length;
        const changed = { ...right, values: right.values.slice() };
        new Uint32Array(changed.values.buffer)[place]! ^= 1 << (u + 3);
        const claimed = all.with(index, changed);
        const trees = { inner: TraceTree.of(claimed.slice(0, first)), outputs: TraceTree.of(claimed.slice(first)), sources: sources.map((made) => TraceTree.of(made)) };
        const { leaf } = leafAt(right.columns, cutOf(right.rows, right.columns), Math.floor(place / right.columns), place % right.columns);
        const found = await tracer.firstDifference(kind, inputs, sources, trees);
        expect(found).toEqual({ instruction: index, leaf });
        const evidence = await tracer.evidence(kind, inputs, sources, trees, { index, leaf }, leafValues(changed, leaf).values);
        expect(evidence!.step).toMatchObject({ index, row: Math.floor(place / right.columns), column: place % right.columns });
        expect(evidence!.shape).toEqual(tracer.program(kind).shape);
        expect(await tracer.evidence(kind, inputs, sources, trees, { index, leaf }, leafValues(right, leaf).values)).toBeUndefined();
      }
      const trace = await tracer.trace(kind, inputs, sources);
      expect(await tracer.firstDifference(kind, inputs, sources, trace)).toBeUndefined();
      expect(await tracer.firstDifference(kind, inputs, sources, { inner: trace.inner })).toBeUndefined();
      const [opened] = await tracer.openings(kind, inputs, sources, trace, [{ index: count - 1, leaf: 0 }]);
      expect(opened!.leaf.proof).toEqual(trace.outputs.proof(count - 1 - first, 0));
      await expect(tracer.openings(kind, inputs, sources, trace, [{ index: count, leaf: 0 }])).rejects.toThrow(RangeError);
      await expect(tracer.evidence(kind, inputs, sources, { ...trace, sources: [] }, { index: 0, leaf: 1 << 20 }, new Float32Array(1))).rejects.toThrow(RangeError);
    }
  }, 60_000);
});
