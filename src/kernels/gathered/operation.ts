import { add, blockSum, mul, product, store } from '../../arithmetic/rf32.ts';
import { expectShape, f32, type Operation, type Shape } from '../operation.ts';

// LoRA for a batch whose rows use different adapters (as in Punica's BGMV): all factors of one layer lie in one tensor
// pool[slots, values of a slot]; slot[N] names each row's, a slot that is not there the base alone.

/**
 * low[N, factors·R] = x[n,:] · A_f[slot[n]]ᵀ for up to three factors that read the same x. Inputs x[N,K], pool, slot[N].
 * Params: rank (R), factors, a0… (offsets of Aᵀ[K,R] in a slot).
 */
export const gatheredLow: Operation = {
  name: 'gatheredLow',
  inputs: ['f32', 'f32', 'u32'],
  outputs: ([x, pool, slot], { rank, factors, ...offsets }) => {
    expectShape('gatheredLow slot', slot, x![0]!);
    for (let factor = 0; factor < factors!; factor++) {
      if (!(offsets[`a${factor}`]! + rank! * x![1]! <= pool![1]!)) throw new RangeError(`gatheredLow: A at ${offsets[`a${factor}`]} of [${pool}]`);
    }
    return [f32(x![0]!, factors! * rank!)];
  },
  reference({ inputs: [x, pool, slot], outputs: [low], shapes, params }) {
    const [n, k] = shapes[0] as [number, number];
    const [slots, perSlot] = shapes[1] as [number, number];
    const { rank, factors } = params as { rank: number; factors: number };
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < factors * rank; j++) {
        const a = slot![i]! * perSlot + params[`a${Math.floor(j / rank)}`]! + (j % rank);
        low![i * factors * rank + j] = slot![i]! < slots ? store(blockSum(k, (t) => product(x![i * k + t]!, pool![a + t * rank]!))) : 0;
      }
    }
  },
};

/**
 * y[N,M] += scale · low Bᵀ, each row with its slot's B and scale: store(up), mul by the scale, add, store, as matmulNT
 * and addScaled do it. Inputs y (overwritten), low[N, ≥ at + R], pool, slot[N]. Params: rank (R), at (the first of
 * low's columns), b (offset of Bᵀ[R,M] in a slot), scaleAt (of the scale).
 */
export const gatheredUp: Operation = {
  name: 'gatheredUp',
  inputs: ['f32', 'f32', 'f32', 'u32'],
  outputs: ([y, low, pool, slot], { rank, at, b }) => {
    expectShape('gatheredUp slot', slot, y![0]!);
    expectShape('gatheredUp low', low, y![0]!, low![1]!);
    if (!(at! + rank! <= low![1]! && b! + rank! * y![1]! <= pool![1]!)) throw new RangeError(`gatheredUp: low [${low}], pool [${pool}]`);
    return [{ shape: y as Shape, dtype: 'f32', inPlace: 0 }];
  },
  reference({ inputs: [, low, pool, slot], outputs: [y], shapes, params }) {
    const [n, m] = shapes[0] as [number, number];
    const pitch = shapes[1]![1]!;
    const [slots, perSlot] = shapes[2] as [number, number];
    const { rank, at, b, scaleAt } = params as { rank: number; at: number; b: number; scaleAt: number };
    for (let i = 0; i < n; i++) {
      if (slot![i]! >= slots) continue;
      const base = slot![i]! * perSlot;
      for (let j = 0; j < m; j++) {
        const up = store(blockSum(rank, (r) => product(low![i * pitch + at + r]!, pool![base + b + r * m + j]!)));
        const inside = Math.abs(up) <= 2 ** 50 ? up : NaN; // what a tensor could not hold ends the run
        y![i * m + j] = store(add(y![i * m + j]!, mul(inside, pool![base + scaleAt]!)));
      }
    }
  },
};
