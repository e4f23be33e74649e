import { FORMATS, type Format, codeWords, scaleWords } from '../matrix/format.ts';
import { productStep } from '../webgpu/prelude.ts';
import { ceilDiv, type Wgsl } from '../webgpu/wgsl.ts';
import { decodeProducts, productInputs, usedMatrices } from './products.ts';
import { MAX_ROWS, rowFunctions, rowUniformValues, rowUniforms } from './rows.ts';
import { weightFunctions, weightWords } from './weight-words.ts';

const SIZE = 64;

/** Few rows keep their sums in registers: programs for 1, 2, 4 and 8 of them. */
const rowsOf = (rows: number) => [1, 2, 4, MAX_ROWS].find((n) => n >= rows)!;

/**
 * Invocations that share one output, each with every `lanes`-th block of 256 terms. Short sums get one: no barriers,
 * which software devices pay dearly for; long ones more, because few outputs would leave a device idle.
 */
function lanesFor(terms: number): number {
  const blocks = ceilDiv(terms, 256);
  return blocks <= 2 ? 1 : blocks <= 4 ? 4 : 8;
}

function list<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** Sums sum0… over terms first..end of one weight row, for `rows` rows of x. Reads each weight once. */
function weightLoop(format: Format, rows: number, codes: number, scales: number | undefined): string {
  const { width, load } = weightWords(format, codes, scales);
  const steps = (place: (t: number) => string) =>
    list(width, (t) => list(rows, (i) => `sum${i} = product_step(sum${i}, in0[x${i} + ${place(t)}], w${t});`).join(' ')).join('\n        ');
  const loop = /* wgsl */ `
      let line = column * u.words;
      let scale_line = column * u.scale_words;
      let whole = end - (end - first) % ${width}u;
      for (var k = first; k < whole; k += ${width}u) {
        ${load('k')}
        ${steps((t) => `k + ${t}u`)}
      }`;
  if (format === 'f32') {
    return /* wgsl */ `${loop}
      for (var k = whole; k < end; k++) {
        let w0 = operand(in${codes}[line + k]);
        ${list(rows, (i) => `sum${i} = product_step(sum${i}, in0[x${i} + k], w0);`).join(' ')}
      }`;
  }
  // The last word holds fewer weights; the others are zeros, and must not meet what lies behind x.
  return /* wgsl */ `${loop}
      if (whole < end) {
        ${load('whole')}
        ${steps((t) => `min(whole + ${t}u, u.terms - 1u)`)}
      }`;
}

