import type { Shape } from '../operation.ts';
import { productStep } from '../webgpu/prelude.ts';
import { rowwise } from '../webgpu/rowwise.ts';
import { ceilDiv, type CodeOptions, type Dispatch, type Wgsl } from '../webgpu/wgsl.ts';
import { COLUMNS, evenSums, INVOCATIONS, oneByOne, raggedSums, ROWS, storeTile, tile } from './tile.ts';

// Ranges are cut to what the rows hold: a device that counts below zero would run for minutes.
//
// Three forms with the same bits. 'each': one invocation for an output, for few rows. 'tile': what is read serves
// many outputs (tile.ts), for prefill and training. 'blocks': the blocks of 256 of one sum are taken by different
// invocations and added in order, for one token after a long text.
const SIZE = 64;
/** Rows (queries times the heads of one group) from which tiles pay. */
const TILE_ROWS = 24;
/** Width of attention from which a sum's blocks are shared out. */
const LONG = 512;
const BLOCK_COLUMNS = 32;
const BLOCKS = 8;

interface Forms {
  uniforms: Wgsl['uniforms'];
  /** Statements that declare `total`, the sum of output `i`; they see `product_step`. */
  each: string;
  tile: string;
  blocks?: string;
  dispatch: Wgsl['dispatch'];
}

function forms({ uniforms, each, tile: tiled, blocks = '', dispatch }: Forms): Wgsl {
  return {
    uniforms: { count: 'u32', ...uniforms },
    code: ({ variant, protected: isProtected }: CodeOptions) => {
      if (variant === 'tile') return tile(tiled, isProtected);
      if (variant === 'blocks') {
        const declarations = `${productStep(isProtected)}\nvar<workgroup> parts: array<f32, ${BLOCKS * BLOCK_COLUMNS}>;`;
        return { workgroup: BLOCKS * BLOCK_COLUMNS, declarations, body: blocks };
      }
      return {
        workgroup: SIZE,
        declarations: productStep(isProtected),
        body: `let i = group * ${SIZE}u + local;\nif (i < u.count) {\n${each}\nemit0(i, total);\n}`,
      };
    },
    dispatch,
  };
}

const each = (count: number, ...uniforms: number[]): Dispatch => ({ variant: 'each', uniforms: [count, ...uniforms], groups: ceilDiv(count, SIZE) });

const rowsOf = ([n, heads, width]: Shape, scale: number) => ({
  rows: n! * heads!,
  columns: width!,
  uniforms: [heads!, width!, scale],
});

/** One output of the scores: query `query`, head-row `q_row`, key `key`, group `kv`. */
const scoreSum = (qRow: string, key: string, kv: string) => /* wgsl */ `
    let q = (${qRow}) * u.e;
    let k = ((${key}) * u.groups + ${kv}) * u.e;
    for (var first = 0u; first < u.e; first += 256u) {
      var sum = 0.0;
      for (var x = first; x < min(first + 256u, u.e); x++) {
        sum = product_step(sum, operand(in0[q + x]), operand(in1[k + x]));
      }
      total = add(total, sum);
    }`;

/** A tile's rows are the queries, each with the heads of one group side by side: they share its keys and values. */
const tileRows = /* wgsl */ `
  let per_group = u.heads / u.groups;
  let rows = u.queries * per_group;
  let kv = group / (u.row_tiles * u.column_tiles);
  let row0 = (group / u.column_tiles) % u.row_tiles * ${ROWS}u;
  let first_query = row0 / per_group;
  let last_query = min(row0 + ${ROWS - 1}u, rows - 1u) / per_group;`;
/** Row of [queries, heads]. */
const headRow = (row: string) => `((${row}) / per_group * u.heads + kv * per_group + (${row}) % per_group)`;

