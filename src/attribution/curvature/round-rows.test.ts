import { describe, expect, it } from 'vitest';
import { randomNormal } from '../../arithmetic/random.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { decodeRows } from '../../kernels/matrix/decode.ts';
import { bfloat16Value } from '../../kernels/matrix/float16.ts';
import { createMatrix, freeMatrix } from '../../kernels/matrix/matrix.ts';
import { roundRows, writeRounded } from './round-rows.ts';

const normal = (count: number, seed: number, times = 1) => Float32Array.from({ length: count }, (_, i) => times * randomNormal(seed, 0, i));
const round = (values: Float32Array, columns: number) => {
  const { codes, scales } = roundRows(values, columns);
  return decodeRows('q4', codes, scales, columns);
};
const scaleOf = ({ scales }: { scales: Uint32Array }, group: number) => bfloat16Value((scales[group >> 1]! >>> (16 * (group & 1))) & 0xffff);

describe('rounding rows to 4 bits', () => {
  it('gives the nearest of sixteen numbers, of which the first is nearly the greatest', () => {
    const [rows, columns] = [9, 100];
    const values = normal(rows * columns, 1);
    const rounded = roundRows(values, columns);
    const got = decodeRows('q4', rounded.codes, rounded.scales, columns);
    let squares = 0;
    for (let row = 0; row < rows; row++) {
      for (let from = 0; from < columns; from += 32) {
        const group = [...values.subarray(row * columns + from, row * columns + Math.min(columns, from + 32))];
        const extreme = group.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0);
        const scale = scaleOf({ scales: rounded.scales.subarray(row * 2) }, from / 32);
        // bfloat16 has 8 significant bits.
        expect(Math.abs(scale / (extreme / -8) - 1)).toBeLessThanOrEqual(2 ** -8);
        group.forEach((x, i) => {
          const value = got[row * columns + from + i]!;
          squares += (x - value) ** 2;
          const code = value / scale;
          expect(Number.isInteger(code) && code >= -8 && code <= 7).toBe(true);
          // Half a step, but for what lies beyond the greatest code.
          const beyond = Math.max(0, x / scale - 7.5);
          expect(Math.abs(x / scale - code)).toBeLessThanOrEqual(0.5 + beyond + 2 ** -20);
        });
      }
    }
    // Sixteen steps over twice the greatest of 32 normal numbers.
    expect(Math.sqrt(squares / (rows * columns))).toBeLessThan(0.1);
  });

  it('takes the sign of the first of the greatest: that side reaches to 8, the other to 7', () => {
    const values = Float32Array.of(1, -4, 4, 2, 0.2, -3.5);
    expect([...round(values, 6)]).toEqual([1, -4, 3.5, 2, 0, -3.5]);
    expect([...round(values.map((x) => -x), 6)]).toEqual([-1, 4, -3.5, -2, 0, 3.5]);
  });

  it('rounds halves towards the code above, and a scale between two bfloat16 to the even one', () => {
    // Steps of 1: codes −8 … 7 of scale 1 for a greatest −8.
    expect([...round(Float32Array.of(-8, 0.5, 1.5, -0.5, -1.5, 6.49, 7.6, -7.6), 8)]).toEqual([-8, 1, 2, 0, -1, 6, 7, -8]);
    // 1 + 2^-8 lies between 1 and 1 + 2^-7, 1 + 3·2^-8 between 1 + 2^-7 and 1 + 2^-6.
    expect(scaleOf(roundRows(Float32Array.of(-8 * (1 + 2 ** -8)), 1), 0)).toBe(1);
    expect(scaleOf(roundRows(Float32Array.of(-8 * (1 + 3 * 2 ** -8)), 1), 0)).toBe(1 + 2 ** -6);
  });

  it('leaves a group of zeros, or of less than 2^-42, all zeros, and others as they are', () => {
    const values = normal(96, 2);
    values.fill(0, 32, 64);
    const rounded = roundRows(values, 96);
    expect(scaleOf(rounded, 1)).toBe(0);
    expect([...decodeRows('q4', rounded.codes, rounded.scales, 96).subarray(32, 64)].every((x) => Object.is(x, 0))).toBe(true);
    expect(scaleOf(rounded, 2)).not.toBe(0);
    const tiny = Float32Array.of(2 ** -42, -(2 ** -43));
    expect([...round(tiny, 2)]).toEqual([...tiny]);
    expect([...round(tiny.map((x) => x * (1 - 2 ** -24)), 2)]).toEqual([0, 0]);
    expect(roundRows(new Float32Array(0), 32)).toEqual({ codes: new Uint32Array(0), scales: new Uint32Array(0) });
  });

  it('holds all of the arithmetic’s range and refuses what is beyond', () => {
    expect([...round(Float32Array.of(2 ** 50, -(2 ** 50)), 2)]).toEqual([2 ** 50, -7 * 2 ** 47]);
    for (const value of [2 ** 51, -Infinity, NaN]) {
      expect(() => roundRows(Float32Array.of(1, value), 2)).toThrow(expect.objectContaining({ code: 'rf32/out-of-range' }));
    }
  });

  it('gives the same whatever stands around a group', () => {
    const columns = 64;
    const values = normal(5 * columns, 3);
    const whole = roundRows(values, columns);
    for (let row = 0; row < 5; row++) {
      expect(roundRows(values.subarray(row * columns, (row + 1) * columns), columns)).toEqual({ codes: whole.codes.slice(8 * row, 8 * row + 8), scales: whole.scales.slice(row, row + 1) });
    }
  });

  it('is written to a matrix over the parts that a device may need', async () => {
    const backend = await createCpuBackend();
    const [rows, columns] = [600, 40];
    const limited = Object.create(backend, { maxBinding: { value: 256 * 4 * 8 } }) as typeof backend;
    const matrix = createMatrix(limited, 'rows', rows, columns, 'q4');
    expect(matrix.parts).toHaveLength(3);
    const values = normal(rows * columns, 5);
    for (const [first, end] of [[0, 300], [300, 530], [530, 600]] as const) writeRounded(backend, matrix, first, roundRows(values.subarray(first * columns, end * columns), columns));
    const found: number[] = [];
    for (const { codes, scales } of matrix.parts) found.push(...decodeRows('q4', await backend.read(codes), await backend.read(scales!), columns));
    expect(found).toEqual([...round(values, columns)]);
    freeMatrix(backend, matrix);
  });
});
