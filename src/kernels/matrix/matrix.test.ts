import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { bitsOf, fromBits } from '../../arithmetic/rf32.ts';
import { toWire } from '../../errors.ts';
import { floats } from '../case.ts';
import { createCpuBackend } from '../cpu/backend.ts';
import { ReferenceBackend } from '../reference/backend.ts';
import { decodeRows } from './decode.ts';
import { encodeRows } from './encode.ts';
import { bfloat16Bits, bfloat16Value, float16Bits, float16Value } from './float16.ts';
import { FORMATS, type Format, GROUP, PACKED_FORMATS, type PackedFormat, codeWords, matrixBytes, scaleWords } from './format.ts';
import { createMatrix, freeMatrix, writeRows } from './matrix.ts';
import { SMALL_BINDING, allSplitChecks } from './split-checks.ts';

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
  } catch (error) {
    return toWire(error).code;
  }
  return undefined;
};

const through = (format: PackedFormat, values: Float32Array, columns: number) => {
  const { codes, scales } = encodeRows('w', format, values, columns);
  return decodeRows(format, codes, scales, columns);
};

/** Significant bits of a float32. */
function significantBits(x: number): number {
  let significand = (bitsOf(x) & 0x7fffff) | 0x800000;
  if (x === 0) return 0;
  let count = 24;
  while ((significand & 1) === 0) {
    significand >>>= 1;
    count--;
  }
  return count;
}

