import { describe, expect, it } from 'vitest';
import { suffixArray } from './suffix-array.ts';

/** The definition: suffixes sorted by comparing them. */
function byComparing(text: Int32Array): number[] {
  return Array.from(text, (_, i) => i).sort((a, b) => {
    while (text[a] === text[b]) [a, b] = [a + 1, b + 1];
    return text[a]! - text[b]!;
  });
}

const ended = (symbols: readonly number[]) => Int32Array.from([...symbols, 0]);

describe('suffix array', () => {
  it('orders the suffixes of every text of up to seven symbols of three kinds', () => {
    for (let length = 0; length <= 7; length++) {
      for (let code = 0; code < 3 ** length; code++) {
        const text = ended(Array.from({ length }, (_, i) => (Math.floor(code / 3 ** i) % 3) + 1));
        expect([...suffixArray(text, 4)], String(text)).toEqual(byComparing(text));
      }
    }
  });

  it('orders texts with long repeats, large alphabets and Fibonacci words', () => {
    let [a, b] = [[1], [1, 2]];
    while (b.length < 1500) [a, b] = [b, [...b, ...a]];
    const many = Array.from({ length: 1500 }, (_, i) => ((i * 7919) % 997) + 1);
    for (const symbols of [b, many, [...many, ...many], Array.from({ length: 1500 }, () => 1), many.map((symbol) => (symbol % 2) + 1)]) {
      const text = ended(symbols);
      expect([...suffixArray(text, 998)]).toEqual(byComparing(text));
    }
  });

  it('is linear for one symbol a million times', () => {
    const n = 1_000_000;
    const text = new Int32Array(n + 1).fill(1, 0, n);
    const began = performance.now();
    const suffixes = suffixArray(text, 2);
    expect(performance.now() - began).toBeLessThan(5000);
    expect([suffixes[0], suffixes[1], suffixes[n]]).toEqual([n, n - 1, 0]);
  });
});