function productsWgsl(format: Format): Wgsl {
  const { codes, scales } = productInputs(format);
  const count = codes.length;
  const matrices = list(count, (m) => m);
  return {
    uniforms: {
      ...rowUniforms('slot'),
      terms: 'u32', pitch: 'u32', words: 'u32', scale_words: 'u32', total: 'u32', per_slot: 'u32', slots: 'u32', rank: 'u32', factors: 'u32', low: 'u32',
      ...Object.fromEntries(matrices.flatMap((m) => [[`columns${m}`, 'u32'], [`at${m}`, 'u32'], [`groups${m}`, 'u32']])),
      a0: 'u32', a1: 'u32', a2: 'u32',
    } as Wgsl['uniforms'],
    code: ({ variant, protected: isProtected }) => {
      const [rows, lanes] = variant.split('x').map(Number) as [number, number];
      const across = SIZE / lanes;
      const each = (statement: (i: number) => string, separator = ' ') => list(rows, statement).join(separator);
      const which = matrices.map((m) => `u.groups${m}`);
      const share = lanes > 1;
      const lowStep = (k: string) => `sum0 = product_step(sum0, in0[low_row + ${k}], operand(in1[low_place + (${k}) * u.rank]));`;
      return {
        workgroup: SIZE,
        declarations: /* wgsl */ `
${productStep(isProtected)}
${weightFunctions(format)}
${rowFunctions('slot')}
fn factor_at(factor: u32) -> u32 { return select(select(u.a0, u.a1, factor == 1u), u.a2, factor == 2u); }
${share ? `var<workgroup> sums: array<f32, ${SIZE * rows}>;` : ''}`,
        body: /* wgsl */ `
  let lane = local % ${lanes}u;
  let item = local / ${lanes}u;
  // Workgroups take the columns of one matrix after the other, then the adapters' lows.
  var column = group * ${across}u + item;
  var matrix = ${count}u;
  var inside = false;
  ${matrices.map((m) => `if (group >= ${m ? which[m - 1] : '0u'} && group < ${which[m]}) { matrix = ${m}u; column -= ${m ? `${which[m - 1]} * ${across}u` : '0u'}; inside = column < u.columns${m}; column = min(column, u.columns${m} - 1u); }`).join('\n  ')}
  // One low is one row's own: task = (row, factor, r).
  var low_row = 0u;
  var low_place = 0u;
  var low_column = 0u;
  if (matrix == ${count}u) {
    let task = column - ${which[count - 1]} * ${across}u;
    let lows = u.factors * u.rank;
    low_row = min(task / lows, u.rows - 1u);
    low_column = task % lows;
    inside = task < lows * u.rows;
    let slot = slot_of(low_row);
    if (slot < u.slots) {
      low_place = slot * u.per_slot + factor_at(low_column / u.rank) + low_column % u.rank;
    } else {
      if (inside && lane == 0u) { out0[low_row * u.total + u.low + low_column] = 0.0; }
      inside = false;
    }
    low_row *= u.pitch;
  }
  ${each((i) => `let x${i} = min(${i}u, u.rows - 1u) * u.pitch; var total${i} = 0.0;`)}
  for (var base = 0u; base < u.terms; base += ${lanes * 256}u) {
    let first = min(base + lane * 256u, u.terms);
    // Invocations beyond the last output have nothing to sum.
    let end = select(first, min(first + 256u, u.terms), inside);
    ${each((i) => `var sum${i} = 0.0;`)}
    ${matrices.map((m) => `if (matrix == ${m}u) {${weightLoop(format, rows, codes[m]!, scales[m])}\n    }`).join(' else ')} else {
      var k = first;
      for (; k + 4u <= end; k += 4u) { ${list(4, (t) => lowStep(`k + ${t}u`)).join(' ')} }
      for (; k < end; k++) { ${lowStep('k')} }
    }
    ${
      share
        ? /* wgsl */ `${each((i) => `sums[local * ${rows}u + ${i}u] = sum${i};`)}
    workgroupBarrier();
    if (lane == 0u) {
      for (var part = 0u; part < ${lanes}u; part++) { ${each((i) => `total${i} = add(total${i}, sums[(local + part) * ${rows}u + ${i}u]);`)} }
    }
    workgroupBarrier();`
        : each((i) => `total${i} = add(total${i}, sum${i});`)
    }
  }
  if (lane == 0u && inside) {
    if (matrix == ${count}u) {
      emit0((low_row / u.pitch) * u.total + u.low + low_column, total0);
    } else {
      ${matrices.map((m) => `if (matrix == ${m}u) { column += u.at${m}; }`).join(' ')}
      var greatest = 0u;
      ${each((i) => `if (${i}u < u.rows) { greatest = max(greatest, place0(${i}u * u.total + column, total${i})); }`, '\n      ')}
      judge(greatest);
    }
  }`,
      };
    },
    dispatch(shapes, params) {
      const { rows, terms, rank = 0, factors = 0, low = 0 } = params as Record<string, number> & { rows: number; terms: number };
      const [slots, perSlot] = shapes[1] as [number, number];
      const lanes = lanesFor(terms);
      const across = SIZE / lanes;
      let groups = 0;
      const used = usedMatrices(shapes, params);
      const blocks = matrices.flatMap((m) => {
        const { columns, at } = used[m] ?? { columns: 0, at: 0 };
        groups += ceilDiv(columns, across);
        return [columns, at, groups];
      });
      groups += ceilDiv(rows * factors * rank, across);
      return {
        variant: `${rowsOf(rows)}x${lanes}`,
        uniforms: [
          ...rowUniformValues(params, 'slot'),
          terms, shapes[0]![1]!, codeWords(format, terms), scaleWords(format, terms), shapes[2]![1]!, perSlot, slots, rank, factors, low,
          ...blocks,
          params.a0 ?? 0, params.a1 ?? 0, params.a2 ?? 0,
        ],
        groups,
      };
    },
  };
}

export const decodeProductsWgsl: Readonly<Record<string, Wgsl>> = Object.fromEntries(
  FORMATS.map((format) => [decodeProducts[format].name, productsWgsl(format)]),
);