/** Tiles lie over absolute keys from the least `lo` of their rows on; columns of the scores count from each row's own. */
export const attentionScoresWgsl = forms({
  uniforms: { heads: 'u32', groups: 'u32', width: 'u32', e: 'u32', queries: 'u32', row_tiles: 'u32', column_tiles: 'u32' },
  each: /* wgsl */ `
  let row = i / u.width;
  let query = row / u.heads;
  let key = in2[query] + i % u.width;
  var total = 0.0;
  if (key < in3[query]) { ${scoreSum('row', 'key', '(row % u.heads) / (u.heads / u.groups)')} }`,
  tile: /* wgsl */ `
  ${tileRows}
  let column_tile = group % u.column_tiles;
  var lowest = 0xffffffffu;
  for (var query = first_query; query <= last_query; query++) { lowest = min(lowest, in2[query]); }
  let reach = lowest + u.column_tiles * ${COLUMNS}u;
  // Ranges that end beyond the tiles are far from the others, as those of another conversation in the same cache.
  var end = 0u;
  var some_far = false;
  var shortest = u.width;
  for (var query = first_query; query <= last_query; query++) {
    shortest = min(shortest, max(in3[query], in2[query]) - in2[query]);
    if (in3[query] <= reach) { end = max(end, in3[query]); } else { some_far = true; }
  }
  let offset = column_tile * ${COLUMNS}u;
  // Zeros after each row's range, counted from its own beginning; and the rows that are far. One row for an invocation.
  if (offset + ${COLUMNS}u > shortest || some_far) {
    for (var row = row0 + local; row < min(row0 + ${ROWS}u, rows); row += ${INVOCATIONS}u) {
      let query = row / per_group;
      let lo = in2[query];
      let hi = in3[query];
      let head_row = ${headRow('row')};
      let end_column = min(offset + ${COLUMNS}u, u.width);
      for (var column = max(offset, max(hi, lo) - lo); column < end_column; column++) { out0[head_row * u.width + column] = 0.0; }
      if (hi > reach) {
        for (var column = offset; column < min(end_column, hi - lo); column++) {
          var total = 0.0;
          ${scoreSum('head_row', 'lo + column', 'kv')}
          emit0(head_row * u.width + column, total);
        }
      }
    }
  }
  let key0 = lowest + offset;
  if (key0 < end) {
    ${evenSums(
      'u.e',
      { valid: 'term < u.e && place < rows', index: `${headRow('place')} * u.e + term`, alongTerms: true },
      'row0',
      { valid: 'term < u.e && place < end', index: '(place * u.groups + kv) * u.e + term', alongTerms: true },
      'key0',
    )}
    ${storeTile(
      'row0',
      'key0',
      /* wgsl */ `
      // Columns first <= c < last of the tile are keys of this row; ranges that are far are not.
      let query = min(row, rows - 1u) / per_group;
      let lo = in2[query];
      let first = max(lo, key0);
      let last = select(min(in3[query], lo + u.width), 0u, row >= rows || in3[query] > reach);
      let at = ${headRow('row')} * u.width - lo;`,
      'column >= first && column < last',
      'at + column',
    )}
  }`,
  dispatch: ([q], { heads, groups, width }) => {
    const [n, e, rows] = [q![0]!, q![1]! / heads!, (q![0]! * heads!) / groups!];
    const count = n * heads! * width!;
    if (rows < TILE_ROWS || width! < COLUMNS / 2) return each(count, heads!, groups!, width!, e, n, 1, 1);
    const rowTiles = ceilDiv(rows, ROWS);
    // Neighbouring queries begin and end up to one key apart, as in a causal mask with a window.
    const columnTiles = ceilDiv(width! + ceilDiv(ROWS * groups!, heads!), COLUMNS);
    return { variant: 'tile', uniforms: [count, heads!, groups!, width!, e, n, rowTiles, columnTiles], groups: groups! * rowTiles * columnTiles };
  },
});

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

/** One output of o: row `row` of p, keys lo <= t < lo + count. */
const valueSum = (pRow: string, x: string, kv: string) => /* wgsl */ `
    let line = (${pRow}) * u.width;
    let pitch = u.groups * u.e;
    let values = lo * pitch + ${kv} * u.e + ${x};
    for (var first = 0u; first < count; first += 256u) {
      var sum = 0.0;
      for (var c = first; c < min(first + 256u, count); c++) {
        sum = product_step(sum, operand(in0[line + c]), operand(in1[values + c * pitch]));
      }
      total = add(total, sum);
    }`;

