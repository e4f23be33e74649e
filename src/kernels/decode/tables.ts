import { f32, type Operation, expectShape } from '../operation.ts';

/** turns[rows, 2h]: of each position below `rows`, the cosines and then the sines of RoPE. Inputs cos[P,h], sin[P,h]. */
export const joinTurns: Operation = {
  name: 'joinTurns',
  copies: true,
  inputs: ['f32', 'f32'],
  outputs: ([cos, sin], { rows }) => {
    expectShape('joinTurns sin', sin, ...cos!);
    if (!(rows! <= cos![0]!)) throw new RangeError(`joinTurns: ${rows} of ${cos![0]} positions`);
    return [f32(rows!, 2 * cos![1]!)];
  },
  reference({ inputs: [cos, sin], outputs: [turns], shapes, params }) {
    const half = shapes[0]![1]!;
    for (let p = 0; p < params.rows!; p++) {
      for (let j = 0; j < half; j++) {
        turns![p * 2 * half + j] = cos![p * half + j]!;
        turns![(p * 2 + 1) * half + j] = sin![p * half + j]!;
      }
    }
  },
};

/** to[T,D] with `rows` rows from row `at` on replaced by rows `from` … of source[S,D]: caches that grow. */
export const copyRows: Operation = {
  name: 'copyRows',
  copies: true,
  inputs: ['f32', 'f32'],
  outputs: ([to, source], { at, from, rows }) => {
    expectShape('copyRows source', source, source![0]!, to![1]!);
    if (at! + rows! > to![0]! || from! + rows! > source![0]!) throw new RangeError(`copyRows: ${rows} rows from ${from} of [${source}] to ${at} of [${to}]`);
    return [{ shape: to!, dtype: 'f32', inPlace: 0 }];
  },
  reference({ inputs: [, source], outputs: [to], shapes, params }) {
    const d = shapes[0]![1]!;
    to!.set(source!.subarray(params.from! * d, (params.from! + params.rows!) * d), params.at! * d);
  },
};

/**
 * Puts one linear layer's adapter into its place in a slot, turned, so that neighbouring outputs lie side by side, and
 * ranks padded with zeros: A[r,in] and B[out,r] become Aᵀ[in,R] at `a` and Bᵀ[R,out] at `b` of a pool of rank R, the scale goes to `scaleAt`; a zero changes no sum. Inputs
 * pool[slots, values of a slot] (overwritten in part), A, B. Params: slot, rank (R), a, b, scaleAt (offsets in a slot), scale.
 */
export const placeFactors: Operation = {
  name: 'placeFactors',
  copies: true,
  inputs: ['f32', 'f32', 'f32'],
  outputs: ([pool, a, b], { slot, rank, a: atA, b: atB, scaleAt }) => {
    expectShape('placeFactors B', b, b![0]!, a![0]!);
    const [slots, perSlot] = pool as [number, number];
    if (!(slot! < slots && a![0]! <= rank! && atA! + rank! * a![1]! <= perSlot && atB! + rank! * b![0]! <= perSlot && scaleAt! < perSlot)) {
      throw new RangeError(`placeFactors: A [${a}], B [${b}] of rank ${rank} in slot ${slot} of [${pool}]`);
    }
    return [{ shape: pool!, dtype: 'f32', inPlace: 0 }];
  },
  reference({ inputs: [, a, b], outputs: [pool], shapes, params }) {
    const { slot, rank, scale } = params as { slot: number; rank: number; scale: number };
    const base = slot * shapes[0]![1]!;
    const [own, input] = shapes[1] as [number, number];
    const out = shapes[2]![0]!;
    for (let i = 0; i < rank * input; i++) {
      const [t, r] = [Math.floor(i / rank), i % rank];
      pool![base + params.a! + i] = r < own ? a![r * input + t]! : 0;
    }
    for (let j = 0; j < out; j++) {
      for (let r = 0; r < rank; r++) pool![base + params.b! + r * out + j] = r < own ? b![j * own + r]! : 0;
    }
    pool![base + params.scaleAt!] = Math.fround(scale);
  },
};

