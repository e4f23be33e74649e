import { add, div, mul, sqrt, store, sub } from '../../arithmetic/rf32.ts';
import { expectShape, f32, type Operation, size } from '../operation.ts';

/**
 * One step of AdamW (Loshchilov & Hutter 2019), in place on weights, first and second moments.
 * Inputs w, g, m, v; params rate, beta1, beta2, eps, decay, correction1 = 1/(1−β1^t), correction2 = 1/(1−β2^t).
 *   m ← β1 m + (1−β1) g;  v ← β2 v + (1−β2) g²;  w ← w − rate · (m̂ / (√v̂ + eps) + decay · w)
 */
export const adamw: Operation = {
  name: 'adamw',
  inputs: ['f32', 'f32', 'f32', 'f32'],
  outputs: ([w, g, m, v]) => {
    // A gradient may carry a leading segment dimension of 1.
    if (size(g!) !== size(w!)) throw new RangeError(`adamw g: expected [${w}], got [${g}]`);
    expectShape('adamw m', m, ...w!);
    expectShape('adamw v', v, ...w!);
    return [
      { ...f32(...w!), inPlace: 0 },
      { ...f32(...w!), inPlace: 2 },
      { ...f32(...w!), inPlace: 3 },
    ];
  },
  reference({ inputs: [, g], outputs: [w, m, v], params }) {
    const p = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, Math.fround(value)])) as Record<
      'rate' | 'beta1' | 'beta2' | 'eps' | 'decay' | 'correction1' | 'correction2',
      number
    >;
    const rest1 = sub(1, p.beta1);
    const rest2 = sub(1, p.beta2);
    for (let i = 0; i < w!.length; i++) {
      m![i] = store(add(mul(p.beta1, m![i]!), mul(rest1, g![i]!)));
      v![i] = store(add(mul(p.beta2, v![i]!), mul(rest2, mul(g![i]!, g![i]!))));
      const step = div(mul(m![i]!, p.correction1), add(sqrt(mul(v![i]!, p.correction2)), p.eps));
      w![i] = store(sub(w![i]!, mul(p.rate, add(step, mul(p.decay, w![i]!)))));
    }
  },
};
