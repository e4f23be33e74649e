import { operand } from '../../arithmetic/rf32.ts';
import { type Operation, expectShape } from '../operation.ts';
import { swiglu } from '../swiglu/operation.ts';
import { computed, finished } from './compose.ts';
import { biasAt, rowAdapter } from './norm.ts';
import { rowsFit } from './rows.ts';

/**
 * h[i,:] = operands of silu(gate) · up, where gate and up are the finished outputs of the products in raw[i, 0…I) and
 * raw[i, I…2I). Inputs h[≥rows, I] (overwritten in part), raw[≥rows, total], pool, vectors. Params: rows, slot0…,
 * rank, low (gate's lows, up's behind them), biasGate, biasUp (places or NONE), bGate, bUp, scaleAt (gate's, up's behind it).
 */
export const decodeSwiglu: Operation = {
  name: 'decodeSwiglu',
  inputs: ['f32', 'f32', 'f32', 'f32'],
  outputs: ([h, raw, pool], params) => {
    const rows = rowsFit('decodeSwiglu', params);
    expectShape('decodeSwiglu pool', pool, pool![0]!, pool![1]!);
    if (h![0]! < rows || raw![0]! < rows || raw![1]! < 2 * h![1]!) throw new RangeError(`decodeSwiglu: h [${h}], raw [${raw}]`);
    return [{ shape: h!, dtype: 'f32', inPlace: 0 }];
  },
  reference({ inputs, outputs: [h], shapes, params }) {
    const [, raw, pool, vectors] = inputs as Float32Array[];
    const n = shapes[0]![1]!;
    const total = shapes[1]![1]!;
    const { rank = 0, low = 0, bGate = 0, bUp = 0, scaleAt = 0 } = params;
    for (let i = 0; i < params.rows!; i++) {
      const part = (which: number, bias: number | undefined, b: number) =>
        finished(
          raw!.subarray(i * total + which * n, i * total + (which + 1) * n),
          biasAt(vectors!, bias, n),
          rowAdapter(pool!, shapes[2]!, raw!, total, params, i, low + which * rank, b, scaleAt + which),
        );
      const gate = part(0, params.biasGate, bGate);
      const up = part(1, params.biasUp, bUp);
      h!.set(computed(swiglu, [[[1, n], gate], [[1, n], up]])[0]!.map(operand), i * n);
    }
  },
};
