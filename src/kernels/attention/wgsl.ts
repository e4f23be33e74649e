import { type Shape, size } from '../operation.ts';
import { productStep } from '../webgpu/prelude.ts';
import { rowwise } from '../webgpu/rowwise.ts';
import { ceilDiv, type CodeOptions, type Wgsl } from '../webgpu/wgsl.ts';

// Ranges are cut to what the rows hold: a device that counts below zero would run for minutes.
const SIZE = 64;

/** One invocation for each output element; `body` sees `i`, and `product_step` in the form the device needs. */
function products(uniforms: Wgsl['uniforms'], body: string, dispatch: Wgsl['dispatch']): Wgsl {
  return {
    uniforms: { count: 'u32', ...uniforms },
    code: (options: CodeOptions) => ({
      workgroup: SIZE,
      declarations: productStep(options.protected),
      body: `let i = group * ${SIZE}u + local;\nif (i < u.count) {\n${body}\n}`,
    }),
    dispatch,
  };
}

const elements = (count: number, ...uniforms: number[]) => ({ uniforms: [count, ...uniforms], groups: ceilDiv(count, SIZE) });

const rowsOf = ([n, heads, width]: Shape, scale: number) => ({
  rows: n! * heads!,
  columns: width!,
  uniforms: [heads!, width!, scale],
});

export const attentionScoresWgsl = products(
  { heads: 'u32', groups: 'u32', width: 'u32', e: 'u32' },
  /* wgsl */ `
  let row = i / u.width;
  let query = row / u.heads;
  let key = in2[query] + i % u.width;
  var total = 0.0;
  if (key < in3[query]) {
    let q = row * u.e;
    let k = (key * u.groups + (row % u.heads) / (u.heads / u.groups)) * u.e;
    for (var first = 0u; first < u.e; first += 256u) {
      var sum = 0.0;
      for (var x = first; x < min(first + 256u, u.e); x++) {
        sum = product_step(sum, operand(in0[q + x]), operand(in1[k + x]));
      }
      total = add(total, sum);
    }
  }
  emit0(i, total);`,
  ([q], { heads, groups, width }) => elements(q![0]! * heads! * width!, heads!, groups!, width!, q![1]! / heads!),
);

export const softmaxWgsl = rowwise({
  uniforms: { heads: 'u32', width: 'u32', scale: 'f32' },
  helpers: [
    { what: 'max', name: 'greatest', args: 'at: u32', term: 'mul(in0[at + k], u.scale)' },
    { what: 'sum', name: 'exponentials', args: 'at: u32, top: f32', term: 'rf_exp(sub(mul(in0[at + k], u.scale), top))' },
  ],
  body: /* wgsl */ `
  let at = row * u.width;
  let query = row / u.heads;
  let count = min(max(in2[query], in1[query]) - in1[query], u.width);
  let top = greatest(at, count, lane);
  let inverse = rf_div(1.0, exponentials(at, top, count, lane));
  for (var k = lane; k < u.width; k += LANES) {
    var p = 0.0;
    if (k < count) { p = mul(rf_exp(sub(mul(in0[at + k], u.scale), top)), inverse); }
    emit0(at + k, p);
  }`,
  dispatch: ([scores], { scale }) => rowsOf(scores!, scale!),
});

/** in0 p, in1 dp. */
export const softmaxGradientWgsl = rowwise({
  uniforms: { heads: 'u32', width: 'u32', scale: 'f32' },
  helpers: [{ what: 'sum', name: 'inner', args: 'at: u32', term: 'mul(in0[at + k], in1[at + k])' }],
  body: /* wgsl */ `
  let at = row * u.width;
  let query = row / u.heads;
  let count = min(max(in3[query], in2[query]) - in2[query], u.width);
  let t = inner(at, count, lane);
  for (var k = lane; k < u.width; k += LANES) {
    var ds = 0.0;
    if (k < count) { ds = mul(mul(in0[at + k], sub(in1[at + k], t)), u.scale); }
    emit0(at + k, ds);
  }`,
  dispatch: ([p], { scale }) => rowsOf(p!, scale!),
});

export const attentionValuesWgsl = products(
  { heads: 'u32', groups: 'u32', width: 'u32', e: 'u32' },
  /* wgsl */ `
  let row = i / u.e;
  let x = i % u.e;
  let query = row / u.heads;
  let lo = in2[query];
  let count = min(max(in3[query], lo) - lo, u.width);
  let value_group = (row % u.heads) / (u.heads / u.groups);
  var total = 0.0;
  for (var first = 0u; first < count; first += 256u) {
    var sum = 0.0;
    for (var c = first; c < min(first + 256u, count); c++) {
      sum = product_step(sum, operand(in0[row * u.width + c]), operand(in1[((lo + c) * u.groups + value_group) * u.e + x]));
    }
    total = add(total, sum);
  }
  emit0(i, total);`,
  ([p, v], { groups }) => {
    const [n, heads, width] = p as [number, number, number];
    const e = v![1]! / groups!;
    return elements(n * heads * e, heads, groups!, width, e);
  },
);

export const attentionKeysWgsl = products(
  { heads: 'u32', groups: 'u32', width: 'u32', e: 'u32' },
  /* wgsl */ `
  let row = i / u.e;
  let x = i % u.e;
  let key = row / u.groups;
  let key_group = row % u.groups;
  let per_group = u.heads / u.groups;
  let start = in3[key];
  let count = (max(in4[key], start) - start) * per_group;
  var total = 0.0;
  for (var first = 0u; first < count; first += 256u) {
    var sum = 0.0;
    for (var term = first; term < min(first + 256u, count); term++) {
      let query = start + term / per_group;
      let head = query * u.heads + key_group * per_group + term % per_group;
      sum = product_step(sum, operand(in0[head * u.width + key - in2[query]]), operand(in1[head * u.e + x]));
    }
    total = add(total, sum);
  }
  emit0(i, total);`,
  ([p, q, , from], { groups }) => {
    const [, heads, width] = p as [number, number, number];
    const e = q![1]! / heads;
    return elements(size([from![0]!, groups!, e]), heads, groups!, width, e);
  },
);
