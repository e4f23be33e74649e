import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RopeScaling } from './rope-config.ts';
import { attentionFactor, ropeFrequencies, ropeTables } from './rope.ts';

const plain = { headDim: 64, ropeTheta: 10000, ropeScaling: undefined };
const scaled = (ropeScaling: RopeScaling) => ({ ...plain, ropeTheta: 500000, ropeScaling });

describe('rotary tables', () => {
  it('without scaling keep the bits that published adapters were trained with', () => {
    // Known answer: the tables of the base shipped since the first version (32 values a head, 256 positions).
    const { cos, sin } = ropeTables({ headDim: 32, ropeTheta: 10000, ropeScaling: undefined }, 256);
    expect(createHash('sha256').update(new Uint8Array(cos.buffer)).update(new Uint8Array(sin.buffer)).digest('hex').slice(0, 16)).toBe('c389ef4319a4f4bc');
  });

  it('are cosine and sine of position times frequency', () => {
    const { cos, sin } = ropeTables(plain, 40);
    for (const [p, i] of [[0, 0], [39, 0], [17, 5], [39, 31]] as const) {
      const angle = p * 10000 ** ((-2 * i) / 64);
      expect(cos[p * 32 + i]).toBeCloseTo(Math.cos(angle), 6);
      expect(sin[p * 32 + i]).toBeCloseTo(Math.sin(angle), 6);
    }
  });

  it('linear: positions are divided', () => {
    const { cos } = ropeTables({ ...plain, ropeScaling: { type: 'linear', factor: 4 } }, 9);
    expect(Array.from(cos.subarray(8 * 32, 9 * 32))).toEqual(Array.from(ropeTables(plain, 3).cos.subarray(2 * 32, 3 * 32)));
  });

  it('llama3: by wavelength, as in the model’s own code', () => {
    const [factor, low, high, original] = [32, 1, 4, 8192];
    const got = ropeFrequencies(scaled({ type: 'llama3', factor, lowFrequency: low, highFrequency: high, original }));
    const kinds = new Set<string>();
    ropeFrequencies({ ...plain, ropeTheta: 500000 }).forEach((f, i) => {
      const wavelength = (2 * Math.PI) / f;
      const smooth = (original / wavelength - low) / (high - low);
      const [kind, want] = wavelength < original / high ? ['kept', f] : wavelength > original / low ? ['stretched', f / factor] : ['mixed', (1 - smooth) * (f / factor) + smooth * f];
      kinds.add(kind);
      expect(got[i]! / want).toBeCloseTo(1, 12);
    });
    expect(kinds.size).toBe(3);
  });

  it('yarn: fast rotations kept, slow ones stretched, a ramp between; tables times the attention factor', () => {
    const yarn = { type: 'yarn', factor: 4, original: 32768, betaFast: 32, betaSlow: 1, truncate: true, attentionFactor: undefined, mscale: undefined, mscaleAll: undefined } as const;
    const config = { headDim: 128, ropeTheta: 1e6, ropeScaling: yarn };
    const base = ropeFrequencies({ ...config, ropeScaling: undefined });
    const got = ropeFrequencies(config);
    // Bounds of the ramp, computed apart: E · ln(original / 2πβ) / (2 ln θ).
    const bound = (beta: number) => (128 * Math.log(32768 / (beta * 2 * Math.PI))) / (2 * Math.log(1e6));
    const [low, high] = [Math.floor(bound(32)), Math.ceil(bound(1))];
    expect([low, high]).toEqual([23, 40]);
    got.forEach((f, i) => {
      const stretched = Math.min(1, Math.max(0, (i - low) / (high - low)));
      expect(f / (base[i]! * (1 - stretched) + (base[i]! / 4) * stretched)).toBeCloseTo(1, 12);
    });
    const factor = 0.1 * Math.log(4) + 1;
    expect(attentionFactor(yarn)).toBeCloseTo(factor, 12);
    expect(ropeTables(config, 1).cos[0]).toBeCloseTo(factor, 6);
    expect(attentionFactor({ ...yarn, mscale: 1, mscaleAll: 1 })).toBe(1);
    expect(attentionFactor({ ...yarn, attentionFactor: 0.5 })).toBe(0.5);
  });
});
