import { add, mul, store, sub } from '../../arithmetic/rf32.ts';
import { expectShape, f32, type Operation } from '../operation.ts';

/**
 * Rotary position embedding (Su et al. 2021) in Hugging Face's layout: each head's first half pairs with its
 * second. x[N, heads·2h], positions[N], cos[P,h], sin[P,h]; params heads, inverse (1 turns back: the gradient).
 * Positions beyond the table give zeros; the model checks lengths before.
 */
export const rope: Operation = {
  name: 'rope',
  inputs: ['f32', 'u32', 'f32', 'f32'],
  outputs: ([x, positions, cos, sin], params) => {
    expectShape('rope x', x, positions![0]!, params.heads! * 2 * cos![1]!);
    expectShape('rope sin', sin, ...cos!);
    return [f32(...x!)];
  },
  reference({ inputs: [x, positions, cos, sin], outputs: [y], shapes, params }) {
    const [n, width] = shapes[0] as [number, number];
    const [p, half] = shapes[2] as [number, number];
    for (let i = 0; i < n; i++) {
      for (let head = 0; head < params.heads!; head++) {
        for (let j = 0; j < half; j++) {
          const at = i * width + head * 2 * half + j;
          const inside = positions![i]! < p;
          const c = inside ? cos![positions![i]! * half + j]! : 0;
          const plain = inside ? sin![positions![i]! * half + j]! : 0;
          const s = params.inverse ? 0 - plain : plain;
          y![at] = store(sub(mul(x![at]!, c), mul(x![at + half]!, s)));
          y![at + half] = store(add(mul(x![at + half]!, c), mul(x![at]!, s)));
        }
      }
    }
  },
};
