import { type Form, WHOLE, tiled } from '../matmul/wgsl.ts';
import type { Shape } from '../operation.ts';
import { type Wgsl, elementwise } from '../webgpu/wgsl.ts';
import { PACKED_FORMATS, type PackedFormat, codeWords, columnsInWord, hasScales, scaleWords } from './format.ts';
import { type WgslWeights, decodeDeclarations, loadWord, wordValue } from './wgsl-decode.ts';

const WEIGHTS: WgslWeights = { codes: 'in1', scales: 'in2', words: 'u.words', scaleWords: 'u.scale_words' };
const ROW_UNIFORMS = { words: 'u32', scale_words: 'u32' } as const;
const rowWords = (format: PackedFormat, columns: number) => [codeWords(format, columns), scaleWords(format, columns)];

/** Loads a tile of weights a word at a time; `along`: whether a word's columns are terms (NT) or output columns (NN). */
function wordLoader(format: PackedFormat, along: 'terms' | 'columns') {
  const perWord = columnsInWord(format);
  return (columns: number, depth: number, workgroup: number): string => {
    const inTile = (along === 'terms' ? depth : columns) / perWord;
    const [row, first, limits] = along === 'terms'
      ? ['column0 + other', 'base', ['column0 + other < u.columns', 'base + own < count']]
      : ['base + other', 'column0', ['base + other < count', 'column0 + own < u.columns']];
    const place = (e: number) => (along === 'terms' ? `own + ${e}u, other` : `other, own + ${e}u`);
    const each = (value: (e: number) => string) => Array.from({ length: perWord }, (_, e) => `put_b(${place(e)}, ${value(e)});`).join(' ');
    // A word that begins inside the row is inside it; what lies past the row's last column are zeros.
    return /* wgsl */ `
    for (var at = local; at < ${inTile * (along === 'terms' ? columns : depth)}u; at += ${workgroup}u) {
      let own = (at % ${inTile}u) * ${perWord}u;
      let other = at / ${inTile}u;
      if (${limits.join(' && ')}) {
        ${loadWord(format, WEIGHTS, row!, `(${first} + own) / ${perWord}u`)}
        ${each((e) => (format === 'bf16' ? `operand(${wordValue(format, `${e}u`)})` : wordValue(format, `${e}u`)))}
      } else {
        ${each(() => '0.0')}
      }
    }`;
  };
}

function packedWgsl(format: PackedFormat): Record<string, Wgsl> {
  const nt: Form = {
    a: 'in0[place * u.terms + term]',
    b: '',
    loadB: wordLoader(format, 'terms'),
    aAlongTerms: true,
    bAlongTerms: true,
    range: WHOLE,
    declarations: decodeDeclarations,
    uniforms: ROW_UNIFORMS,
  };
  const nn: Form = { ...nt, loadB: wordLoader(format, 'columns') };
  const ids = hasScales(format) ? 2 : 1;
  const count = (shapes: Shape[]) => shapes[ids]![0]!;
  return {
    [`matmulNT.${format}`]: tiled(nt, ([x, codes]) => ({
      rows: x![0]!, columns: codes![0]!, terms: x![1]!, batch: 1, more: rowWords(format, x![1]!),
    })),
    [`matmulNN.${format}`]: tiled(nn, ([x], { columns }) => ({
      rows: x![0]!, columns: columns!, terms: x![1]!, batch: 1, more: rowWords(format, columns!),
    })),
    [`matmulNN.${format}.part`]: tiled({ ...nn, ...PART, uniforms: { ...ROW_UNIFORMS, ...PART.uniforms } }, ([x, codes], { columns, from }) => ({
      rows: x![0]!, columns: columns!, terms: codes![0]!, batch: 1, more: [...rowWords(format, columns!), x![1]!, from!],
    })),
    [`gather.${format}`]: elementwise(
      { columns: 'u32', rows: 'u32', first: 'u32', ...ROW_UNIFORMS },
      /* wgsl */ `
  let row = in${ids}[i / u.columns] - u.first; // wraps to what is outside
  let column = i % u.columns;
  if (row < u.rows) {
    ${loadWord(format, { ...WEIGHTS, codes: 'in0', scales: 'in1' }, 'row', `column / ${columnsInWord(format)}u`)}
    emit0(i, ${wordValue(format, `column % ${columnsInWord(format)}u`)});
  } else { out0[i] = 0.0; }`,
      (shapes, { columns, from }) => ({ count: count(shapes) * columns!, uniforms: [columns!, shapes[0]![0]!, from!, ...rowWords(format, columns!)] }),
      decodeDeclarations,
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
