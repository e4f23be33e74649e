import { tileSteps } from '../matmul/wgsl.ts';
import { productStep } from '../webgpu/prelude.ts';
import type { Code } from '../webgpu/wgsl.ts';

/**
 * Attention's products in tiles: a workgroup takes ROWS × COLUMNS outputs, each of its invocations UP × 4 of them in
 * registers, so that what is read from memory once serves many products. An output's sum is still made by one
 * invocation from its first to its last term.
 */
export const ROWS = 64;
export const COLUMNS = 32;
const UP = 8;
export const INVOCATIONS = (ROWS / UP) * (COLUMNS / 4);
/** Terms taken into workgroup memory at once; divides 256. */
const DEPTH = 16;

const list = (count: number) => Array.from({ length: count }, (_, i) => i);
const rows = (statement: (i: number) => string) => list(UP).map(statement).join(' ');
/** Fours of one term, one more than needed, for the banks of workgroup memory. */
const pitch = (count: number) => count / 4 + 1;

interface Load {
  /** Condition on `term` and `place` under which there is an element. */
  valid: string;
  index: string;
  /** Whether neighbouring terms lie side by side in memory; else neighbouring places do. */
  alongTerms: boolean;
  /** Statements before, with `term` and `place`. */
  setup?: string;
}

function load(name: 'a' | 'b', source: string, { valid, index, alongTerms, setup = '' }: Load, origin: string): string {
  const count = name === 'a' ? ROWS : COLUMNS;
  const [fast, slow, length] = alongTerms ? ['t', 'r', DEPTH] : ['r', 't', count];
  return /* wgsl */ `
    for (var at = local; at < ${count * DEPTH}u; at += ${INVOCATIONS}u) {
      let ${fast} = at % ${length}u;
      let ${slow} = at / ${length}u;
      let term = chunk + t;
      let place = ${origin} + r;
      var value = 0.0;
      ${setup}
      if (${valid}) { value = operand(${source}[${index}]); }
      ${name}_tile[t * ${pitch(count)}u + (r >> 2u)][r & 3u] = value;
    }`;
}

const registers = /* wgsl */ `
  let zero = u.zero;
  let r0 = (local / ${COLUMNS / 4}u) * ${UP}u;
  let c0 = (local % ${COLUMNS / 4}u) * 4u;
  ${rows((i) => `var total${i} = vec4f(); var sum${i} = vec4f();`)}`;

const step = /* wgsl */ `
        ${list(UP / 4)
          .map((q) => `let a${q} = a_tile[t * ${pitch(ROWS)}u + r0 / 4u + ${q}u];`)
          .join(' ')}
        let b = b_tile[t * ${pitch(COLUMNS)}u + c0 / 4u];
        ${rows((i) => `sum${i} = tile_step(sum${i}, a${i >> 2}[${i & 3}], b, zero);`)}`;
const flushRow = (i: number) => `total${i} = tile_add(total${i}, sum${i}, zero); sum${i} = vec4f();`;

export function tile(body: string, isProtected: boolean): Code {
  return {
    workgroup: INVOCATIONS,
    declarations: /* wgsl */ `
${productStep(isProtected)}
${tileSteps(4, isProtected)}
var<workgroup> a_tile: array<vec4f, ${DEPTH * pitch(ROWS)}>;
var<workgroup> b_tile: array<vec4f, ${DEPTH * pitch(COLUMNS)}>;`,
    body,
  };
}

/** Sums over `count` terms, the same for every output: blocks begin together. Leaves them in `total<i>_<j>`. */
export function evenSums(count: string, a: Load, aOrigin: string, b: Load, bOrigin: string): string {
  return /* wgsl */ `
  ${registers}
  for (var chunk = 0u; chunk < ${count}; chunk += ${DEPTH}u) {
    ${load('a', 'in0', a, aOrigin)}
    ${load('b', 'in1', b, bOrigin)}
    workgroupBarrier();
    // Terms beyond the last are products of zeros, which change no sum.
    for (var t = 0u; t < ${DEPTH}u; t++) {
${step}
    }
    if (((chunk + ${DEPTH}u) & 255u) == 0u || chunk + ${DEPTH}u >= ${count}) { ${rows(flushRow)} }
    workgroupBarrier();
  }`;
}

/**
 * Sums whose rows have ranges of their own: row r takes the terms from `start(r)`, and its blocks of 256 begin there.
 * Terms run over `first <= term < last` for the whole tile; a row's elements outside its range load as zeros.
 */
export function raggedSums(first: string, last: string, start: (row: string) => string, a: Load, aOrigin: string, b: Load, bOrigin: string): string {
  return /* wgsl */ `
  ${registers}
  ${rows((i) => `let start${i} = ${start(`${aOrigin} + r0 + ${i}u`)};`)}
  for (var chunk = ${first}; chunk < ${last}; chunk += ${DEPTH}u) {
    ${load('a', 'in0', a, aOrigin)}
    ${load('b', 'in1', b, bOrigin)}
    workgroupBarrier();
    // Where, if anywhere in these terms, each row's next block begins.
    ${rows((i) => `let turn${i} = (start${i} - chunk) & 255u;`)}
    if (${list(UP)
      .map((i) => `turn${i}`)
      .reduce((least, turn) => `min(${least}, ${turn})`)} < ${DEPTH}u) {
      for (var t = 0u; t < ${DEPTH}u; t++) {
        ${rows((i) => `if (t == turn${i}) { ${flushRow(i)} }`)}
${step}
      }
    } else {
      for (var t = 0u; t < ${DEPTH}u; t++) {
${step}
      }
    }
    workgroupBarrier();
  }
  ${rows(flushRow)}`;
}

/** Stores the outputs for which `valid` holds, in terms of `row`, `column` and what `setup` says of the row; one judgement for all. */
export function storeTile(aOrigin: string, bOrigin: string, setup: string, valid: string, index: string): string {
  const store = (i: number, j: number) => /* wgsl */ `{
      let column = ${bOrigin} + c0 + ${j}u;
      if (${valid}) { greatest = max(greatest, place0(${index}, total${i}[${j}])); }
    }`;
  return /* wgsl */ `
  var greatest = 0u;
  ${rows(
    (i) => `{
    let row = ${aOrigin} + r0 + ${i}u;
    ${setup}
    ${list(4)
      .map((j) => store(i, j))
      .join(' ')}
  }`,
  )}
  judge(greatest);`;
}

/** For ranges so far apart that they share nothing: each invocation walks through outputs of the tile, one by one. */
export function oneByOne(aOrigin: string, bOrigin: string, valid: string, statements: string): string {
  return /* wgsl */ `
  for (var at = local; at < ${ROWS * COLUMNS}u; at += ${INVOCATIONS}u) {
    let row = ${aOrigin} + at / ${COLUMNS}u;
    let column = ${bOrigin} + at % ${COLUMNS}u;
    if (${valid}) { ${statements} }
  }`;
}
