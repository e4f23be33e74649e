import { describe, expect, test } from 'vitest';
import { randomWord } from '../../arithmetic/random.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import type { Sequence } from '../../model/batch.ts';
import { fromHex } from '../../protocol/bytes.ts';
import { ELEMENTS } from '../trace/element.ts';
import { type OpName, sizeOf } from '../trace/instruction.ts';
import { type Matrix, sameBits } from '../trace/run.ts';
import type { Opening, Step } from '../trace/step.ts';
import { Texts } from '../trace/texts.ts';
import { cutOf, leafAt, leafValues } from '../trace/tree.ts';
import type { UnitKind } from '../trace/unit-program.ts';
import { RunExaminer } from './examine.ts';
import { samePlace, tracePlace } from './places.ts';
import { openSubject } from './run-of-adapter.ts';
import { FalseMaker } from './testing/false-maker.ts';
import { smallRun } from './testing/small-run.ts';
import { UnitCase, type UnitShown } from './unit-case.ts';

const backend = await createCpuBackend();
const records = Array.from({ length: 70 }, (_, k): Sequence[] => [{ ids: Array.from({ length: 3 + (k % 3) }, (_id, at) => randomWord(9, k, at) % 40), start: 1 + (k % 2) }]);
const { model, plan: { subject } } = smallRun(backend, { records, recipe: { epochs: 1, batch: 8, rank: 8 }, settings: { draws: 4, dimension: 640 } });
const run = await openSubject(model, subject, backend);
const { plan, tracer } = run;
const examiner = new RunExaminer(run);
const own = await examiner.outputs();
let drawn = 0;
const below = (end: number) => randomWord(3, 1, drawn++) % end;

const floats = (hex: `0x${string}`) => new Float32Array(fromHex(hex).slice().buffer);

/** Whether a step is false, from nothing but what it opens: as the referee computes it. `output`: claimed values of its leaf. */
function isFalse(kind: UnitKind, unit: number, { index, row, column, openings, output }: Step, claimed: Float32Array = floats(output.values)): boolean {
  const instruction = tracer.program(kind).instructions[index]!;
  const program = tracer.program(kind);
  const texts = new Texts(plan.inputs(unit), program.window);
  const [rows, columns] = [sizeOf(instruction.rows, texts), sizeOf(instruction.columns, texts)];
  const find = (input: number, leaf: number): Opening => {
    const found = openings.find((one) => one.input === input && one.leaf === leaf);
    if (!found) throw new RangeError(`leaf ${leaf} of input ${input} is not opened`);
    return found;
  };
  const width = (k: number) => sizeOf(instruction.inputs[k]!.columns, texts);
  const value = ELEMENTS[instruction.op]({ instruction, texts, columns, i: row, j: column }, {
    columns: width,
    get(k, i, j) {
      const { leaf, offset } = leafAt(width(k), cutOf(sizeOf(instruction.inputs[k]!.rows, texts), width(k)), i, j);
      return floats(find(k, leaf).values)[offset]!;
    },
  });
  const { leaf, offset } = leafAt(columns, cutOf(rows, columns), row, column);
  expect(output.leaf).toBe(leaf);
  return !sameBits(value, claimed[offset]!);
}

/** The first and the last unit of each kind of program, numbers left out. */
const units = new Map<string, Set<number>>();
for (let unit = plan.ledger.first; unit < plan.count; unit++) {
  const name = plan.program(unit)!.split(' ')[0]!;
  const found = [...(units.get(name) ?? [])];
  units.set(name, new Set([found[0] ?? unit, unit]));
}

describe.each([...units])('%s', (_name, some) => {
  test.each([...some].map((unit) => [plan.describe(unit), unit] as const))('%s: one bit of each operation is found where it is, and its step is false', async (_what, unit) => {
    const kind = plan.program(unit)!;
    const { instructions } = tracer.program(kind);
    const { parts, trace } = await examiner.unit(unit);
    const byOp = new Map<OpName, number>(instructions.map(({ op }, k) => [op, k]));
    for (const [op, index] of byOp) {
      let flipped = { place: 0, columns: 0, rows: 0 };
      const right = (await tracer.matrices(kind, parts.inputs, parts.sources, [index])).get(index)!;
      const place = below(right.values.length);
      const bit = below(23);
      const maker = await FalseMaker.of(run, own, unit, {
        change: (at: number, matrix: Matrix) => {
          if (at !== index) return;
          flipped = { place, rows: matrix.rows, columns: matrix.columns };
          new Uint32Array(matrix.values.buffer, matrix.values.byteOffset)[place]! ^= 2 ** bit;
        },
      });
      const found = new UnitCase(tracer, { parts, trace }, maker.trace);
      const asked: UnitShown[] = [];
      let evidence = await found.evidence();
      for (let round = 0; !evidence && round < 5; round++) {
        for (const one of found.next()) {
          expect(samePlace(one, tracePlace(unit))).toBe(false);
          asked.push({ ...one, ...maker.shown(one) } as UnitShown);
          found.add(asked.at(-1)!);
        }
        evidence = await found.evidence();
      }
      const where = `${op}, value ${place}, bit ${bit}`;
      expect(evidence, where).toBeDefined();
      const { step, reads } = evidence!;
      expect([step.index, step.row, step.column], where).toEqual([index, Math.floor(flipped.place / flipped.columns), flipped.place % flipped.columns]);
      expect(step.openings.length).toBeLessThanOrEqual(64);
      const numbers = step.openings.map(({ input }) => instructions[index]!.inputs[input]!.space).filter((space) => typeof space === 'number');
      expect(new Set(reads), where).toEqual(new Set(numbers));
      expect(isFalse(kind, unit, step), where).toBe(true);
      expect(isFalse(kind, unit, step, leafValues(right, step.output.leaf).values), where).toBe(false);
    }
    expect(trace.outputs.root).toBe(own.of(unit));
  });
});
