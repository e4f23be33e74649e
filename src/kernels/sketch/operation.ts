import { add, blockSum, store } from '../../arithmetic/rf32.ts';
import { expectShape, f32, type Operation, size } from '../operation.ts';

/** Bit 31 of a member: its value is subtracted. */
export const NEGATIVE = 0x80000000;

/**
 * A count sketch (Charikar, Chen, Farach-Colton 2002; Weinberger et al. 2009) added to rows of y, in place:
 *   y[at+i, j] ← store(y[at+i, j] + Σ_e ± x[i, p_e])   for e in [starts[j], starts[j+1])
 * where p_e is the lower 31 bits of members[e] and its bit 31 the sign (set: minus). Inputs y[N,D], x[n,…] with P values a
 * row, starts u32[D+1] that never decrease and end within members, members u32[any] with positions below P; param `at`,
 * the first row written. The sum is RF32's block sum over e in stored order, from +0; y is added once, after it. Several
 * tensors are sketched into one y by one call each, so their order is part of the result. Plans come from plan.ts.
 */
export const sketch: Operation = {
  name: 'sketch',
  usedFor: { curvature: true },
  inputs: ['f32', 'f32', 'u32', 'u32'],
  outputs: ([y, x, starts], { at }) => {
    expectShape('sketch y', y, y![0]!, y![1]!);
    expectShape('sketch starts', starts, y![1]! + 1);
    if (!(at! >= 0 && at! + x![0]! <= y![0]!)) throw new RangeError(`sketch: ${x![0]} rows at ${at} of ${y![0]}`);
    return [{ ...f32(...y!), inPlace: 0 }];
  },
  reference({ inputs: [, x, starts, members], outputs: [y], shapes, params }) {
    const d = shapes[0]![1]!;
    const n = shapes[1]![0]!;
    const p = size(shapes[1]!) / Math.max(n, 1);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < d; j++) {
        const first = starts![j]!;
        const sum = blockSum(starts![j + 1]! - first, (e) => {
          const member = members![first + e]!;
          const value = x![i * p + (member & ~NEGATIVE)]!;
          return member >= NEGATIVE ? -value : value;
        });
        const place = (params.at! + i) * d + j;
        y![place] = store(add(y![place]!, sum));
      }
    }
  },
};
