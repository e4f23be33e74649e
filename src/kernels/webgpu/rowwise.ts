import type { Params, Shape } from '../operation.ts';
import { wgslFloat } from './prelude.ts';
import { ceilDiv, type Wgsl } from './wgsl.ts';

/**
 * Operations on rows that need a sum or a greatest value of each row, in two forms with the same bits:
 * one invocation for a row (short rows: no barriers, which software devices pay dearly for), or one workgroup
 * for a row (long rows: terms in parallel). The body sees `row`, and walks a row by
 * `for (var k = lane; k < n; k += LANES)`; what must be done once a row is done where `lane == 0u`.
 */
const LANES = 64;
const SHORT = 256;

export interface RowHelper {
  name: string;
  /** Parameters of the function besides `count` and `lane`. */
  args: string;
  /** Expression in `k` and the parameters. */
  term: string;
  what: 'sum' | 'max';
}

export interface Rowwise {
  uniforms: Wgsl['uniforms'];
  helpers: RowHelper[];
  body: string;
  dispatch(shapes: Shape[], params: Params): { rows: number; columns: number; uniforms: number[] };
}

export function rowwise({ uniforms, helpers, body, dispatch }: Rowwise): Wgsl {
  return {
    uniforms: { rows: 'u32', ...uniforms },
    code: ({ variant }) => {
      const alone = variant === 'invocation';
      const lanes = alone ? 1 : LANES;
      return {
        workgroup: LANES,
        declarations: `const LANES = ${lanes}u;\n${helpers.map((helper) => (alone ? aloneHelper(helper) : sharedHelper(helper))).join('\n')}`,
        body: alone
          ? `let row = group * ${LANES}u + local;\nlet lane = 0u;\nif (row >= u.rows) { return; }\n${body}`
          : `let row = group;\nlet lane = local;\n${body}`,
      };
    },
    dispatch(shapes, params) {
      const { rows, columns, uniforms: rest } = dispatch(shapes, params);
      const alone = columns <= SHORT || (columns <= 2 * SHORT && rows >= LANES);
      return {
        variant: alone ? 'invocation' : 'workgroup',
        uniforms: [rows, ...rest],
        groups: alone ? ceilDiv(rows, LANES) : rows,
      };
    },
  };
}

const LEAST = wgslFloat(-(2 ** 120));

/** RF32's block sum, or the greatest term, by one invocation. */
function aloneHelper({ name, args, term, what }: RowHelper): string {
  return what === 'max'
    ? /* wgsl */ `
fn ${name}(${args}, count: u32, lane: u32) -> f32 {
  var best = ${LEAST};
  for (var k = 0u; k < count; k++) { best = max(best, ${term}); }
  return best;
}`
    : /* wgsl */ `
fn ${name}(${args}, count: u32, lane: u32) -> f32 {
  var total = 0.0;
  for (var first = 0u; first < count; first += 256u) {
    var sum = 0.0;
    for (var k = first; k < min(first + 256u, count); k++) { sum = add(sum, ${term}); }
    total = add(total, sum);
  }
  return total;
}`;
}

/**
 * The same by one whole workgroup; `count` must be uniform. Terms are computed in parallel, eight blocks of 256 at
 * a time; each block is summed by one invocation in order; the block sums are added in order. 257 words for each
 * block keep the summing invocations on different banks of workgroup memory.
 */
function sharedHelper({ name, args, term, what }: RowHelper): string {
  return what === 'max'
    ? /* wgsl */ `
var<workgroup> ${name}_parts: array<f32, ${LANES}>;
fn ${name}(${args}, count: u32, lane: u32) -> f32 {
  var best = ${LEAST};
  for (var k = lane; k < count; k += ${LANES}u) { best = max(best, ${term}); }
  ${name}_parts[lane] = best;
  workgroupBarrier();
  for (var part = 0u; part < ${LANES}u; part++) { best = max(best, ${name}_parts[part]); }
  workgroupBarrier();
  return best;
}`
    : /* wgsl */ `
var<workgroup> ${name}_terms: array<f32, 2056>;
var<workgroup> ${name}_blocks: array<f32, 8>;
fn ${name}(${args}, count: u32, lane: u32) -> f32 {
  var total = 0.0;
  for (var base = 0u; base < count; base += 2048u) {
    let here = min(2048u, count - base);
    for (var slot = lane; slot < here; slot += ${LANES}u) {
      let k = base + slot;
      ${name}_terms[slot + (slot >> 8u)] = ${term};
    }
    workgroupBarrier();
    if (lane < 8u) {
      var sum = 0.0;
      let first = lane * 256u;
      for (var slot = first; slot < min(first + 256u, here); slot++) { sum = add(sum, ${name}_terms[slot + lane]); }
      ${name}_blocks[lane] = sum;
    }
    workgroupBarrier();
    for (var block = 0u; block < 8u; block++) { total = add(total, ${name}_blocks[block]); }
    workgroupBarrier();
  }
  return total;
}`;
}
