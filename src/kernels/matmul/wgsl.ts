import type { Params, Shape } from '../operation.ts';
import { ceilDiv, type Code, type DeviceTraits, type Dispatch, type Wgsl } from '../webgpu/wgsl.ts';

/**
 * Tiles. A workgroup computes `rows` × `columns` outputs; each of its invocations a rectangle of
 * `up` × `across` of them, in registers, so it owns every sum of its outputs from first to last term.
 */
interface Tile {
  rows: number;
  columns: number;
  up: 4 | 8;
  across: 1 | 4;
  /** Terms taken into workgroup memory at once; divides 256. */
  depth: number;
}

/** At most 128 invocations and 16 KiB of workgroup memory, which every device has. */
const TILES: Readonly<Record<string, Tile>> = {
  // Decoding: few rows, so an invocation takes a column.
  flat: { rows: 4, columns: 64, up: 4, across: 1, depth: 16 },
  small: { rows: 32, columns: 32, up: 4, across: 4, depth: 32 },
  // Low-rank factors: few columns.
  tall: { rows: 128, columns: 16, up: 8, across: 4, depth: 16 },
  wide: { rows: 32, columns: 64, up: 8, across: 4, depth: 16 },
  large: { rows: 64, columns: 64, up: 8, across: 4, depth: 16 },
};

function tileFor(rows: number, columns: number, batch: number, { software }: DeviceTraits): string {
  if (rows <= 4) return 'flat';
  // A large tile reads less memory, but only many of them fill a device; a CPU is full with a few.
  const enough = software ? 1 : 64;
  const count = (name: string) => ceilDiv(rows, TILES[name]!.rows) * ceilDiv(columns, TILES[name]!.columns) * batch;
  if (rows > 32 && columns <= 16 && count('tall') >= Math.min(enough, 2)) return 'tall';
  if (rows > 32 && columns > 32 && count('large') >= enough) return 'large';
  return columns > 32 && count('wide') >= enough ? 'wide' : 'small';
}

/**
 * One step and one addition for the `across` sums of a row at once. `zero` is u.zero, read once: some drivers read
 * uniforms anew each time. See productStep for what the protected form does.
 */
export function tileSteps(across: number, isProtected: boolean): string {
  const [float, word] = across === 1 ? ['f32', 'u32'] : [`vec${across}f`, `vec${across}u`];
  const opaque = (x: string) => `bitcast<${float}>(bitcast<${word}>(${x}) ^ ${word}(zero))`;
  const sum = `sum + ${opaque('a * b')}`;
  return /* wgsl */ `
fn tile_step(sum: ${float}, a: f32, b: ${float}, zero: u32) -> ${float} { return ${isProtected ? opaque(sum) : sum}; }
fn tile_add(total: ${float}, sum: ${float}, zero: u32) -> ${float} { return ${opaque('total + sum')}; }`;
}

export interface Form {
  /** Value of `term` of the output row `place`, and of `term` of the output column `place`. */
  a: string;
  b: string;
  /** Fills the tile of b by `put_b(term, column, value)` instead of `b`, for operands that lie in memory as words of several values. */
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
  /** Where output (row, column) lies, what is stored there instead of the total, and whether it is written at all; otherwise a whole matrix. */
  into?: { index: (row: string, column: string) => string; value: (index: string, total: string) => string; where?: (row: string, column: string) => string };
}