/** `lo` and `count` of a query's range. */
const rangeOf = (query: string) => /* wgsl */ `
  let lo = in2[${query}];
  let count = min(max(in3[${query}], lo) - lo, u.width);`;

export const attentionValuesWgsl = forms({
  uniforms: { heads: 'u32', groups: 'u32', width: 'u32', e: 'u32', queries: 'u32', row_tiles: 'u32', column_tiles: 'u32' },
  each: /* wgsl */ `
  let row = i / u.e;
  let x = i % u.e;
  let query = row / u.heads;
  ${rangeOf('query')}
  var total = 0.0;
  ${valueSum('row', 'x', '(row % u.heads) / (u.heads / u.groups)')}`,
  blocks: /* wgsl */ `
  let row = group / u.column_tiles;
  let x = group % u.column_tiles * ${BLOCK_COLUMNS}u + local % ${BLOCK_COLUMNS}u;
  let query = row / u.heads;
  let kv = (row % u.heads) / (u.heads / u.groups);
  ${rangeOf('query')}
  var total = 0.0;
  for (var base = 0u; base < count; base += ${BLOCKS * 256}u) {
    let first = base + local / ${BLOCK_COLUMNS}u * 256u;
    var sum = 0.0;
    if (x < u.e) {
      for (var c = first; c < min(first + 256u, count); c++) {
        sum = product_step(sum, operand(in0[row * u.width + c]), operand(in1[((lo + c) * u.groups + kv) * u.e + x]));
      }
    }
    parts[local] = sum;
    workgroupBarrier();
    if (local < ${BLOCK_COLUMNS}u) {
      for (var block = 0u; block < ${BLOCKS}u; block++) { total = add(total, parts[block * ${BLOCK_COLUMNS}u + local]); }
    }
    workgroupBarrier();
  }
  if (local < ${BLOCK_COLUMNS}u && x < u.e) { emit0(row * u.e + x, total); }`,
  tile: /* wgsl */ `
  ${tileRows}
  let column0 = group % u.column_tiles * ${COLUMNS}u;
  var first_key = 0xffffffffu;
  var last_key = 0u;
  var longest = 0u;
  for (var query = first_query; query <= last_query; query++) {
    let lo = in2[query];
    let hi = lo + min(max(in3[query], lo) - lo, u.width);
    if (lo < hi) {
      first_key = min(first_key, lo);
      last_key = max(last_key, hi);
      longest = max(longest, hi - lo);
    }
  }
  if (first_key < last_key && last_key - first_key > 2u * longest + ${2 * ROWS}u) {
    ${oneByOne(
      'row0',
      'column0',
      'row < rows && column < u.e',
      /* wgsl */ `
      ${rangeOf('row / per_group')}
      var total = 0.0;
      ${valueSum(headRow('row'), 'column', 'kv')}
      emit0(${headRow('row')} * u.e + column, total);`,
    )}
  } else {
    ${raggedSums(
      'first_key',
      'last_key',
      (row) => `in2[min(${row}, rows - 1u) / per_group]`,
      {
        setup: 'let query = min(place, rows - 1u) / per_group; let lo = in2[query];',
        valid: 'place < rows && term >= lo && term < in3[query] && term - lo < u.width',
        index: `${headRow('place')} * u.width + term - lo`,
        alongTerms: true,
      },
      'row0',
      { valid: 'term < last_key && place < u.e', index: '(term * u.groups + kv) * u.e + place', alongTerms: false },
      'column0',
    )}
    ${storeTile('row0', 'column0', '', 'row < rows && column < u.e', `${headRow('row')} * u.e + column`)}
  }`,
  dispatch: ([p, v], { groups }, device) => {
    const [n, heads, width] = p as [number, number, number];
    const e = v![1]! / groups!;
    const rows = (n * heads) / groups!;
    const count = n * heads * e;
    if (rows >= TILE_ROWS) {
      const [rowTiles, columnTiles] = [ceilDiv(rows, ROWS), ceilDiv(e, COLUMNS)];
      return { variant: 'tile', uniforms: [count, heads, groups!, width, e, n, rowTiles, columnTiles], groups: groups! * rowTiles * columnTiles };
    }
    // On the CPU invocations share its cores: barriers would only cost.
    if (width < LONG || device.software || device.invocations < BLOCKS * BLOCK_COLUMNS) return each(count, heads, groups!, width, e, n, 1, 1);
    const columnTiles = ceilDiv(e, BLOCK_COLUMNS);
    return { variant: 'blocks', uniforms: [count, heads, groups!, width, e, n, 1, columnTiles], groups: n * heads * columnTiles };
  },
});

