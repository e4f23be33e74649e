import { productStep } from '../webgpu/prelude.ts';
import { ceilDiv, type Wgsl } from '../webgpu/wgsl.ts';

const SIZE = 64;

/** One invocation for each output. */
const products = (uniforms: Wgsl['uniforms'], body: string, dispatch: Wgsl['dispatch']): Wgsl => ({
  uniforms: { count: 'u32', ...uniforms },
  code: ({ protected: isProtected }) => ({
    workgroup: SIZE,
    declarations: productStep(isProtected),
    body: `let i = group * ${SIZE}u + local;\nif (i < u.count) {\n${body}\n}`,
  }),
  dispatch,
});

const sum = (terms: string, a: string, b: string) => /* wgsl */ `
  for (var first = 0u; first < ${terms}; first += 256u) {
    var sum = 0.0;
    for (var t = first; t < min(first + 256u, ${terms}); t++) { sum = product_step(sum, operand(${a}), operand(${b})); }
    total = add(total, sum);
  }`;

export const gatheredLowWgsl = products(
  { terms: 'u32', lows: 'u32', rank: 'u32', slots: 'u32', per_slot: 'u32', a0: 'u32', a1: 'u32', a2: 'u32' },
  /* wgsl */ `
  let row = i / u.lows;
  let j = i % u.lows;
  let slot = in2[row];
  var total = 0.0;
  if (slot < u.slots) {
    let factor = j / u.rank;
    let a = slot * u.per_slot + select(select(u.a0, u.a1, factor == 1u), u.a2, factor == 2u) + j % u.rank;
    ${sum('u.terms', 'in0[row * u.terms + t]', 'in1[a + t * u.rank]')}
  }
  emit0(i, total);`,
  ([x, pool], { rank, factors, a0 = 0, a1 = 0, a2 = 0 }) => {
    const count = x![0]! * factors! * rank!;
    return { uniforms: [count, x![1]!, factors! * rank!, rank!, pool![0]!, pool![1]!, a0, a1, a2], groups: ceilDiv(count, SIZE) };
  },
);

export const gatheredUpWgsl = products(
  { columns: 'u32', pitch: 'u32', at: 'u32', rank: 'u32', slots: 'u32', per_slot: 'u32', b: 'u32', scale_at: 'u32' },
  /* wgsl */ `
  let row = i / u.columns;
  let slot = in3[row];
  if (slot < u.slots) {
    let place = slot * u.per_slot;
    let b = place + u.b + i % u.columns;
    let low = row * u.pitch + u.at;
    var total = 0.0;
    ${sum('u.rank', 'in1[low + t]', 'in2[b + t * u.columns]')}
    judge(bitcast<u32>(total) & 0x7fffffffu);
    emit0(i, add(out0[i], mul(store(total), in2[place + u.scale_at])));
  }`,
  ([y, low, pool], { rank, at, b, scaleAt }) => {
    const count = y![0]! * y![1]!;
    return { uniforms: [count, y![1]!, low![1]!, at!, rank!, pool![0]!, pool![1]!, b!, scaleAt!], groups: ceilDiv(count, SIZE) };
  },
);
