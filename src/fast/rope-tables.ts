import { hostPow, hostSinCos } from '../arithmetic/host.ts';
import type { ModelConfig } from '../model/config.ts';

/** cos and sin of p · θ^(−2i/E) [positions, headDim/2], computed in float64 by the host's own functions and rounded once. */
export function ropeTables(config: ModelConfig, positions: number): { cos: Float32Array; sin: Float32Array } {
  const half = config.headDim / 2;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let i = 0; i < half; i++) {
    const frequency = 1 / hostPow(config.ropeTheta, (2 * i) / config.headDim);
    for (let p = 0; p < positions; p++) [sin[p * half + i], cos[p * half + i]] = hostSinCos(p * frequency) as [number, number];
  }
  return { cos, sin };
}
