import type { Params, Shape } from '../operation.ts';
import { productStep } from '../webgpu/prelude.ts';
import { ceilDiv, type Code, type Dispatch, type Wgsl } from '../webgpu/wgsl.ts';

/**
 * Tiles. A workgroup computes `rows` × `columns` outputs; each of its invocations a rectangle of
 * `up` × `across` of them, in registers, so it owns every sum of its outputs from first to last term.
 */
interface Tile {
  rows: number;
  columns: number;
  up: number;
  across: number;
}

const TILES: Readonly<Record<string, Tile>> = {
  // Decoding: few rows, so an invocation takes a column.
  flat: { rows: 4, columns: 64, up: 4, across: 1 },
  small: { rows: 32, columns: 32, up: 4, across: 4 },
  large: { rows: 64, columns: 64, up: 4, across: 4 },
};
/** Terms taken into workgroup memory at once; divides 256. */
const DEPTH = 16;

function tileFor(rows: number, columns: number, batch: number): string {
  if (rows <= 4) return 'flat';
  // A large tile reads less memory, but only many of them fill a device.
  return ceilDiv(rows, 64) * ceilDiv(columns, 64) * batch >= 64 ? 'large' : 'small';
}

export interface Form {
  /** Value of `term` of the output row `place`, and of `term` of the output column `place`. */
  a: string;
  b: string;
  /** Fills `b_tile` with columns × depth values instead of `b`, for operands that lie in memory as words of several values. */
  loadB?: (columns: number, depth: number, workgroup: number) => string;
  /** Whether neighbouring terms (true) or neighbouring rows/columns (false) lie side by side in memory. */
  aAlongTerms: boolean;
  bAlongTerms: boolean;
  /** Statements that declare `start` (first term), `count` (terms) and `out_base`. */
  range: string;
  /** Functions that `a` and `b` call. */
  declarations?: string;
  /** Uniforms besides the tiling's own, filled by the `more` of `size`. */
  uniforms?: Wgsl['uniforms'];
  /** Bits of float32 totals in out0 that the sums are added to, not flushed and not judged; otherwise values are emitted. */
  totals?: boolean;
}

