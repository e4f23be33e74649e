import { mul } from '../arithmetic/rf32.ts';
import { OpenLedgerError } from '../errors.ts';
import { MAX_RANK, TARGETS, type LoraConfig, adaptedLayers } from './lora-config.ts';
import { type Factors, factorKey, factorsByLayer } from './lora.ts';
import type { Tensors } from './safetensors.ts';

export interface LoraPart {
  config: LoraConfig;
  tensors: Tensors;
  /** How much of it: 1 as it is, 0.5 half, −1 its opposite. */
  weight: number;
}

const refused = (why: string) =>
  new OpenLedgerError({ code: 'adapter/cannot-combine', what: 'These adapters cannot be used together.', why, next: 'Use fewer adapters, or adapters of the same base.' });

/**
 * Several adapters as one: Σ weight · scale · B A is the product of the factors laid side by side, A stacked and
 * B's columns multiplied by float32(weight · scale) in RF32, with scale 1. Nothing is merged into the base.
 * Throws `adapter/cannot-combine` for shapes that differ, ranks that sum to more than 1,024, and weights that are no
 * finite numbers.
 */
export function combineLora(parts: readonly LoraPart[]): { config: LoraConfig; tensors: Tensors } {
  if (!parts.length) throw refused('There is none.');
  const stacks = new Map<string, (Factors & { rank: number; scale: number })[]>();
  for (const { config, tensors, weight } of parts) {
    if (!Number.isFinite(weight) || Math.abs(weight) > 2 ** 20) throw refused(`${weight} is no weight.`);
    const factors = factorsByLayer(tensors);
    const layers = 1 + Math.max(...[...factors.keys()].map((name) => Number(name.split('.')[1])));
    for (const { name, rank, scale } of adaptedLayers({ layers }, config)) {
      const found = factors.get(name);
      if (!found) continue;
      factors.delete(name);
      const { a, b } = found;
      if (a.shape.length !== 2 || b.shape.length !== 2 || a.shape[0] !== rank || b.shape[1] !== rank) throw refused(`The factors of ${name} have not the rank ${rank} that their config says.`);
      const stack = stacks.get(name) ?? [];
      stacks.set(name, stack);
      const first = stack[0];
      if (first && (first.a.shape[1] !== a.shape[1] || first.b.shape[0] !== b.shape[0])) throw refused(`${name} has other shapes in each of them.`);
      stack.push({ a, b, rank, scale: weight * scale });
    }
    for (const name of factors.keys()) throw refused(`One has factors for ${name}, which its config does not name.`);
  }
  if (!stacks.size) throw refused('They have no factors.');
  const tensors: Tensors = new Map();
  const ranks: Record<string, number> = {};
  for (const [name, stack] of stacks) {
    const rank = stack.reduce((sum, part) => sum + part.rank, 0);
    if (rank > MAX_RANK) throw refused(`Their ranks sum to ${rank} in ${name}; at most ${MAX_RANK} can be used.`);
    ranks[`model.${name}`] = rank;
    tensors.set(factorKey(name, 'A'), { shape: [rank, stack[0]!.a.shape[1]!], values: stackedRows(stack) });
    tensors.set(factorKey(name, 'B'), { shape: [stack[0]!.b.shape[0]!, rank], values: scaledColumns(stack, rank) });
  }
  return { config: configOf(ranks), tensors };
}

function stackedRows(stack: readonly Factors[]): Float32Array {
  const values = new Float32Array(stack.reduce((sum, { a }) => sum + a.values.length, 0));
  let at = 0;
  for (const { a } of stack) {
    values.set(a.values, at);
    at += a.values.length;
  }
  return values;
}

function scaledColumns(stack: readonly (Factors & { rank: number; scale: number })[], width: number): Float32Array {
  const rows = stack[0]!.b.shape[0]!;
  const values = new Float32Array(rows * width);
  let left = 0;
  for (const { b, rank, scale } of stack) {
    const factor = Math.fround(scale);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < rank; column++) {
        const value = mul(b.values[row * rank + column]!, factor);
        if (!(Math.abs(value) <= 2 ** 50)) throw refused('Their weights take factors out of the range of the exact arithmetic.');
        values[row * width + left + column] = value;
      }
    }
    left += rank;
  }
  return values;
}

/** Alpha equals rank everywhere, so that the scale is 1. */
function configOf(ranks: Record<string, number>): LoraConfig {
  const names = Object.keys(ranks);
  const rank = Math.max(...Object.values(ranks));
  const others = Object.fromEntries(Object.entries(ranks).filter(([, value]) => value !== rank));
  return {
    rank, alpha: rank, rslora: false,
    targets: TARGETS.filter((target) => names.some((name) => name.endsWith(`.${target}`))),
    ...(Object.keys(others).length && { rankPattern: others, alphaPattern: others }),
  };
}
