import { add, blockSum, mul, store } from '../../arithmetic/rf32.ts';
import { expectShape, f32, type Operation, size } from '../operation.ts';

/** a + b, as many values in each (a gradient may carry a leading dimension of 1); a's shape. */
export const addTensors: Operation = {
  name: 'add',
  inputs: ['f32', 'f32'],
  outputs: ([a, b]) => {
    if (size(a!) !== size(b!)) throw new RangeError(`add: [${a}] and [${b}]`);
    return [f32(...a!)];
  },
  reference({ inputs: [a, b], outputs: [y] }) {
    for (let i = 0; i < y!.length; i++) y![i] = store(add(a![i]!, b![i]!));
  },
};

/** a + scale · b, same shapes: how an adapter's output joins the base's. */
export const addScaled: Operation = {
  name: 'addScaled',
  inputs: ['f32', 'f32'],
  outputs: ([a, b]) => {
    expectShape('addScaled b', b, ...a!);
    return [f32(...a!)];
  },
  reference({ inputs: [a, b], outputs: [y], params }) {
    const scale = Math.fround(params.scale!);
    for (let i = 0; i < y!.length; i++) y![i] = store(add(a![i]!, mul(b![i]!, scale)));
  },
};

/** scale · a. */
export const scaleTensor: Operation = {
  name: 'scale',
  inputs: ['f32'],
  outputs: ([a]) => [f32(...a!)],
  reference({ inputs: [a], outputs: [y], params }) {
    const scale = Math.fround(params.scale!);
    for (let i = 0; i < y!.length; i++) y![i] = mul(a![i]!, scale);
  },
};

/** y[N,M] = x[N,M] + b[M] on every row. */
export const addBias: Operation = {
  name: 'addBias',
  inputs: ['f32', 'f32'],
  outputs: ([x, b]) => {
    expectShape('addBias b', b, x![1]!);
    return [f32(...x!)];
  },
  reference({ inputs: [x, b], outputs: [y] }) {
    const m = b!.length;
    for (let i = 0; i < y!.length; i++) y![i] = store(add(x![i]!, b![i % m]!));
  },
};

/** y[N,…] = x[N,…] · s[M] element by element on every row of M values. */
export const scaleColumns: Operation = {
  name: 'scaleColumns',
  inputs: ['f32', 'f32'],
  outputs: ([x, s]) => {
    expectShape('scaleColumns s', s, size(x!) / Math.max(x![0]!, 1));
    return [f32(...x!)];
  },
  reference({ inputs: [x, s], outputs: [y] }) {
    const m = s!.length;
    for (let i = 0; i < y!.length; i++) y![i] = mul(x![i]!, s![i % m]!);
  },
};

/** total[1] = Σ w[N] · x[N]: the loss of a batch. */
export const weightedSum: Operation = {
  name: 'weightedSum',
  inputs: ['f32', 'f32'],
  outputs: ([x, w]) => {
    expectShape('weightedSum w', w, size(x!));
    return [f32(1)];
  },
  reference({ inputs: [x, w], outputs: [total] }) {
    total![0] = store(blockSum(x!.length, (i) => mul(w![i]!, x![i]!)));
  },
};