describe('16-bit formats', () => {
  it('give every float16 back, by its bits', () => {
    for (let half = 0; half < 0x10000; half++) {
      if ((half & 0x7c00) === 0x7c00 || half === 0x8000) continue;
      expect(float16Bits(float16Value(half))).toBe(half);
    }
  });

  it('round to the nearest, ties to even', () => {
    expect(float16Bits(1 + 2 ** -11)).toBe(0x3c00);
    expect(float16Bits(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(float16Bits(2 ** -25)).toBe(0);
    expect(float16Bits(-(2 ** -25))).toBe(0);
    expect(float16Bits(3 * 2 ** -25)).toBe(2);
    expect(float16Bits(65519.99)).toBe(0x7bff);
    expect(float16Bits(65520)).toBeUndefined();
    for (const value of floats('edge', 4000, 3)) {
      if (Math.abs(value) >= 65504) continue;
      const units = Math.abs(value) < 2 ** -14 ? 2 ** -24 : 2 ** (Math.floor(Math.log2(Math.abs(value))) - 10);
      expect(Math.abs(float16Value(float16Bits(value)!) - value)).toBeLessThanOrEqual(units / 2);
    }
  });

  it('bfloat16 keeps the range of float32', () => {
    for (const value of floats('edge', 4000, 4)) {
      const back = bfloat16Value(bfloat16Bits(value));
      expect(Math.abs(back - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -8);
    }
    expect(bfloat16Value(bfloat16Bits(fromBits(0x3f808000)))).toBe(1);
    expect(bfloat16Value(bfloat16Bits(fromBits(0x3f818000)))).toBe(fromBits(0x3f820000));
  });

  it('refuses what float16 cannot hold, and names the place', () => {
    const values = Float32Array.of(1, 2, 3, 4, -70000, 6);
    expect(codeOf(() => encodeRows('layers.0.w', 'f16', values, 3))).toBe('weights/too-great-for-format');
    expect(() => encodeRows('layers.0.w', 'f16', values, 3, 10)).toThrow(/layers\.0\.w.*row 11, column 1/);
    expect(through('bf16', values, 3)[4]).toBe(bfloat16Value(bfloat16Bits(-70000)));
  });
});

describe.each(FORMATS)('%s', (format: Format) => {
  it.each([NaN, Infinity, -Infinity, 2 ** 51])('refuses %s, and names the place', (value) => {
    const values = new Float32Array(10);
    values[7] = value;
    expect(codeOf(() => encodeRows('w', format, values, 5))).toBe('weights/not-a-number');
    expect(() => encodeRows('w', format, values, 5, 2)).toThrow(/row 3, column 2/);
  });

  it('counts its bytes', () => {
    const { codes, scales } = encodeRows('w', format, floats('normal', 3 * 70, 5), 70);
    expect(matrixBytes(3, 70, format)).toBe(codes.byteLength + (scales?.byteLength ?? 0));
  });
});

describe.each(['q8', 'q4'] as const)('%s', (format) => {
  it.each([1, 31, 32, 33, 64, 100])('keeps groups of %i columns within half a step', (columns) => {
    const rows = 40;
    const values = floats('normal', rows * columns, columns, 1);
    const back = through(format, values, columns);
    for (let row = 0; row < rows; row++) {
      for (let from = 0; from < columns; from += GROUP) {
        const group = values.subarray(row * columns + from, row * columns + Math.min(from + GROUP, columns));
        const greatest = group.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        group.forEach((x, i) => {
          // q8: half a step, the step at most 1/16 above greatest / 127. q4: the extreme may be cut where that is better for the rest.
          const bound = format === 'q8' ? (greatest / 127) * 0.5 * (1 + 1 / 16) : greatest / 4;
          expect(Math.abs(back[row * columns + from + i]! - x)).toBeLessThanOrEqual(bound + 1e-12);
        });
      }
    }
  });

  it('has a small error on normal weights', () => {
    const values = floats('normal', 64 * 512, 11);
    const back = through(format, values, 512);
    let [error, squares] = [0, 0];
    values.forEach((x, i) => {
      error += (back[i]! - x) ** 2;
      squares += x * x;
    });
    expect(Math.sqrt(error / squares)).toBeLessThan(format === 'q8' ? 0.0062 : 0.087);
  });

  it('has values of at most 12 significant bits, all 0 or at least 2^-50', () => {
    for (const value of through(format, floats('edge', 40 * 65, 12), 65)) {
      expect(significantBits(value)).toBeLessThanOrEqual(12);
      expect(value === 0 ? !Object.is(value, -0) : Math.abs(value) >= 2 ** -50).toBe(true);
    }
  });

  it('gives zeros for zeros and for what is tiny throughout', () => {
    expect(through(format, new Float32Array(70), 70)).toEqual(new Float32Array(70));
    expect(through(format, new Float32Array(70).fill(2 ** -60), 70)).toEqual(new Float32Array(70));
  });

  it('meets a single value among zeros exactly enough', () => {
    for (const x of [1, -1, 0.37, -123.4, 2 ** 40, 2 ** -30]) {
      const values = new Float32Array(32);
      values[9] = x;
      expect(Math.abs(through(format, values, 32)[9]! - values[9]!)).toBeLessThanOrEqual(Math.abs(values[9]!) / 128);
    }
  });

  it('writes the same codes whether rows come at once or one by one', () => {
    const values = floats('normal', 6 * 50, 14);
    const whole = encodeRows('w', format, values, 50);
    for (let row = 0; row < 6; row++) {
      const one = encodeRows('w', format, values.subarray(row * 50, (row + 1) * 50), 50, row);
      expect(one.codes).toEqual(whole.codes.slice(row * codeWords(format, 50), (row + 1) * codeWords(format, 50)));
      expect(one.scales).toEqual(whole.scales!.slice(row * scaleWords(format, 50), (row + 1) * scaleWords(format, 50)));
    }
  });
});

describe('a matrix that is greater than a binding', () => {
  it('gives the same bits in parts: reference', async () => {
    expect(await allSplitChecks(async (maxBinding) => new ReferenceBackend(maxBinding === undefined ? {} : { maxBinding }))).toEqual([]);
  });

  it('gives the same bits in parts: CPU', async () => {
    expect(await allSplitChecks((maxBinding) => createCpuBackend(maxBinding === undefined ? {} : { maxBinding }))).toEqual([]);
  });

  it('gives the same bits in parts: WebGPU', { timeout: 120_000 }, async (context) => {
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'node_modules/tsx/dist/cli.mjs'), join(root, 'src/kernels/matrix/split.node.ts'), 'opengles']);
    const report = JSON.parse(stdout.trim().split('\n').at(-1)!) as { skipped?: string; wrong: string[] };
    if (report.skipped) {
      console.warn(`NOT TESTED: split matrices on WebGPU. ${report.skipped}`);
      return context.skip(report.skipped);
    }
    expect(report.wrong).toEqual([]);
  });

  it('is refused where 256 rows pass the limit', () => {
    const small = new ReferenceBackend({ maxBinding: 1000 });
    expect(codeOf(() => createMatrix(small, 'lm_head.weight', 1000, 64, 'f32'))).toBe('weights/row-too-large');
    expect(() => createMatrix(small, 'lm_head.weight', 1000, 64, 'f32')).toThrow(/lm_head\.weight/);
    expect(createMatrix(small, 'w', 2, 64, 'f32').parts.length).toBe(1);
  });

  it.each(FORMATS)('takes rows that lie across parts, refuses rows outside: %s', async (format) => {
    const small = new ReferenceBackend({ maxBinding: SMALL_BINDING[format] });
    const matrix = createMatrix(small, 'w', 700, 130, format);
    writeRows(small, matrix, 250, floats('normal', 300 * 130, 1));
    expect(() => writeRows(small, matrix, 500, new Float32Array(201 * 130))).toThrow(RangeError);
    expect(() => writeRows(small, matrix, 0, new Float32Array(131))).toThrow(RangeError);
    expect(matrix.parts.every(({ from }) => from % 256 === 0)).toBe(true);
    const read = await Promise.all(matrix.parts.map(async ({ codes, scales }) => ({ codes: await small.read(codes), scales: scales && (await small.read(scales)) })));
    const values = read.flatMap(({ codes, scales }) =>
      [...(format === 'f32' ? (codes as Float32Array) : decodeRows(format as PackedFormat, codes, scales, 130))]);
    const expected = floats('normal', 300 * 130, 1);
    const known = format === 'f32' ? expected : decodeRows(format as PackedFormat, ...(Object.values(encodeRows('w', format, expected, 130)) as [Uint32Array, Uint32Array]), 130);
    expect(Float32Array.from(values.slice(250 * 130, 550 * 130))).toEqual(known);
    expect(values.slice(0, 250 * 130).every((x) => x === 0) && values.slice(550 * 130).every((x) => x === 0)).toBe(true);
    freeMatrix(small, matrix);
    expect(small.memory().bytes).toBe(0);
  });
});

it('lists every packed format', () => {
  expect(FORMATS.filter((format) => format !== 'f32')).toEqual(PACKED_FORMATS);
});
