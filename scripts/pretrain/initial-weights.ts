import { randomNormal } from '../../src/arithmetic/random.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { weightShapes } from '../../src/model/model.ts';
import type { Tensors } from '../../src/model/safetensors.ts';

/** Norms 1, embeddings 0.02, linear layers 1/sqrt(3·in), those that write to the residual stream less by 1/sqrt(2·layers). */
export function initialWeights(config: ModelConfig, seed: number): Tensors {
  const tensors: Tensors = new Map();
  let stream = 0;
  for (const [name, shape] of weightShapes(config)) {
    stream++;
    const count = shape.reduce((a, b) => a * b, 1);
    if (shape.length === 1) {
      tensors.set(name, { shape, values: new Float32Array(count).fill(1) });
      continue;
    }
    const residual = name.includes('o_proj') || name.includes('down_proj') ? 1 / Math.sqrt(2 * config.layers) : 1;
    const deviation = name.startsWith('embed') ? 0.02 : residual / Math.sqrt(3 * shape[1]!);
    tensors.set(name, { shape, values: Float32Array.from({ length: count }, (_, i) => randomNormal(seed, stream, i) * deviation) });
  }
  return tensors;
}