function loadTile(name: 'a' | 'b', count: number, depth: number, alongTerms: boolean, size: number, index: string, limit: string, origin: string) {
  const [fast, slow] = alongTerms ? ['t', 'r'] : ['r', 't'];
  const length = alongTerms ? depth : count;
  return /* wgsl */ `
    for (var at = local; at < ${count * depth}u; at += ${size}u) {
      let ${fast} = at % ${length}u;
      let ${slow} = at / ${length}u;
      let term = base + t;
      let place = ${origin} + r;
      var value = 0.0;
      if (term < count && place < ${limit}) { value = operand(${index}); }
      put_${name}(t, r, value);
    }`;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

/** A tile of `depth` terms of `count` places in workgroup memory, in fours or one by one; one more than needed, for its banks. */
function tileMemory(name: 'a' | 'b', count: number, depth: number, four: boolean): { pitch: number; declarations: string } {
  const pitch = (four ? count / 4 : count) + 1;
  const place = four ? `${name}_tile[t * ${pitch}u + (r >> 2u)][r & 3u]` : `${name}_tile[t * ${pitch}u + r]`;
  return {
    pitch,
    declarations: /* wgsl */ `
var<workgroup> ${name}_tile: array<${four ? 'vec4f' : 'f32'}, ${depth * pitch}>;
fn put_${name}(t: u32, r: u32, value: f32) { ${place} = value; }`,
  };
}

/** Registers are written out: indexed private arrays end in memory on some compilers. */
function tiledCode(form: Form, { rows, columns, up, across, depth }: Tile, isProtected: boolean): Code {
  const size = (rows / up) * (columns / across);
  const zeros = across === 1 ? '0.0' : 'vec4f()';
  const a = tileMemory('a', rows, depth, true);
  const b = tileMemory('b', columns, depth, across === 4);
  const lines = (statement: (i: number) => string) => range(up).map(statement).join('\n');
  const each = (statement: (i: number, j: number) => string) => lines((i) => range(across).map((j) => statement(i, j)).join('\n'));
  const rowAt = (i: number) => `row0 + r0 + ${i}u`;
  const columnAt = (j: number) => `column0 + c0 + ${j}u`;
  const { into } = form;
  const inside = (i: number, j: number) => `${rowAt(i)} < u.rows && ${columnAt(j)} < u.columns${into?.where ? ` && ${into.where(rowAt(i), columnAt(j))}` : ''}`;
  const index = (i: number, j: number) => into?.index(rowAt(i), columnAt(j)) ?? `out_base + (${rowAt(i)}) * u.columns + ${columnAt(j)}`;
  const total = (i: number, j: number) => (across === 1 ? `total${i}` : `total${i}[${j}]`);
  // One judgement for all: a copy of it for each output makes drivers compile for seconds.
  const emitted = `var greatest = 0u;
  ${each((i, j) => `if (${inside(i, j)}) { greatest = max(greatest, place0(${index(i, j)}, ${into?.value(index(i, j), total(i, j)) ?? total(i, j)})); }`)}
  judge(greatest);`;
  return {
    workgroup: size,
    declarations: /* wgsl */ `
${tileSteps(across, isProtected)}
${form.declarations ?? ''}
${a.declarations}
${b.declarations}`,
    body: /* wgsl */ `
  let zero = u.zero;
  let tile = group % u.tiles;
  let batch = group / u.tiles;
  let row0 = (tile / u.tiles_across) * ${rows}u;
  let column0 = (tile % u.tiles_across) * ${columns}u;
  ${form.range}
  let r0 = (local / ${columns / across}u) * ${up}u;
  let c0 = (local % ${columns / across}u) * ${across}u;
  ${lines((i) => `var total${i} = ${zeros}; var sum${i} = ${zeros};`)}
  ${form.totals ? each((i, j) => `if (${inside(i, j)}) { ${total(i, j)} = bitcast<f32>(out0[${index(i, j)}]); }`) : ''}
  for (var base = 0u; base < count; base += ${depth}u) {
    ${loadTile('a', rows, depth, form.aAlongTerms, size, form.a, 'u.rows', 'row0')}
    ${form.loadB?.(columns, depth, size) ?? loadTile('b', columns, depth, form.bAlongTerms, size, form.b, 'u.columns', 'column0')}
    workgroupBarrier();
    // Terms beyond the last are products of zeros, which change no sum.
    for (var t = 0u; t < ${depth}u; t++) {
      ${range(up / 4).map((q) => `let a${q} = a_tile[t * ${a.pitch}u + r0 / 4u + ${q}u];`).join(' ')}
      let b = b_tile[t * ${b.pitch}u + c0${across === 4 ? ' / 4u' : ''}];
      ${lines((i) => `sum${i} = tile_step(sum${i}, a${i >> 2}[${i & 3}], b, zero);`)}
    }
    if (((base + ${depth}u) & 255u) == 0u || base + ${depth}u >= count) {
      ${lines((i) => `total${i} = tile_add(total${i}, sum${i}, zero); sum${i} = ${zeros};`)}
    }
    workgroupBarrier();
  }
  ${form.totals ? each((i, j) => `if (${inside(i, j)}) { out0[${index(i, j)}] = bitcast<u32>(${total(i, j)}); }`) : emitted}`,
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
    dispatch(shapes, params, device): Dispatch {
      const { rows, columns, terms, batch, more = [] } = size(shapes, params);
      const variant = tileFor(rows, columns, batch, device);
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
