import { type Form, WHOLE, tiled } from '../matmul/wgsl.ts';
import { type Wgsl, elementwise } from '../webgpu/wgsl.ts';
import { PACKED_FORMATS, type PackedFormat, codeWords, hasScales } from './format.ts';

/** `decode_half(word, column)`: the exact float32 of the half of a word that holds a column. */
const HALVES: Readonly<Record<PackedFormat, string>> = {
  f16: /* wgsl */ `
fn decode_half(word: u32, column: u32) -> f32 {
  let half = (word >> ((column & 1u) * 16u)) & 0xffffu;
  let magnitude = half & 0x7fffu;
  // Below 2^-14 the unit is 2^-24: an integer times a power of two, exact.
  let small = bitcast<u32>(f32(magnitude) * 5.9604644775390625e-8);
  return bitcast<f32>(((half & 0x8000u) << 16u) | select((magnitude << 13u) + 0x38000000u, small, magnitude < 0x400u));
}`,
  bf16: /* wgsl */ `
fn decode_half(word: u32, column: u32) -> f32 {
  return bitcast<f32>(select(word << 16u, word & 0xffff0000u, (column & 1u) != 0u));
}`,
};

/** `weight_at(row, column)` of the matrix whose codes are input `at`. `u.words` is the words of a row. */
export function weightReader(format: PackedFormat, at: number): string {
  return /* wgsl */ `${HALVES[format]}
fn weight_at(row: u32, column: u32) -> f32 { return decode_half(in${at}[row * u.words + (column >> 1u)], column); }`;
}

function packedWgsl(format: PackedFormat): Record<string, Wgsl> {
  const reader = weightReader(format, 1);
  const nt: Form = {
    a: 'in0[place * u.terms + term]',
    b: 'weight_at(place, term)',
    aAlongTerms: true,
    bAlongTerms: true,
    range: WHOLE,
    declarations: reader,
    uniforms: { words: 'u32' },
  };
  const nn: Form = { ...nt, b: 'weight_at(term, place)', bAlongTerms: false };
  const ids = hasScales(format) ? 2 : 1;
  return {
    [`matmulNT.${format}`]: tiled(nt, ([x, codes]) => ({
      rows: x![0]!, columns: codes![0]!, terms: x![1]!, batch: 1, more: [codeWords(format, x![1]!)],
    })),
    [`matmulNN.${format}`]: tiled(nn, ([x], { columns }) => ({
      rows: x![0]!, columns: columns!, terms: x![1]!, batch: 1, more: [codeWords(format, columns!)],
    })),
    [`matmulNN.${format}.part`]: tiled(
      { ...nn, ...PART, uniforms: { words: 'u32', ...PART.uniforms } },
      ([x, codes], { columns, from }) => ({
        rows: x![0]!, columns: columns!, terms: codes![0]!, batch: 1, more: [codeWords(format, columns!), x![1]!, from!],
      }),
    ),
    [`gather.${format}`]: elementwise(
      { columns: 'u32', rows: 'u32', first: 'u32', words: 'u32' },
      /* wgsl */ `
  let row = in${ids}[i / u.columns] - u.first; // wraps to what is outside
  if (row < u.rows) { out0[i] = weight_at(row, i % u.columns); } else { out0[i] = 0.0; }`,
      (shapes, { columns, from }) => ({ count: shapes[ids]![0]! * columns!, uniforms: [columns!, shapes[0]![0]!, from!, codeWords(format, columns!)] }),
      weightReader(format, 0),
    ),
  };
}

/** The left operand is some columns of a wider one; the totals of the parts before are in out0. */
const PART = {
  a: 'in0[place * u.pitch + u.first + term]',
  totals: true,
  uniforms: { pitch: 'u32', first: 'u32' },
} as const;

export const matrixWgsl: Readonly<Record<string, Wgsl>> = {
  finishTotals: elementwise({}, 'emit0(i, bitcast<f32>(in0[i]));', ([totals]) => ({ count: totals![0]! * totals![1]! })),
  placeColumns: elementwise(
    { columns: 'u32', pitch: 'u32', at: 'u32' },
    'out0[(i / u.columns) * u.pitch + u.at + i % u.columns] = in1[i];',
    ([y, part], { at }) => ({ count: part![0]! * part![1]!, uniforms: [part![1]!, y![1]!, at!] }),
  ),
  'matmulNN.f32.part': tiled(
    {
      b: 'in1[term * u.columns + place]',
      aAlongTerms: true,
      bAlongTerms: false,
      range: WHOLE,
      ...PART,
    },
    ([x, w], { columns, from }) => ({ rows: x![0]!, columns: columns!, terms: w![0]!, batch: 1, more: [x![1]!, from!] }),
  ),
  ...Object.assign({}, ...PACKED_FORMATS.map(packedWgsl)),
};
