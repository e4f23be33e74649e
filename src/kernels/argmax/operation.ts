import type { Operation } from '../operation.ts';

/** y[N]: the column of each row's greatest value, the lowest among equals. */
export const argmax: Operation = {
  name: 'argmax',
  inputs: ['f32'],
  outputs: ([x]) => [{ shape: [x![0]!], dtype: 'u32' }],
  reference({ inputs: [x], outputs: [y], shapes }) {
    const [n, v] = shapes[0] as [number, number];
    for (let i = 0; i < n; i++) {
      let best = 0;
      for (let j = 1; j < v; j++) if (x![i * v + j]! > x![i * v + best]!) best = j;
      y![i] = best;
    }
  },
};
