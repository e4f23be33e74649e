import { productStep } from '../webgpu/prelude.ts';
import type { Wgsl } from '../webgpu/wgsl.ts';
import { finish, finishUniforms } from './parts.ts';
import { NONE, rowFunctions, rowUniformValues, rowUniforms } from './rows.ts';

/** Blocks of 256 in the widest row. */
const BLOCKS = 256;

/** One workgroup for each row; blocks of the sum of squares are summed by different invocations. */
export const decodeNormWgsl: Wgsl = {
  uniforms: {
    ...rowUniforms('slot'), ...finishUniforms,
    columns: 'u32', reciprocal: 'f32', eps: 'f32', norm: 'u32', finish: 'u32', bias: 'u32', low: 'u32', b: 'u32', scale_at: 'u32',
  } as Wgsl['uniforms'],
  code: ({ variant, protected: isProtected }) => ({
    workgroup: Number(variant),
    declarations: /* wgsl */ `
const LANES = ${variant}u;
var<workgroup> blocks: array<f32, ${BLOCKS}>;
${productStep(isProtected)}
${rowFunctions('slot')}
${finish({ raw: 'in2', pool: 'in3', vectors: 'in4' })}`,
    body: /* wgsl */ `
  let at = group * u.columns;
  if (u.finish != 0u) {
    for (var j = local; j < u.columns; j += LANES) {
      let bias = select(u.bias + j, ${NONE}u, u.bias == ${NONE}u);
      emit0(at + j, add(out0[at + j], finished(group, j, u.low, bias, u.b + j, u.columns, u.scale_at)));
    }
    storageBarrier();
  }
  workgroupBarrier();
  let count = (u.columns + 255u) / 256u;
  for (var block = local; block < count; block += LANES) {
    var sum = 0.0;
    for (var j = block * 256u; j < min(block * 256u + 256u, u.columns); j++) { sum = add(sum, mul(out0[at + j], out0[at + j])); }
    blocks[block] = sum;
  }
  workgroupBarrier();
  var total = 0.0;
  for (var block = 0u; block < count; block++) { total = add(total, blocks[block]); }
  let scale = rf_rsqrt(add(mul(total, u.reciprocal), u.eps));
  judge(bitcast<u32>(scale) & 0x7fffffffu);
  for (var j = local; j < u.columns; j += LANES) {
    out1[at + j] = operand(kept(mul(mul(out0[at + j], scale), in4[u.norm + j])));
  }`,
  }),
  dispatch([x, , raw, pool], params) {
    const columns = x![1]!;
    if (columns > BLOCKS * 256) throw new RangeError(`decodeNorm: ${columns} columns`);
    const { eps, norm, finish: has = 0, bias = NONE, rank = 0, low = 0, b = 0, scaleAt = 0 } = params;
    return {
      variant: columns > 1024 ? '256' : '64',
      uniforms: [
        ...rowUniformValues(params, 'slot'), raw![1]!, rank, pool![1]!, pool![0]!,
        columns, 1 / columns, eps!, norm!, has ? 1 : 0, bias, low, b, scaleAt,
      ],
      groups: params.rows!,
    };
  },
};
