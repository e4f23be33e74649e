import { tiled } from '../matmul/wgsl.ts';
import { type Shape, size } from '../operation.ts';
import { productStep, wgslFloat } from '../webgpu/prelude.ts';
import { type Wgsl, ceilDiv, elementwise } from '../webgpu/wgsl.ts';
import { PANEL, PIVOT_FLOOR } from './operation.ts';

const panelEnd = ([m]: Shape, at: number): number => Math.min(at + PANEL, m!);

export const addDiagonalWgsl = elementwise(
  { m: 'u32', shift: 'f32' },
  'let at = i * (u.m + 1u);\nemit0(at, add(out0[at], u.shift));',
  ([k], { shift }) => ({ count: k![0]!, uniforms: [k![0]!, shift!] }),
);

export const choleskyStartWgsl = elementwise(
  { m: 'u32' },
  /* wgsl */ `
  let row = i / u.m;
  let column = i % u.m;
  if (column <= row) { out0[i] = in0[i]; } else { out0[i] = 0.0; }
  if (column == row) { emit1(row, mul(max(in0[i], 0.0), ${wgslFloat(PIVOT_FLOOR)})); }`,
  ([k]) => ({ count: size(k!), uniforms: [k![0]!] }),
);

const SOLVED = /* wgsl */ `
fn solved(b: f32, sum: f32, pivot: f32) -> f32 {
  if (pivot == 0.0) { return 0.0; }
  return rf_div(store(sub(b, sum)), pivot);
}`;

/** One workgroup, an invocation for each row of the block, which lies in workgroup memory by columns. */
export const choleskyBlockWgsl: Wgsl = {
  uniforms: { m: 'u32', at: 'u32', count: 'u32' },
  code: ({ protected: isProtected }) => ({
    workgroup: PANEL,
    declarations: /* wgsl */ `
${productStep(isProtected)}
${SOLVED}
var<workgroup> block: array<f32, ${PANEL * PANEL}>;`,
    body: /* wgsl */ `
  let i = local;
  let line = (u.at + i) * u.m + u.at;
  if (i < u.count) { for (var j = 0u; j <= i; j++) { block[j * ${PANEL}u + i] = out0[line + j]; } }
  workgroupBarrier();
  for (var j = 0u; j < u.count; j++) {
    let own = i >= j && i < u.count;
    var sum = 0.0;
    if (own) {
      for (var k = 0u; k < j; k++) { sum = product_step(sum, operand(block[k * ${PANEL}u + i]), operand(block[k * ${PANEL}u + j])); }
    }
    if (i == j) {
      let rest = store(sub(block[j * ${PANEL}u + j], sum));
      block[j * ${PANEL}u + j] = select(0.0, rf_sqrt(rest), rest > in1[u.at + j]);
    }
    workgroupBarrier();
    if (own && i > j) { block[j * ${PANEL}u + i] = solved(block[j * ${PANEL}u + i], sum, block[j * ${PANEL}u + j]); }
    workgroupBarrier();
  }
  if (i < u.count) { for (var j = 0u; j <= i; j++) { emit0(line + j, block[j * ${PANEL}u + i]); } }`,
  }),
  dispatch: ([l], { at }) => ({ uniforms: [l![0]!, at!, panelEnd(l!, at!) - at!], groups: 1 }),
};

/**
 * Substitution, an invocation for each row x of out0, whose solved values lie in workgroup memory; nobody else reads them.
 * Steps between elements may go backwards: integers wrap.
 */