/** One output of y: key `key`, terms of the queries from `start` on, each with the heads of the group `kv`. */
const keySum = (key: string, x: string, kv: string) => /* wgsl */ `
  let start = in3[${key}];
  let count = (max(in4[${key}], start) - start) * per_group;
  var total = 0.0;
  for (var first = 0u; first < count; first += 256u) {
    var sum = 0.0;
    for (var term = first; term < min(first + 256u, count); term++) {
      let query = start + term / per_group;
      let head = query * u.heads + ${kv} * per_group + term % per_group;
      sum = product_step(sum, operand(in0[head * u.width + ${key} - in2[query]]), operand(in1[head * u.e + ${x}]));
    }
    total = add(total, sum);
  }`;

/** In a tile the terms are counted from the first query of all: term = query · heads of a group + head. */
export const attentionKeysWgsl = forms({
  uniforms: { heads: 'u32', groups: 'u32', width: 'u32', e: 'u32', keys: 'u32', row_tiles: 'u32', column_tiles: 'u32' },
  each: /* wgsl */ `
  let row = i / u.e;
  let x = i % u.e;
  let key = row / u.groups;
  let kv = row % u.groups;
  let per_group = u.heads / u.groups;
  ${keySum('key', 'x', 'kv')}`,
  tile: /* wgsl */ `
  let per_group = u.heads / u.groups;
  let kv = group / (u.row_tiles * u.column_tiles);
  let key0 = (group / u.column_tiles) % u.row_tiles * ${ROWS}u;
  let column0 = group % u.column_tiles * ${COLUMNS}u;
  var first_term = 0xffffffffu;
  var last_term = 0u;
  var longest = 0u;
  for (var key = key0; key < min(key0 + ${ROWS}u, u.keys); key++) {
    let start = in3[key] * per_group;
    let end = in4[key] * per_group;
    if (start < end) {
      first_term = min(first_term, start);
      last_term = max(last_term, end);
      longest = max(longest, end - start);
    }
  }
  if (first_term < last_term && last_term - first_term > 2u * longest + ${2 * ROWS}u) {
    ${oneByOne(
      'key0',
      'column0',
      'row < u.keys && column < u.e',
      /* wgsl */ `
      ${keySum('row', 'column', 'kv')}
      emit0((row * u.groups + kv) * u.e + column, total);`,
    )}
  } else {
    ${raggedSums(
      'first_term',
      'last_term',
      (row) => `in3[min(${row}, u.keys - 1u)] * per_group`,
      {
        setup: 'let key = min(place, u.keys - 1u); let query = term / per_group;',
        valid: 'place < u.keys && query >= in3[key] && query < in4[key]',
        index: '(query * u.heads + kv * per_group + term % per_group) * u.width + key - in2[query]',
        alongTerms: false,
      },
      'key0',
      {
        valid: 'term < last_term && place < u.e',
        index: '(term / per_group * u.heads + kv * per_group + term % per_group) * u.e + place',
        alongTerms: false,
      },
      'column0',
    )}
    ${storeTile('key0', 'column0', '', 'row < u.keys && column < u.e', '(row * u.groups + kv) * u.e + column')}
  }`,
  dispatch: ([p, q, , from], { groups }) => {
    const [, heads, width] = p as [number, number, number];
    const [keys, e] = [from![0]!, q![1]! / heads];
    const count = keys * groups! * e;
    if (keys < TILE_ROWS) return each(count, heads, groups!, width, e, keys, 1, 1);
    const [rowTiles, columnTiles] = [ceilDiv(keys, ROWS), ceilDiv(e, COLUMNS)];
    return { variant: 'tile', uniforms: [count, heads, groups!, width, e, keys, rowTiles, columnTiles], groups: groups! * rowTiles * columnTiles };
  },
});
