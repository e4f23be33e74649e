import { describe, expect, it } from 'vitest';
import { randomNormal } from '../../arithmetic/random.ts';
import { add, div, mul, sqrt } from '../../arithmetic/rf32.ts';
import type { Lora } from '../../model/lora.ts';
import { LOSS_SCALE } from '../record-gradients.ts';
import { GradientScale, listSum } from './scale.ts';

/** An adapter of two tensors; of it only the shapes are read. */
const lora = (a: number, b: number) => ({ pairs: new Map([['layer', { a: { shape: [1, a] }, b: { shape: [b, 1] } }]]) }) as unknown as Lora;
const [A, B] = ['layer.lora_A', 'layer.lora_B'];
const normal = (count: number, seed: number, times = 1) => Float32Array.from({ length: count }, (_, i) => times * randomNormal(seed, 0, i));

/** The scale of gradients that come checkpoint after checkpoint, some records at a time. */
function scaleOf(a: number, b: number, gradients: readonly (readonly [Float32Array, Float32Array])[], batch: number): Float32Array {
  const scale = new GradientScale(lora(a, b));
  for (const [first, second] of gradients) scale.add(new Map([[A, first], [B, second]]));
  return scale.of(gradients.reduce((sum, [first]) => sum + first.length / a, 0), batch);
}

describe('the scale of an adapter’s numbers', () => {
  const [a, b, records, batch] = [700, 90, 24, 4];
  // Numbers of very different gradients, the last of them hardly any: there the floor counts.
  const sizes = (i: number, all: number) => 1000 * 10 ** ((-7 * i) / all);
  const gradients = [1, 2, 3].map((at): [Float32Array, Float32Array] => [
    normal(records * a, at).map((x, i) => x * sizes(i % a, a)), normal(records * b, at + 10).map((x, i) => x * sizes(i % b, b)),
  ]);

  it('is, to float32’s accuracy, what float64 gives', () => {
    const got = scaleOf(a, b, gradients, batch);
    const squares = new Float64Array(a + b);
    for (const [first, second] of gradients) {
      first.forEach((g, i) => (squares[i % a]! += g * g));
      second.forEach((g, i) => (squares[a + (i % b)]! += g * g));
    }
    const floor = (1e-6 * squares.reduce((x, y) => x + y)) / (a + b);
    expect(squares.filter((x) => x < floor).length).toBeGreaterThan(50);
    const exact = squares.map((x) => (Math.max(x, floor) / (3 * records * batch * LOSS_SCALE ** 2)) ** -0.25);
    // Sums of 72 squares are off by a few units of the last place, their fourth roots by a quarter of that.
    got.forEach((s, i) => expect(Math.abs(s / exact[i]! - 1)).toBeLessThan(2 ** -21));
  });

  it('does not depend on how many records come at once', () => {
    const half = (values: Float32Array, count: number, which: number) => values.slice((which * count * records) / 2, ((which + 1) * count * records) / 2);
    const pieces = gradients.flatMap(([first, second]) => [0, 1].map((which): [Float32Array, Float32Array] => [half(first, a, which), half(second, b, which)]));
    expect(scaleOf(a, b, pieces, batch)).toEqual(scaleOf(a, b, gradients, batch));
  });

  it('is the formula, number by number', () => {
    // Three records of two numbers and one; the second number is 0, so that the floor is its sum of squares.
    const one = [3, 0, 5, 0, 7, 0].map(Math.fround);
    const other = [0.1, 0.2, 0.3].map(Math.fround);
    const s0 = add(add(mul(3, 3), mul(5, 5)), mul(7, 7));
    const s2 = add(add(mul(other[0]!, other[0]!), mul(other[1]!, other[1]!)), mul(other[2]!, other[2]!));
    const floor = mul(add(add(s0, 0), s2), Math.fround(1e-6 / 3));
    const of = (square: number) => div(1, sqrt(sqrt(div(square, Math.fround(3 * 2 * 2 ** 20)))));
    expect([...scaleOf(2, 1, [[Float32Array.from(one), Float32Array.from(other)]], 2)]).toEqual([of(s0), of(floor), of(s2)]);
  });

  it('is 1 where every gradient is 0, or too small for its square to be a number', () => {
    expect([...scaleOf(2, 1, [[new Float32Array(2), new Float32Array(1)]], 1)]).toEqual([1, 1, 1]);
    expect([...scaleOf(2, 1, [[new Float32Array(2).fill(2 ** -51), new Float32Array(1)]], 1)]).toEqual([1, 1, 1]);
  });

  it('is refused where squares pass 2^50, or are no numbers', () => {
    for (const [value, fits] of [[2 ** 24, true], [2 ** 25.5, false], [Infinity, false], [NaN, false]] as const) {
      const make = () => scaleOf(1, 1, [[Float32Array.of(value), Float32Array.of(1)]], 1);
      if (fits) expect(make().every((s) => s > 0)).toBe(true);
      else expect(make).toThrow(expect.objectContaining({ code: 'rf32/out-of-range' }));
    }
  });
});

describe('the sum of a list', () => {
  it('is of blocks of 256, of their sums, and so on', () => {
    const values = normal(256 * 256 + 300, 4);
    const blocks = (list: readonly number[]) => Array.from({ length: Math.ceil(list.length / 256) }, (_, k) => list.slice(256 * k, 256 * k + 256).reduce((sum, x) => Math.fround(sum + x), 0));
    const twice = blocks(blocks([...values]));
    expect(twice).toHaveLength(2);
    expect(listSum(values)).toBe(Math.fround(twice[0]! + twice[1]!));
    expect(listSum(values.subarray(0, 300))).toBe(blocks(blocks([...values.subarray(0, 300)]))[0]);
    expect(listSum(Float32Array.of(7))).toBe(7);
    expect(listSum(new Float32Array(0))).toBe(0);
  });
});
