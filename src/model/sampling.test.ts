import { describe, expect, it } from 'vitest';
import { randomUnit } from '../arithmetic/random.ts';
import { GREEDY, type Sampling, parseSampling, sampleToken } from './sampling.ts';

const logitsOf = (seed: number, count: number, spread = 8) => Float32Array.from({ length: count }, (_, i) => spread * (randomUnit(seed, 9, i) - 0.5));
const draw = (logits: Float32Array, options: Partial<Sampling>, step: number, history: number[] = []) => sampleToken(logits, history, { ...GREEDY, temperature: 1, ...options, step });

/** Probabilities as transformers computes them, in float64 with a full sort. */
function probabilities(logits: Float32Array, history: number[], { temperature, topK, topP, repetitionPenalty }: Sampling): number[] {
  const l = Array.from(logits, (x, id) => (history.includes(id) ? (x > 0 ? x / repetitionPenalty : x * repetitionPenalty) : x) / temperature);
  const order = l.map((_, id) => id).sort((a, b) => l[b]! - l[a]! || a - b).slice(0, topK || l.length);
  const weights = order.map((id) => Math.exp(l[id]! - l[order[0]!]!));
  const total = weights.reduce((a, b) => a + b);
  const p = new Array<number>(l.length).fill(0);
  let sum = 0;
  for (const [i, id] of order.entries()) {
    if (i > 0 && sum >= topP) break;
    p[id] = weights[i]! / total;
    sum += p[id]!;
  }
  return p.map((x) => x / sum);
}

describe('sampling', () => {
  it('at temperature 0 takes the greatest logit, the lowest id among equals', () => {
    const logits = Float32Array.of(1, 3, -2, 3, 0);
    expect(sampleToken(logits, [], { ...GREEDY, step: 0 })).toBe(1);
    expect(sampleToken(logits, [1], { ...GREEDY, repetitionPenalty: 1.5, step: 0 })).toBe(3);
    expect(sampleToken(Float32Array.of(-1, -1.5), [0], { ...GREEDY, repetitionPenalty: 2, step: 0 })).toBe(1);
  });

  it.each([
    [{}],
    [{ temperature: 0.5 }],
    [{ topK: 5 }],
    [{ topP: 0.7 }],
    [{ topK: 8, topP: 0.6, temperature: 1.5 }],
    [{ repetitionPenalty: 1.8, topP: 0.9 }],
  ])('with %j draws each token as often as transformers would', (given) => {
    const options = { ...GREEDY, temperature: 1, ...given };
    const logits = logitsOf(3, 20);
    const history = [2, 5, 5, 11];
    const want = probabilities(logits, history, options);
    const n = 20_000;
    const seen = new Array<number>(20).fill(0);
    for (let step = 0; step < n; step++) seen[draw(logits, options, step, history)]!++;
    want.forEach((p, id) => {
      if (p === 0) expect(seen[id]).toBe(0);
      else expect(Math.abs(seen[id]! - n * p)).toBeLessThan(5 * Math.sqrt(n * p * (1 - p)) + 1);
    });
  });

  it('is a function of logits, options, seed and step: known answers', () => {
    // A change here changes every published sampled answer.
    const logits = logitsOf(1, 1000);
    const answers = (options: Partial<Sampling>) => Array.from({ length: 6 }, (_, step) => draw(logits, { seed: 42, ...options }, step));
    expect(answers({})).toEqual([142, 611, 27, 805, 403, 141]);
    expect(answers({ topK: 40, topP: 0.9, temperature: 0.7 })).toEqual([ 161, 308, 449, 706, 457, 161 ]);
    expect(answers({ seed: 43 })).not.toEqual(answers({}));
  });

  it('takes the lowest ids of equal logits in top-k', () => {
    const seen = new Set(Array.from({ length: 200 }, (_, step) => draw(new Float32Array(50), { topK: 3 }, step)));
    expect([...seen].sort()).toEqual([0, 1, 2]);
  });

  it('keeps one token however small top-p is, and reads extreme logits', () => {
    expect(draw(Float32Array.of(0, 40, 1), { topP: 2 ** -24 }, 1)).toBe(1);
    const wild = new Float32Array(300).fill(-(2 ** 40));
    wild[299] = 2 ** 40;
    for (let step = 0; step < 50; step++) expect(draw(wild, { temperature: 5 }, step)).toBe(299);
    expect(draw(Float32Array.of(7), {}, 0)).toBe(0);
  });

  it('is fast enough for large vocabularies', () => {
    const logits = logitsOf(7, 152_000, 30);
    for (const [options, most] of [[{ topK: 50 }, 20], [{ topP: 0.95 }, 300], [{}, 300]] as const) {
      draw(logits, options, 0);
      const times = Array.from({ length: 5 }, (_, step) => {
        const began = performance.now();
        draw(logits, options, step, [1, 2, 3]);
        return performance.now() - began;
      });
      console.log(`152,000 logits, ${JSON.stringify(options)}: ${Math.min(...times).toFixed(1)} ms`);
      expect(Math.min(...times)).toBeLessThan(most);
    }
  });

  it.each([{ temperature: -1 }, { temperature: NaN }, { temperature: 1e-9 }, { topK: 1.5 }, { topP: 0 }, { topP: 1.1 }, { repetitionPenalty: 0 }, { seed: -1 }, { seed: 2 ** 32 }, { topK: '5' as unknown as number }])('refuses %j by name', (options) => {
    expect(() => parseSampling(options)).toThrow(expect.objectContaining({ code: 'sampling/invalid', why: expect.stringContaining(Object.keys(options)[0]!) }));
  });
  it('fills in what is not said', () => expect(parseSampling({ temperature: 0.7, topK: undefined })).toEqual({ ...GREEDY, temperature: 0.7 }));
});
