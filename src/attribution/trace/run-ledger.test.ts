import { describe, expect, it } from 'vitest';
import { HUGE, bitsOf } from '../../arithmetic/rf32.ts';
import { floats } from '../../kernels/case.ts';
import { choleskyBlock, choleskySolveBlock } from '../../kernels/cholesky/operation.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { decodeRows } from '../../kernels/matrix/decode.ts';
import { ReferenceBackend } from '../../kernels/reference/backend.ts';
import { chanceDeviations } from '../curvature/noise.ts';
import { roundRows } from '../curvature/round-rows.ts';
import { ROW_FORMAT } from '../curvature/settings.ts';
import { groupScale, quantisedValue } from './element-ledger.ts';
import { type Instruction, fixed, sizeOf } from './instruction.ts';
import { type Matrix, runTexts, sameBits, slow } from './run.ts';
import { FAST_LEDGER, ON_BACKEND } from './run-ledger.ts';
import { Texts } from './texts.ts';
import { LEDGER_OPS, type LedgerCase, ledgerCase } from './testing/ledger-cases.ts';

const backend = await createCpuBackend();
const texts = new Texts({ texts: [{ tokens: [0, 0], answer: 1, weight: 0 }], scalars: [] }, 0);

const run = async ({ program, inputs, given }: LedgerCase): Promise<Matrix> =>
  (await runTexts(backend, program, { matrix: () => Promise.reject(new Error('no constants')) }, { texts: new Texts(inputs, 0), sources: [given] }, { outputs: 1 }))[0]!;

function slowly({ program: { instructions: [instruction] }, inputs, given }: LedgerCase): Float32Array {
  const [texts, values] = [new Texts(inputs, 0), new Float32Array(instruction!.rows.one * instruction!.columns.one)];
  const matrix = { rows: sizeOf(instruction!.rows, texts), columns: sizeOf(instruction!.columns, texts), values };
  slow({ instruction: instruction!, texts, sources: instruction!.inputs.map(({ space, index }) => (space === 'trace' ? matrix : given[index]!)), ...matrix });
  return values;
}

function expectSame(made: Float32Array, wanted: Float32Array, what: string): void {
  const other = made.findIndex((value, i) => !sameBits(value, wanted[i]!));
  if (other >= 0) expect.fail(`${what}: ${made[other]} at ${other}, not ${wanted[other]}`);
  expect(made.length, what).toBe(wanted.length);
}

describe('the ledger’s operations', () => {
  it.each(LEDGER_OPS)('%s: runs to what its elements say, to the bit', async (op) => {
    let different = 0;
    for (let seed = 0; seed < 40; seed++) {
      const one = ledgerCase(op, seed);
      const { values } = await run(one);
      expectSame(values, slowly(one), one.name);
      different += new Set(values).size;
    }
    // Data that make nothing would hide everything.
    expect(different).toBeGreaterThan(80);
  });

  it('choleskyBlock is the kernel’s, with the same floors', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const one = ledgerCase('choleskyBlock', seed);
      const [A, whole] = one.given as [Matrix, Matrix];
      const size = A.rows;
      const l = A.values.map((x, at) => (at % size > Math.floor(at / size) ? 0 : x));
      const floors = Float32Array.from({ length: size }, (_, i) => Math.fround(Math.max(0, whole.values[i * size + i]!) * 2 ** -20));
      choleskyBlock.reference({ inputs: [l, floors], outputs: [l], shapes: [[size, size], [size]], params: { at: 0 } } as never);
      expectSame((await run(one)).values, l, one.name);
    }
  });

  it.each([['solveRows', 0], ['solveRowsBack', 1]] as const)('%s is the kernel’s substitution', async (op, backward) => {
    for (let seed = 0; seed < 40; seed++) {
      const one = ledgerCase(op, seed);
      const [B, L] = one.given as [Matrix, Matrix];
      const x = B.values.slice();
      choleskySolveBlock.reference({ inputs: [x, L.values], outputs: [x], shapes: [[B.rows, B.columns], [L.rows, L.columns]], params: { at: 0, backward } } as never);
      expectSame((await run(one)).values, x, one.name);
    }
  });

  it('rounds to four bits as it is written', () => {
    // −8 steps are the value of greatest magnitude; others go to the nearest, halves up, and what would be 8 is 7.
    expect([-4, -3.5, -3, -0.25, 0, 0.24, 0.25, 0.5, 3.5, 4].map((x) => quantisedValue(x, -4))).toEqual([-4, -3.5, -3, 0, 0, 0, 0.5, 0.5, 3.5, 3.5]);
    // Positive: a scale below zero, and halves go down.
    expect([4, 3.5, 0.25, -0.25, -4].map((x) => quantisedValue(x, 4))).toEqual([4, 3.5, 0, -0.5, -3.5]);
    expect(quantisedValue(2 ** -43, 2 ** -43)).toBe(0);
    expect(quantisedValue(2 ** -42, 2 ** -42)).toBe(2 ** -42);
    // Ties of the scale go to the even one.
    expect([1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -1 - 2 ** -8].map((x) => groupScale(-8 * x))).toEqual([1, 1 + 2 ** -6, 1 + 2 ** -7, -1]);
  });

  it('quantised is what the ledger’s file stands for', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const one = ledgerCase('quantised', seed);
      const { values, columns } = one.given[0]!;
      const { codes, scales } = roundRows(values, columns);
      expectSame((await run(one)).values, decodeRows(ROW_FORMAT, codes, scales, columns), one.name);
    }
  });

  it('chanceTerm and chanceDeviation are the ledger’s noise', async () => {
    let compared = 0;
    for (let seed = 0; seed < 40; seed++) {
      const one = ledgerCase('chanceTerm', seed);
      one.program.instructions[0]!.params = [0];
      const [p, squares] = one.given as [Matrix, Matrix];
      const words = one.inputs.scalars.map(bitsOf);
      const terms = await run(one);
      const deviation: LedgerCase = {
        ...one, given: [terms, squares],
        program: { constants: [], window: 0, instructions: [{ op: 'chanceDeviation', name: 'noise', rows: fixed(p.rows), columns: fixed(1), params: [], inputs: [terms, squares].map(({ rows, columns }, index) => ({ space: 0, index, rows: fixed(rows), columns: fixed(columns) })) }] },
      };
      const made = await run(deviation);
      // Where a term leaves the range there is no ledger.
      if (terms.values.some((term) => term > HUGE)) continue;
      compared++;
      expectSame(made.values, chanceDeviations(p.values, squares.values, words.slice(1, 65), words[0]!, p.rows), one.name);
    }
    expect(compared).toBeGreaterThan(20);
  });
});

