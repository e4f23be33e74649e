import { expect, test } from 'vitest';
import { randomWord } from '../../arithmetic/random.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import type { Sequence } from '../../model/batch.ts';
import { ELEMENTS } from '../trace/element.ts';
import { sizeOf } from '../trace/instruction.ts';
import { Texts } from '../trace/texts.ts';
import type { LedgerKind } from '../trace/ledger-programs.ts';
import { cutOf, leafAt } from '../trace/tree.ts';
import { MOST_SOURCES, unitInputsHash } from '../trace/unit.ts';
import { drawPlan } from '../curvature/settings.ts';
import { RunPlan } from './plan.ts';
import { smallRun, unitTracer } from './testing/small-run.ts';

const backend = await createCpuBackend();
const made = (count: number): Sequence[][] => Array.from({ length: count }, (_, k) => [{ ids: [k % 40, (k * 7) % 40, 3], start: 1 }]);
const SHORT = { epochs: 1, batch: 64 };
const after = ({ ledger, count }: RunPlan) => Array.from({ length: ledger.count }, (_, k) => count - ledger.count + k);
const plans: [string, () => RunPlan][] = [
  ['three records', () => smallRun(backend).plan],
  ['one record', () => smallRun(backend, { records: made(1) }).plan],
  ['more records than draws of chance', () => smallRun(backend, { records: made(700), recipe: SHORT, settings: { draws: 2 } }).plan],
  ['one checkpoint, many draws', () => smallRun(backend, { records: made(70), recipe: SHORT, settings: { draws: 20, checkpoints: 1 } }).plan],
];

test.each(plans)('%s: every unit reads what earlier ones make, as its program says, and is read', async (_name, of) => {
  const plan = of();
  const { model } = smallRun(backend);
  const tracer = await unitTracer(backend, model, plan);
  const read = new Set<number>();
  // Collected, not expected one by one: there are thousands.
  const wrong: string[] = [];
  const same = (a: unknown, b: unknown, what: string) => JSON.stringify(a) !== JSON.stringify(b) && wrong.push(what);
  for (const unit of after(plan)) {
    const { shape, instructions } = tracer.program(plan.program(unit)!);
    const sources = plan.sources(unit);
    const what = `unit ${unit}, ${plan.program(unit)}`;
    if (sources.length > MOST_SOURCES || new Set(sources).size < sources.length || sources.some((source) => source >= unit)) wrong.push(`${what}: sources`);
    const outputs = sources.map((source) => plan.outputs(source));
    same(shape, { outputs: plan.outputs(unit).length, sources: outputs.map(({ length }) => length) }, `${what}: shape`);
    for (const { inputs, name } of instructions) {
      for (const { space, index, rows, columns } of inputs) {
        const read = typeof space === 'number' ? outputs[space]![index] : space === 'trace' ? { rows: instructions[index]!.rows.one, columns: instructions[index]!.columns.one } : undefined;
        if (read && (read.rows !== rows.one || read.columns !== columns.one)) wrong.push(`${what}: ${name} reads another size`);
      }
    }
    same(instructions.slice(-shape.outputs).map(({ rows, columns }) => [rows.one, columns.one]), plan.outputs(unit).map(({ rows, columns }) => [rows, columns]), `${what}: outputs`);
    for (const source of sources) read.add(source);
  }
  expect(wrong).toEqual([]);
  // Nothing is made for nothing: neither gradients nor what follows from them.
  expect(Array.from({ length: plan.count - 1 - plan.firstGradient }, (_, k) => plan.firstGradient + k).filter((unit) => !read.has(unit))).toEqual([]);
});

test('kinds differ in their programs, and none is made up', async () => {
  const { model, plan } = smallRun(backend, { records: made(70), recipe: { epochs: 1, batch: 8 }, settings: { draws: 5 } });
  const tracer = await unitTracer(backend, model, plan);
  const kinds = [...new Set(after(plan).map((unit) => plan.program(unit)!))];
  expect(new Set(kinds.map((kind) => tracer.programHash(kind))).size).toBe(kinds.length);
  expect(() => tracer.program('solved 3' as LedgerKind)).toThrow(RangeError);
});