function loadTile(name: string, count: number, alongTerms: boolean, size: number, index: string, limit: string, origin: string) {
  const [fast, slow] = alongTerms ? ['t', 'r'] : ['r', 't'];
  const length = alongTerms ? DEPTH : count;
  return /* wgsl */ `
    for (var at = local; at < ${count * DEPTH}u; at += ${size}u) {
      let ${fast} = at % ${length}u;
      let ${slow} = at / ${length}u;
      let term = base + t;
      let place = ${origin} + r;
      var value = 0.0;
      if (term < count && place < ${limit}) { value = operand(${index}); }
      ${name}[t * ${count + 1}u + r] = value;
    }`;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

/** Registers are written out: indexed private arrays end in memory on some compilers. */
function tiledCode(form: Form, tile: Tile, isProtected: boolean): Code {
  const { rows, columns, up, across } = tile;
  const size = (rows / up) * (columns / across);
  const each = (statement: (i: number, j: number) => string) =>
    range(up)
      .flatMap((i) => range(across).map((j) => statement(i, j)))
      .join('\n');
  const inside = (i: number, j: number) => `row0 + r0 + ${i}u < u.rows && column0 + c0 + ${j}u < u.columns`;
  const index = (i: number, j: number) => `out_base + (row0 + r0 + ${i}u) * u.columns + column0 + c0 + ${j}u`;
  // One judgement for all: sixteen copies of it make drivers compile for seconds.
  const emitted = `var greatest = 0u;
  ${each((i, j) => `if (${inside(i, j)}) { greatest = max(greatest, place0(${index(i, j)}, total${i}_${j})); }`)}
  judge(greatest);`;
  return {
    workgroup: size,
    declarations: /* wgsl */ `
${productStep(isProtected)}
${form.declarations ?? ''}
var<workgroup> a_tile: array<f32, ${DEPTH * (rows + 1)}>;
var<workgroup> b_tile: array<f32, ${DEPTH * (columns + 1)}>;`,
    body: /* wgsl */ `
  let tile = group % u.tiles;
  let batch = group / u.tiles;
  let row0 = (tile / u.tiles_across) * ${rows}u;
  let column0 = (tile % u.tiles_across) * ${columns}u;
  ${form.range}
  let r0 = (local / ${columns / across}u) * ${up}u;
  let c0 = (local % ${columns / across}u) * ${across}u;
  ${each((i, j) => `var total${i}_${j} = 0.0; var sum${i}_${j} = 0.0;`)}
  ${form.totals ? each((i, j) => `if (${inside(i, j)}) { total${i}_${j} = bitcast<f32>(out0[${index(i, j)}]); }`) : ''}
  for (var base = 0u; base < count; base += ${DEPTH}u) {
    ${loadTile('a_tile', rows, form.aAlongTerms, size, form.a, 'u.rows', 'row0')}
    ${form.loadB?.(columns, DEPTH, size) ?? loadTile('b_tile', columns, form.bAlongTerms, size, form.b, 'u.columns', 'column0')}
    workgroupBarrier();
    // Terms beyond the last are products of zeros, which change no sum.
    for (var t = 0u; t < ${DEPTH}u; t++) {
      ${range(up)
        .map((i) => `let a${i} = a_tile[t * ${rows + 1}u + r0 + ${i}u];`)
        .join(' ')}
      ${range(across)
        .map((j) => `let b${j} = b_tile[t * ${columns + 1}u + c0 + ${j}u];`)
        .join(' ')}
      ${each((i, j) => `sum${i}_${j} = product_step(sum${i}_${j}, a${i}, b${j});`)}
    }
    if (((base + ${DEPTH}u) & 255u) == 0u || base + ${DEPTH}u >= count) {
      ${each((i, j) => `total${i}_${j} = add(total${i}_${j}, sum${i}_${j}); sum${i}_${j} = 0.0;`)}
    }
    workgroupBarrier();
  }
  ${form.totals ? each((i, j) => `if (${inside(i, j)}) { out0[${index(i, j)}] = bitcast<u32>(total${i}_${j}); }`) : emitted}`,
  };
}

export interface TiledSize {
  rows: number;
  columns: number;
  terms: number;
  batch: number;
  /** Values of the form's own uniforms. */
  more?: number[];
}

/** A matrix product whose operands are read as `form` says. */
export function tiled(form: Form, size: (shapes: Shape[], params: Params) => TiledSize): Wgsl {
  return {
    uniforms: { rows: 'u32', columns: 'u32', terms: 'u32', tiles: 'u32', tiles_across: 'u32', ...form.uniforms },
    code: ({ variant, protected: isProtected }) => tiledCode(form, TILES[variant]!, isProtected),
    dispatch(shapes, params): Dispatch {
      const { rows, columns, terms, batch, more = [] } = size(shapes, params);
      const variant = tileFor(rows, columns, batch);
      const tile = TILES[variant]!;
      const across = ceilDiv(columns, tile.columns);
      const tiles = across * ceilDiv(rows, tile.rows);
      return { variant, uniforms: [rows, columns, terms, tiles, across, ...more], groups: tiles * batch };
    },
  };
}

export const WHOLE = 'let count = u.terms; let out_base = 0u;';

export const matmulNTWgsl = tiled(
  {
    a: 'in0[place * u.terms + term]',
    b: 'in1[place * u.terms + term]',
    aAlongTerms: true,
    bAlongTerms: true,
    range: WHOLE,
  },
  ([x, w]) => ({ rows: x![0]!, columns: w![0]!, terms: x![1]!, batch: 1 }),
);

export const matmulNNWgsl = tiled(
  {
    a: 'in0[place * u.terms + term]',
    b: 'in1[term * u.columns + place]',
    aAlongTerms: true,
    bAlongTerms: false,
    range: WHOLE,
  },
  ([x, w]) => ({ rows: x![0]!, columns: w![1]!, terms: x![1]!, batch: 1 }),
);

/** A segment's rows are the terms; segments are a batch. */
export const matmulTNWgsl = tiled(
  {
    a: 'in0[(start + term) * u.rows + place]',
    b: 'in1[(start + term) * u.columns + place]',
    aAlongTerms: false,
    bAlongTerms: false,
    range: 'let start = in2[batch]; let count = max(in2[batch + 1u], start) - start; let out_base = batch * u.rows * u.columns;',
  },
  ([a, b, segments]) => ({ rows: a![1]!, columns: b![1]!, terms: a![0]!, batch: segments![0]! - 1 }),
);