describe('dotBlocks on a backend', () => {
  const instruction = (rows: number, columns: number, blocks: number): Instruction => ({ op: 'dotBlocks', name: 'dots', rows: fixed(rows), columns: fixed(columns * blocks), params: [blocks], inputs: [] });

  it.each([['normal', 64, 64, 600], ['edge', 40, 33, 1025], ['edge', 130, 100, 256], ['small', 64, 64, 257]] as const)('%s [%i,%i] of %i terms: the sums as they stand', async (kind, rows, columns, terms) => {
    const blocks = Math.ceil(terms / 256);
    const x = { rows, columns: terms, values: floats(kind, rows * terms, 1) };
    const y = { rows: columns + 3, columns: terms, values: floats(kind, (columns + 3) * terms, 2) };
    // Rows whose every product cancels but for what a stored sum would lose: two products a last place apart.
    const [tiny, more] = [2 ** -50, Math.fround(2 ** -50 * (1 + 2 ** -23))];
    x.values.fill(0, 0, 2 * terms);
    y.values.fill(0, 0, terms);
    x.values.set([tiny, -more], 0);
    y.values.set([1, 1], 0);
    x.values.set([tiny, -more], terms);
    y.values.set([2 ** -50, 2 ** -50], 0);
    const work = { instruction: instruction(rows, columns, blocks), texts, sources: [x, y], rows, columns: columns * blocks };
    const wanted = new Float32Array(rows * columns * blocks);
    slow({ ...work, values: wanted });
    expect(wanted[columns * blocks]).not.toBe(0);
    expect(Math.abs(wanted[columns * blocks]!)).toBeLessThan(2 ** -100);
    for (const on of [backend, new ReferenceBackend()]) {
      const values = new Float32Array(wanted.length);
      expect(await ON_BACKEND.dotBlocks!(on, { ...work, values })).toBe(true);
      expectSame(values, wanted, kind);
    }
  });

  it('leaves small matrices to the host', async () => {
    const x = { rows: 4, columns: 64, values: floats('normal', 256, 1) };
    const small = { texts, sources: [x, x, x], rows: 4, columns: 4, values: new Float32Array(16) };
    expect(await ON_BACKEND.dotBlocks!(backend, { ...small, instruction: instruction(4, 4, 1) })).toBe(false);
    expect(await ON_BACKEND.tileUpdate!(backend, { ...small, instruction: instruction(4, 4, 1) })).toBe(false);
  });
});

it.each(['normal', 'edge', 'small'] as const)('tileUpdate on a backend is the host’s, %s', async (kind) => {
  const matrix = (rows: number, columns: number, seed: number) => ({ rows, columns, values: floats(kind, rows * columns, seed) });
  for (const width of [64, 256]) {
    const work = { instruction: { op: 'tileUpdate', name: 'tile', rows: fixed(64), columns: fixed(33), params: [], inputs: [] } as Instruction, texts, sources: [matrix(64, 33, 1), matrix(64, width, 2), matrix(33, width, 3)], rows: 64, columns: 33 };
    const wanted = new Float32Array(64 * 33);
    FAST_LEDGER.tileUpdate({ ...work, values: wanted });
    for (const on of [backend, new ReferenceBackend()]) {
      const values = new Float32Array(wanted.length);
      expect(await ON_BACKEND.tileUpdate!(on, { ...work, values })).toBe(true);
      expectSame(values, wanted, kind);
    }
  }
});
