import { randomUnit } from '../../arithmetic/random.ts';
import type { ModelConfig } from '../config.ts';
import { type LoraConfig, TARGETS, adaptedLayers, factorKey, linearShape } from '../lora.ts';
import type { Tensors } from '../safetensors.ts';

/** Factors of the right shapes with random values, so that every path of an adapter matters; for tests. */
export function factorsOf(model: ModelConfig, config: LoraConfig, seed = 1, size = 0.2): Tensors {
  const tensors: Tensors = new Map();
  for (const { name, target, rank } of adaptedLayers(model, config)) {
    const [out, input] = linearShape(model, target);
    for (const [letter, rows, columns] of [['A', rank, input], ['B', out, rank]] as const) {
      // By the name alone, so that a layer has the same factors whatever else is adapted.
      const stream = 100 * Number(name.split('.')[1]) + 10 * TARGETS.indexOf(target) + (letter === 'A' ? 1 : 2);
      tensors.set(factorKey(name, letter), {
        shape: [rows, columns],
        values: Float32Array.from({ length: rows * columns }, (_, i) => (2 * randomUnit(seed, stream, i) - 1) * size),
      });
    }
  }
  return tensors;
}