test('rows of draws are in the order of the plan of draws, each of the gradient that it is of', () => {
  const { plan } = smallRun(backend, { records: made(70), recipe: { epochs: 1, batch: 8 }, settings: { draws: 64 } });
  const { owners, numbers } = drawPlan(70, 64);
  expect(owners).toHaveLength(4096);
  const units = plan.ledger.rowUnits(1, 'draws', 0, owners.length);
  const gradients = units.flatMap((unit) => plan.sources(unit).slice(0, -1));
  gradients.forEach((unit, i) => expect(plan.place(unit)).toMatchObject({ kind: 'gradient', at: 1, labels: 1 + numbers[i]!, record: owners[i] }));
  for (const unit of units) for (const source of plan.sources(unit).slice(0, -1)) {
    const { at, plan: labels, row } = plan.gradientPlace(source);
    expect(plan.ledger.rowUnitOf(at, labels, row)).toBe(unit);
  }
});

test('noise is fed the record of each row and of each draw, by their bits', () => {
  const { plan } = smallRun(backend, { records: made(70), recipe: SHORT });
  const unit = after(plan).filter((one) => plan.ledger.place(one).kind === 'noise')[1]!;
  const { scalars } = plan.inputs(unit);
  const words = new Uint32Array(Float32Array.from(scalars).buffer);
  expect([...words]).toEqual([64, ...Array.from({ length: 70 }, (_, k) => k), ...new Array<number>(58).fill(0)]);
  expect(unitInputsHash(plan.inputs(unit))).not.toBe(unitInputsHash(plan.inputs(unit - 1)));
});

test('at the size of a shipped ledger no element opens more leaves than the referee takes', async () => {
  // 640 numbers in 8 tensors would be laid end to end; the widths of rows are those of 29,120 numbers a record.
  const { model, plan } = smallRun(backend, { records: made(300), recipe: { ...SHORT, rank: 300 }, config: { hidden_size: 36 }, settings: { checkpoints: 3, draws: 2, dimension: 29_120 } });
  expect(plan.ledger.sizes.width).toBe(9696);
  const tracer = await unitTracer(backend, model, plan);
  let drawn = 0;
  for (const kind of new Set(after(plan).map((unit) => plan.program(unit)!))) {
    const unit = after(plan).find((one) => plan.program(one) === kind)!;
    const { program, constants } = tracer.of(kind);
    const texts = new Texts(plan.inputs(unit), 0);
    for (const instruction of new Map(program.instructions.map((one) => [one.op, one])).values()) {
      const [rows, columns] = [sizeOf(instruction.rows, texts), sizeOf(instruction.columns, texts)];
      const tables = await Promise.all(instruction.inputs.map(({ space, index }) => (space === 'constant' ? constants.values.matrix(index) : undefined)));
      for (let k = 0; k < 12; k++) {
        const [i, j] = k ? [randomWord(1, 2, drawn++) % rows, randomWord(1, 2, drawn++) % columns] : [rows - 1, columns - 1];
        const opened = new Set<string>();
        ELEMENTS[instruction.op]({ instruction, texts, columns, i, j }, {
          columns: (input) => sizeOf(instruction.inputs[input]!.columns, texts),
          get(input, r, c) {
            const [height, width] = [sizeOf(instruction.inputs[input]!.rows, texts), sizeOf(instruction.inputs[input]!.columns, texts)];
            if (!(r < height && c < width)) throw new RangeError(`${kind} ${instruction.name} reads ${r}, ${c} of [${height},${width}]`);
            opened.add(`${input} ${leafAt(width, cutOf(height, width), r, c).leaf}`);
            return tables[input]?.values[r * width + c] ?? 1;
          },
        });
        expect(opened.size, `${kind} ${instruction.op}`).toBeLessThanOrEqual(64);
      }
    }
  }
});

test('more records than the last unit can read blocks of are refused', () => {
  const of = (count: number) => () => new RunPlan({ ...smallRun(backend).plan.subject, settings: { checkpoints: 1, draws: 1, dimension: 64, damping: 1, seed: 1 }, recipe: { ...smallRun(backend).plan.subject.recipe, epochs: 1, batch: 64 }, records: new Array<Sequence[]>(count).fill(made(1)[0]!) });
  expect(of(65_000)).toThrow(expect.objectContaining({ code: 'run/too-long' }));
  expect(of(60_000)).not.toThrow();
});
