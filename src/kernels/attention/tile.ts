import { productStep } from '../webgpu/prelude.ts';
import type { Code } from '../webgpu/wgsl.ts';

/**
 * Attention's products in tiles: a workgroup takes SIDE × SIDE outputs, each of its invocations EACH × EACH of them
 * in registers, so that what is read from memory once serves SIDE products. An output's sum is still made by one
 * invocation from its first to its last term.
 */
export const SIDE = 32;
const EACH = 4;
const INVOCATIONS = (SIDE / EACH) ** 2;
/** Terms taken into workgroup memory at once; divides 256. */
const DEPTH = 16;
const PITCH = SIDE + 1;

const four = [0, 1, 2, 3];
const rows = (statement: (i: number) => string) => four.map(statement).join(' ');
const each = (statement: (i: number, j: number) => string) => four.flatMap((i) => four.map((j) => statement(i, j))).join('\n');

interface Load {
  /** Condition on `term` and `place` under which there is an element. */
  valid: string;
  index: string;
  /** Whether neighbouring terms lie side by side in memory; else neighbouring places do. */
  alongTerms: boolean;
  /** Statements before, with `term` and `place`. */
  setup?: string;
}

function load(tile: string, source: string, { valid, index, alongTerms, setup = '' }: Load, origin: string): string {
  const [fast, slow, length] = alongTerms ? ['t', 'r', DEPTH] : ['r', 't', SIDE];
  return /* wgsl */ `
    for (var at = local; at < ${SIDE * DEPTH}u; at += ${INVOCATIONS}u) {
      let ${fast} = at % ${length}u;
      let ${slow} = at / ${length}u;
      let term = chunk + t;
      let place = ${origin} + r;
      var value = 0.0;
      ${setup}
      if (${valid}) { value = operand(${source}[${index}]); }
      ${tile}[t * ${PITCH}u + r] = value;
    }`;
}

const registers = /* wgsl */ `
  let r0 = (local / ${SIDE / EACH}u) * ${EACH}u;
  let c0 = (local % ${SIDE / EACH}u) * ${EACH}u;
  ${each((i, j) => `var total${i}_${j} = 0.0; var sum${i}_${j} = 0.0;`)}`;

const readOperands = /* wgsl */ `
      ${rows((i) => `let a${i} = a_tile[t * ${PITCH}u + r0 + ${i}u];`)}
      ${rows((j) => `let b${j} = b_tile[t * ${PITCH}u + c0 + ${j}u];`)}`;
const step = each((i, j) => `sum${i}_${j} = product_step(sum${i}_${j}, a${i}, b${j});`);
const flushRow = (i: number) => four.map((j) => `total${i}_${j} = add(total${i}_${j}, sum${i}_${j}); sum${i}_${j} = 0.0;`).join(' ');

export function tile(body: string, isProtected: boolean): Code {
  return {
    workgroup: INVOCATIONS,
    declarations: /* wgsl */ `
${productStep(isProtected)}
var<workgroup> a_tile: array<f32, ${DEPTH * PITCH}>;
var<workgroup> b_tile: array<f32, ${DEPTH * PITCH}>;`,
    body,
  };
}

/** Sums over `count` terms, the same for every output: blocks begin together. Leaves them in `total<i>_<j>`. */
export function evenSums(count: string, a: Load, aOrigin: string, b: Load, bOrigin: string): string {
  return /* wgsl */ `
  ${registers}
  for (var chunk = 0u; chunk < ${count}; chunk += ${DEPTH}u) {
    ${load('a_tile', 'in0', a, aOrigin)}
    ${load('b_tile', 'in1', b, bOrigin)}
    workgroupBarrier();
    // Terms beyond the last are products of zeros, which change no sum.
    for (var t = 0u; t < ${DEPTH}u; t++) {
      ${readOperands}
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
    ${load('a_tile', 'in0', a, aOrigin)}
    ${load('b_tile', 'in1', b, bOrigin)}
    workgroupBarrier();
    // Where, if anywhere in these terms, each row's next block begins.
    ${rows((i) => `let turn${i} = (start${i} - chunk) & 255u;`)}
    if (min(min(turn0, turn1), min(turn2, turn3)) < ${DEPTH}u) {
      for (var t = 0u; t < ${DEPTH}u; t++) {
        ${rows((i) => `if (t == turn${i}) { ${flushRow(i)} }`)}
        ${readOperands}
        ${step}
      }
    } else {
      for (var t = 0u; t < ${DEPTH}u; t++) {
        ${readOperands}
        ${step}
      }
    }
    workgroupBarrier();
  }
  ${rows(flushRow)}`;
}

/** Stores the outputs for which `valid` holds, in terms of `row` and `column`; one judgement for all. */
export function storeTile(aOrigin: string, bOrigin: string, setup: string, valid: string, index: string): string {
  return /* wgsl */ `
  var greatest = 0u;
  ${each(
    (i, j) => `{
    let row = ${aOrigin} + r0 + ${i}u;
    let column = ${bOrigin} + c0 + ${j}u;
    ${setup}
    if (${valid}) { greatest = max(greatest, place0(${index}, total${i}_${j})); }
  }`,
  )}
  judge(greatest);`;
}

/** For ranges so far apart that they share nothing: each invocation walks through outputs of the tile, one by one. */
export function oneByOne(aOrigin: string, bOrigin: string, valid: string, statements: string): string {
  return /* wgsl */ `
  for (var at = local; at < ${SIDE * SIDE}u; at += ${INVOCATIONS}u) {
    let row = ${aOrigin} + at / ${SIDE}u;
    let column = ${bOrigin} + at % ${SIDE}u;
    if (${valid}) { ${statements} }
  }`;
}
