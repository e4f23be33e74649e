import { hostLog, hostPow, hostSinCos } from '../arithmetic/host.ts';
import type { ModelConfig } from './config.ts';
import type { RopeScaling } from './rope-config.ts';

const TWO_PI = 6.283185307179586;
/** RF32 stores smaller values as +0. */
const TINY = 2 ** -100;

type RopeConfig = Pick<ModelConfig, 'headDim' | 'ropeTheta' | 'ropeScaling'>;

/**
 * cos and sin of p · f_i, [positions, headDim/2] each, times the scaling's attention factor: computed in float64 by the
 * host's own functions and rounded once, so that they are the same bits everywhere.
 */
export function ropeTables(config: RopeConfig, positions: number): { cos: Float32Array; sin: Float32Array } {
  const frequencies = ropeFrequencies(config);
  const factor = attentionFactor(config.ropeScaling);
  const half = frequencies.length;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let i = 0; i < half; i++) {
    for (let p = 0; p < positions; p++) {
      const [s, c] = hostSinCos(p * frequencies[i]!);
      cos[p * half + i] = stored(c * factor);
      sin[p * half + i] = stored(s * factor);
    }
  }
  return { cos, sin };
}

const stored = (x: number): number => (Math.abs(x) < TINY ? 0 : x);

/** Angle per position of each pair, in radians: θ^(−2i/E), stretched as the scaling says. */
export function ropeFrequencies({ headDim, ropeTheta, ropeScaling }: RopeConfig): number[] {
  const plain = Array.from({ length: headDim / 2 }, (_, i) => 1 / hostPow(ropeTheta, (2 * i) / headDim));
  switch (ropeScaling?.type) {
    case undefined:
      return plain;
    case 'linear':
      // Chen et al. 2023: positions are interpolated.
      return plain.map((f) => f / ropeScaling.factor);
    case 'llama3':
      return plain.map((f) => llama3(f, ropeScaling));
    case 'yarn':
      return yarn(plain, headDim, ropeTheta, ropeScaling);
  }
}

/** LLaMA 3.1: slow rotations are stretched, fast ones are kept, those between are mixed by their number of turns in the original context. */
function llama3(f: number, { factor, lowFrequency, highFrequency, original }: Extract<RopeScaling, { type: 'llama3' }>): number {
  const turns = (original * f) / TWO_PI;
  if (turns < lowFrequency) return f / factor;
  if (turns > highFrequency) return f;
  const kept = (turns - lowFrequency) / (highFrequency - lowFrequency);
  return ((1 - kept) * f) / factor + kept * f;
}

/** YaRN (Peng et al. 2023), "NTK by parts": a ramp over the dimensions between `betaFast` and `betaSlow` turns in the original context. */
function yarn(plain: number[], headDim: number, theta: number, { factor, original, betaFast, betaSlow, truncate }: Extract<RopeScaling, { type: 'yarn' }>): number[] {
  const dimension = (turns: number) => (headDim * hostLog(original / (turns * TWO_PI))) / (2 * hostLog(theta));
  const [first, last] = [dimension(betaFast), dimension(betaSlow)];
  const low = Math.max(truncate ? Math.floor(first) : first, 0);
  const high = Math.min(truncate ? Math.ceil(last) : last, headDim - 1);
  const width = high === low ? 0.001 : high - low;
  return plain.map((f, i) => {
    const stretched = Math.min(Math.max((i - low) / width, 0), 1);
    return (f / factor) * stretched + f * (1 - stretched);
  });
}

/** YaRN's temperature of attention, as a factor of both tables; 1 for the other kinds. */
export function attentionFactor(scaling: RopeScaling | undefined): number {
  if (scaling?.type !== 'yarn') return 1;
  const { factor, mscale, mscaleAll } = scaling;
  const magnitude = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * hostLog(factor) + 1);
  return scaling.attentionFactor ?? (mscale && mscaleAll ? magnitude(mscale) / magnitude(mscaleAll) : magnitude(1));
}
