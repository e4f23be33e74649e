import { productStep } from '../webgpu/prelude.ts';
import { ceilDiv, type Wgsl } from '../webgpu/wgsl.ts';
import { finish, finishUniforms } from './parts.ts';
import { NONE, rowFunctions, rowUniformValues, rowUniforms } from './rows.ts';

const SIZE = 64;

/** One invocation for each element of h. */
export const decodeSwigluWgsl: Wgsl = {
  uniforms: {
    ...rowUniforms('slot'), ...finishUniforms,
    columns: 'u32', bias_gate: 'u32', bias_up: 'u32', low: 'u32', b_gate: 'u32', b_up: 'u32', scale_at: 'u32',
  } as Wgsl['uniforms'],
  code: ({ protected: isProtected }) => ({
    workgroup: SIZE,
    declarations: `${productStep(isProtected)}\n${rowFunctions('slot')}\n${finish({ raw: 'in1', pool: 'in2', vectors: 'in3' })}`,
    body: /* wgsl */ `
  let i = group * ${SIZE}u + local;
  if (i < u.rows * u.columns) {
    let row = i / u.columns;
    let j = i % u.columns;
    let gate_bias = select(u.bias_gate + j, ${NONE}u, u.bias_gate == ${NONE}u);
    let up_bias = select(u.bias_up + j, ${NONE}u, u.bias_up == ${NONE}u);
    let gate = finished(row, j, u.low, gate_bias, u.b_gate + j, u.columns, u.scale_at);
    let up = finished(row, u.columns + j, u.low + u.rank, up_bias, u.b_up + j, u.columns, u.scale_at + 1u);
    out0[i] = operand(kept(mul(mul(gate, rf_sigmoid(gate)), up)));
  }`,
  }),
  dispatch([h, raw, pool], params) {
    const { rank = 0, low = 0, bGate = 0, bUp = 0, scaleAt = 0, biasGate = NONE, biasUp = NONE } = params;
    return {
      uniforms: [...rowUniformValues(params, 'slot'), raw![1]!, rank, pool![1]!, pool![0]!, h![1]!, biasGate, biasUp, low, bGate, bUp, scaleAt],
      groups: ceilDiv(params.rows! * h![1]!, SIZE),
    };
  },
};