function substitution(l: string): Pick<Wgsl, 'uniforms' | 'code'> {
  return {
    uniforms: { rows: 'u32', count: 'u32', x0: 'u32', x_row: 'u32', x_step: 'u32', l0: 'u32', l_row: 'u32', l_step: 'u32' },
    code: ({ protected: isProtected }) => ({
      workgroup: PANEL,
      declarations: /* wgsl */ `
${productStep(isProtected)}
${SOLVED}
var<workgroup> x: array<f32, ${PANEL * PANEL}>;`,
      body: /* wgsl */ `
  let row = group * ${PANEL}u + local;
  if (row >= u.rows) { return; }
  for (var j = 0u; j < u.count; j++) {
    let line = u.l0 + j * u.l_row;
    var sum = 0.0;
    for (var k = 0u; k < j; k++) { sum = product_step(sum, x[k * ${PANEL}u + local], operand(${l}[line + k * u.l_step])); }
    let place = u.x0 + row * u.x_row + j * u.x_step;
    let value = solved(out0[place], sum, ${l}[line + j * u.l_step]);
    x[j * ${PANEL}u + local] = operand(value);
    emit0(place, value);
  }`,
    }),
  };
}

export const choleskyPanelWgsl: Wgsl = {
  ...substitution('out0'),
  dispatch: ([l], { at }) => {
    const m = l![0]!;
    const end = panelEnd(l!, at!);
    const diagonal = at! * m + at!;
    return { uniforms: [m - end, end - at!, end * m + at!, m, 1, diagonal, m, 1], groups: ceilDiv(m - end, PANEL) };
  },
};

export const choleskySolveBlockWgsl: Wgsl = {
  ...substitution('in1'),
  dispatch: ([x, l], { at, backward }) => {
    const [n, m] = x as [number, number];
    const end = panelEnd(l!, at!);
    const uniforms = backward
      ? [n, end - at!, end - 1, m, -1, (end - 1) * (m + 1), -1, -m]
      : [n, end - at!, at!, m, 1, at! * (m + 1), m, 1];
    return { uniforms, groups: ceilDiv(n, PANEL) };
  },
};

/** Tiles that lie above the diagonal whole have nothing to do. */
export const choleskyUpdateWgsl = tiled(
  {
    a: 'out0[(u.end + place) * u.pitch + u.at + term]',
    b: 'out0[(u.end + place) * u.pitch + u.at + term]',
    aAlongTerms: true,
    bAlongTerms: true,
    range: 'if (row0 + 63u < column0) { return; } let count = u.terms;',
    uniforms: { pitch: 'u32', at: 'u32', end: 'u32' },
    into: {
      index: (row, column) => `(u.end + ${row}) * u.pitch + u.end + ${column}`,
      value: (index, total) => `sub(out0[${index}], store(${total}))`,
      where: (row, column) => `${row} >= ${column}`,
    },
  },
  ([l], { at }) => {
    const end = panelEnd(l!, at!);
    const rest = l![0]! - end;
    return { rows: rest, columns: rest, terms: end - at!, batch: 1, more: [l![0]!, at!, end] };
  },
);

/** The right operand lies along terms forward and along columns backward, and is read along what lies side by side. */
export const choleskySolveUpdateWgsl = tiled(
  {
    a: 'out0[place * u.pitch + u.at + term]',
    b: '',
    loadB: (columns, depth, workgroup) => /* wgsl */ `
    for (var at = local; at < ${columns * depth}u; at += ${workgroup}u) {
      let t = select(at % ${depth}u, at / ${columns}u, u.backward != 0u);
      let r = select(at / ${depth}u, at % ${columns}u, u.backward != 0u);
      let term = base + t;
      let place = column0 + r;
      var value = 0.0;
      if (term < count && place < u.columns) {
        value = operand(in1[select((u.first + place) * u.pitch + u.at + term, (u.at + term) * u.pitch + place, u.backward != 0u)]);
      }
      put_b(t, r, value);
    }`,
    aAlongTerms: true,
    bAlongTerms: true,
    range: 'let count = u.terms;',
    uniforms: { pitch: 'u32', at: 'u32', first: 'u32', backward: 'u32' },
    into: {
      index: (row, column) => `(${row}) * u.pitch + u.first + ${column}`,
      value: (index, total) => `sub(out0[${index}], store(${total}))`,
    },
  },
  ([x, l], { at, backward }) => {
    const [n, m] = x as [number, number];
    const end = panelEnd(l!, at!);
    const [first, columns] = backward ? [0, at!] : [end, m - end];
    return { rows: n, columns, terms: end - at!, batch: 1, more: [m, at!, first, backward ?? 0] };
  },
);
