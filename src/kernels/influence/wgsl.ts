import { size } from '../operation.ts';
import { rowSum } from '../webgpu/prelude.ts';
import { ceilDiv, type Wgsl } from '../webgpu/wgsl.ts';

const SIZE = 64;

/** Every workgroup computes λ from the diagonal of K, then its own elements. */
function influenceWgsl(kernel: string, body: string, uniforms: Wgsl['uniforms'], values: (n: number) => number[]): Wgsl {
  return {
    uniforms: { count: 'u32', n: 'u32', factor: 'f32', ...uniforms },
    code: () => ({
      workgroup: SIZE,
      declarations: rowSum('trace', 'n: u32', `${kernel}[k * n + k]`, SIZE),
      body: /* wgsl */ `
  let lambda = mul(trace(u.n, u.n, local), u.factor);
  let i = group * ${SIZE}u + local;
  if (i < u.count) {
    if (lambda == 0.0) { out0[i] = 0.0; } else { ${body} }
  }`,
    }),
    dispatch: ([b], { factor }) => ({
      uniforms: [size(b!), b![1]!, factor!, ...values(b![1]!)],
      groups: ceilDiv(size(b!), SIZE),
    }),
  };
}

export const dataInfWeightsWgsl = influenceWgsl(
  'in1',
  'let j = i % u.n; emit0(i, rf_div(in0[i], add(lambda, in1[j * u.n + j])));',
  {},
  () => [],
);

export const dataInfScoresWgsl = influenceWgsl(
  'in2',
  'emit0(i, rf_div(store(sub(in0[i], mul(in1[i], u.reciprocal))), lambda));',
  { reciprocal: 'f32' },
  (n) => [1 / n],
);
