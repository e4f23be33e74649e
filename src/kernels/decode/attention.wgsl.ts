import type { Params, Shape } from '../operation.ts';
import { productStep, wgslFloat } from '../webgpu/prelude.ts';
import type { Wgsl } from '../webgpu/wgsl.ts';
import { attended, attentionFits, attentionWork, workgroupFits } from './attention.ts';
import { finish, finishUniforms } from './parts.ts';
import { NONE, rowFunctions, rowUniformValues, rowUniforms } from './rows.ts';

const LEAST = wgslFloat(-(2 ** 120));

/** Invocations: more for long ranges. */
function lanesFor(perGroup: number, e: number, params: Params): number {
  let longest = 0;
  for (let i = 0; i < params.rows!; i++) longest = Math.max(longest, attended(params, i).count);
  return longest > 512 && workgroupFits(perGroup, e, 256) ? 256 : 64;
}

/** One workgroup for each row and key/value head, whose query heads share its keys. */
export const decodeAttentionWgsl: Wgsl = {
  uniforms: {
    ...rowUniforms('slot', 'position', 'base'), ...finishUniforms,
    groups: 'u32', pitch: 'u32', width: 'u32', window: 'u32', turns: 'u32', scale: 'f32',
    low: 'u32', bias_q: 'u32', bias_k: 'u32', bias_v: 'u32', b_q: 'u32', b_k: 'u32', b_v: 'u32', scale_at: 'u32',
  } as Wgsl['uniforms'],
  code: ({ variant, protected: isProtected }) => {
    const [perGroup, e, lanes] = variant.split('.').map(Number) as [number, number, number];
    const words = attentionWork(perGroup, lanes);
    const values = perGroup * e;
    /** Blocks of the values' sums that are computed at once. */
    const atOnce = Math.floor(words / values);
    return {
      workgroup: lanes,
      declarations: /* wgsl */ `
const LANES = ${lanes}u;
const P = ${perGroup}u;
const E = ${e}u;
const HALF = ${e / 2}u;
const VALUES = ${values}u;
const BLOCKS_AT_ONCE = ${Math.floor(words / perGroup)}u;
// This group's queries, then its key and value; later the totals of the values' sums.
var<workgroup> fresh: array<f32, ${(perGroup + 2) * e}>;
var<workgroup> work: array<f32, ${words}>;
var<workgroup> tops: array<f32, ${perGroup}>;
var<workgroup> inverses: array<f32, ${perGroup}>;
${productStep(isProtected)}
${rowFunctions('slot', 'position', 'base')}
${finish({ raw: 'in0', pool: 'in1', vectors: 'in2' })}
// One block of one value's sum over the range.
fn value_block(t: u32, block: u32, scratch: u32, first_key: u32, keyed: u32, count: u32) -> f32 {
  let p = scratch + (t / E) * u.width;
  let v = first_key + t % E;
  var sum = 0.0;
  for (var c = block * 256u; c < min(block * 256u + 256u, count); c++) {
    sum = product_step(sum, out2[p + c], operand(out1[v + c * keyed]));
  }
  return sum;
}
fn with_bias(bias: u32, j: u32) -> u32 { return select(bias + j, ${NONE}u, bias == ${NONE}u); }`,
      body: /* wgsl */ `
  let row = group / u.groups;
  let g = group % u.groups;
  let keyed = u.groups * E;
  let position = position_of(row);
  var start = 0u;
  if (u.window != 0u && position >= u.window) { start = position + 1u - u.window; }
  let count = min(position + 1u - start, u.width);
  let first_key = (base_of(row) + start) * keyed + g * E;
  let newest = (base_of(row) + position) * keyed + g * E;
  let scratch = row * u.pitch + u.groups * VALUES + g * P * u.width;

  for (var t = local; t < VALUES + 2u * E; t += LANES) {
    if (t < VALUES) {
      let j = g * VALUES + t;
      fresh[t] = finished(row, j, u.low, with_bias(u.bias_q, j), u.b_q + j, u.groups * VALUES, u.scale_at);
    } else if (t < VALUES + E) {
      let j = g * E + t - VALUES;
      fresh[t] = finished(row, u.groups * VALUES + j, u.low + u.rank, with_bias(u.bias_k, j), u.b_k + j, keyed, u.scale_at + 1u);
    } else {
      let j = g * E + t - VALUES - E;
      let value = finished(row, u.groups * VALUES + keyed + j, u.low + 2u * u.rank, with_bias(u.bias_v, j), u.b_v + j, keyed, u.scale_at + 2u);
      emit1(newest + t - VALUES - E, value);
    }
  }
  workgroupBarrier();
  for (var t = local; t < (P + 1u) * HALF; t += LANES) {
    let j = t % HALF;
    let at = (t / HALF) * E + j;
    var c = 0.0;
    var s = 0.0;
    if (position < u.turns) {
      c = in3[position * E + j];
      s = in3[position * E + HALF + j];
    }
    let a = fresh[at];
    let b = fresh[at + HALF];
    let x = kept(sub(mul(a, c), mul(b, s)));
    let y = kept(add(mul(b, c), mul(a, s)));
    fresh[at] = operand(x);
    fresh[at + HALF] = operand(y);
    if (t >= P * HALF) {
      out0[newest + j] = x;
      out0[newest + HALF + j] = y;
    }
  }
  storageBarrier();
  workgroupBarrier();

  // Scores, times the scale of softmax.
  for (var h = 0u; h < P; h++) {
    var best = ${LEAST};
    for (var c = local; c < count; c += LANES) {
      let key = first_key + c * keyed;
      var total = 0.0;
      for (var first = 0u; first < E; first += 256u) {
        var sum = 0.0;
        for (var x = first; x < min(first + 256u, E); x++) { sum = product_step(sum, fresh[h * E + x], operand(out0[key + x])); }
        total = add(total, sum);
      }
      let scaled = mul(kept(total), u.scale);
      out2[scratch + h * u.width + c] = scaled;
      best = max(best, scaled);
    }
    work[h * LANES + local] = best;
  }
  workgroupBarrier();
  for (var h = local; h < P; h += LANES) {
    var best = ${LEAST};
    for (var part = 0u; part < LANES; part++) { best = max(best, work[h * LANES + part]); }
    tops[h] = best;
  }
  workgroupBarrier();
  for (var h = 0u; h < P; h++) {
    for (var c = local; c < count; c += LANES) {
      let at = scratch + h * u.width + c;
      out2[at] = rf_exp(sub(out2[at], tops[h]));
    }
  }
  storageBarrier();
  workgroupBarrier();
  // Sums of the exponentials: blocks by different invocations, then the blocks in order. inverses holds totals meanwhile.
  let blocks = (count + 255u) / 256u;
  for (var begin = 0u; begin < blocks; begin += BLOCKS_AT_ONCE) {
    let here = min(BLOCKS_AT_ONCE, blocks - begin);
    for (var t = local; t < P * here; t += LANES) {
      let at = scratch + (t / here) * u.width;
      let first = (begin + t % here) * 256u;
      var sum = 0.0;
      for (var c = first; c < min(first + 256u, count); c++) { sum = add(sum, out2[at + c]); }
      work[t] = sum;
    }
    workgroupBarrier();
    for (var h = local; h < P; h += LANES) {
      var total = select(inverses[h], 0.0, begin == 0u);
      for (var part = 0u; part < here; part++) { total = add(total, work[h * here + part]); }
      inverses[h] = total;
    }
    workgroupBarrier();
  }
  for (var h = 0u; h < P; h++) {
    let inverse = rf_div(1.0, inverses[h]);
    for (var c = local; c < count; c += LANES) {
      let at = scratch + h * u.width + c;
      out2[at] = operand(mul(out2[at], inverse));
    }
  }
  storageBarrier();
  workgroupBarrier();

  // Values: a short range by one invocation for each element; of a long one, several blocks at once.
  let result = row * u.pitch + g * VALUES;
  ${
    atOnce > 1
      ? /* wgsl */ `if (blocks > 1u) {
    for (var t = local; t < VALUES; t += LANES) { fresh[t] = 0.0; }
    for (var begin = 0u; begin < blocks; begin += ${atOnce}u) {
      let here = min(${atOnce}u, blocks - begin);
      for (var t = local; t < VALUES * here; t += LANES) { work[t] = value_block(t % VALUES, begin + t / VALUES, scratch, first_key, keyed, count); }
      workgroupBarrier();
      for (var t = local; t < VALUES; t += LANES) {
        for (var part = 0u; part < here; part++) { fresh[t] = add(fresh[t], work[part * VALUES + t]); }
      }
      workgroupBarrier();
    }
    for (var t = local; t < VALUES; t += LANES) { out2[result + t] = operand(kept(fresh[t])); }
  } else {`
      : '{'
  }
    for (var t = local; t < VALUES; t += LANES) {
      var total = 0.0;
      for (var block = 0u; block < blocks; block++) { total = add(total, value_block(t, block, scratch, first_key, keyed, count)); }
      out2[result + t] = operand(kept(total));
    }
  }`,
    };
  },
  dispatch(shapes, params) {
    const [raw, pool, , turns, , , out] = shapes as Shape[];
    const { heads, groups, scale, window = 0, rank = 0, low = 0, scaleAt = 0 } = params as Record<string, number> & { heads: number; groups: number; scale: number };
    const { biasQ = NONE, biasK = NONE, biasV = NONE, bQ = 0, bK = 0, bV = 0 } = params;
    const e = turns![1]!;
    const perGroup = heads / groups;
    if (!attentionFits(heads, groups, e)) throw new RangeError(`decodeAttention: ${heads} heads in ${groups} groups of ${e} are too wide`);
    return {
      variant: `${perGroup}.${e}.${lanesFor(perGroup, e, params)}`,
      uniforms: [
        ...rowUniformValues(params, 'slot', 'position', 'base'), raw![1]!, rank, pool![1]!, pool![0]!,
        groups, out![1]!, Math.floor((out![1]! - heads * e) / heads), window, turns![0]!, scale,
        low, biasQ, biasK, biasV, bQ, bK, bV, scaleAt,
      ],
      groups: params.rows! * groups,
    };
  },
};
