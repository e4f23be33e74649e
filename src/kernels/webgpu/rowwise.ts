import type { Params, Shape } from '../operation.ts';
import { wgslFloat } from './prelude.ts';
import { ceilDiv, type DeviceTraits, type Wgsl } from './wgsl.ts';

/**
 * Operations on rows that need a sum or a greatest value of each row, in three forms with the same bits:
 * one invocation for a row (short rows on a CPU, where barriers cost dearly, or very many of them); one workgroup for a
 * row, its terms computed in parallel; and for long rows (vocabularies) one wide workgroup whose invocations take whole
 * blocks of 256. The body sees `row`, and walks a row by `for (var k = lane; k < n; k += LANES)`; what must be done
 * once a row is done where `lane == 0u`.
 */
const LANES = 64;
const WIDE_LANES = 256;
const SHORT = 256;
const LONG = 8192;

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
      const workgroup = variant === 'wide' ? WIDE_LANES : LANES;
      const helper = alone ? aloneHelper : variant === 'workgroup' ? sharedHelper : blocksHelper(workgroup);
      return {
        workgroup,
        declarations: `const LANES = ${alone ? 1 : workgroup}u;\n${helpers.map(helper).join('\n')}`,
        body: alone
          ? `let row = group * ${LANES}u + local;\nlet lane = 0u;\nif (row >= u.rows) { return; }\n${body}`
          : `let row = group;\nlet lane = local;\n${body}`,
      };
    },
    dispatch(shapes, params, device) {
      const { rows, columns, uniforms: rest } = dispatch(shapes, params);
      const variant = formFor(rows, columns, device);
      return { variant, uniforms: [rows, ...rest], groups: variant === 'invocation' ? ceilDiv(rows, LANES) : rows };
    },
  };
}

function formFor(rows: number, columns: number, { software, invocations }: DeviceTraits): 'invocation' | 'workgroup' | 'blocks' | 'wide' {
  if (software) {
    if (columns <= SHORT || (columns <= 2 * SHORT && rows >= LANES)) return 'invocation';
    return columns < LONG ? 'workgroup' : 'blocks';
  }
  if (columns <= 16 || (columns <= SHORT && rows >= 16_384)) return 'invocation';
  if (columns < LONG) return 'workgroup';
  return invocations >= WIDE_LANES ? 'wide' : 'blocks';
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

/** The greatest term by a workgroup of `lanes`. */
function sharedMax({ name, args, term }: RowHelper, lanes: number): string {
  return /* wgsl */ `
var<workgroup> ${name}_parts: array<f32, ${lanes}>;
fn ${name}(${args}, count: u32, lane: u32) -> f32 {
  var best = ${LEAST};
  for (var k = lane; k < count; k += ${lanes}u) { best = max(best, ${term}); }
  ${name}_parts[lane] = best;
  workgroupBarrier();
  for (var part = 0u; part < ${lanes}u; part++) { best = max(best, ${name}_parts[part]); }
  workgroupBarrier();
  return best;
}`;
}

/**
 * The sum by one whole workgroup; `count` must be uniform. Terms are computed in parallel, eight blocks of 256 at
 * a time; each block is summed by one invocation in order; the block sums are added in order. 257 words for each
 * block keep the summing invocations on different banks of workgroup memory.
 */
function sharedHelper(helper: RowHelper): string {
  const { name, args, term, what } = helper;
  if (what === 'max') return sharedMax(helper, LANES);
  return /* wgsl */ `
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

/** The sum by one whole workgroup, each of whose invocations computes and adds the terms of a block of its own. */
function blocksHelper(lanes: number): (helper: RowHelper) => string {
  return (helper) => {
    const { name, args, term, what } = helper;
    if (what === 'max') return sharedMax(helper, lanes);
    return /* wgsl */ `
var<workgroup> ${name}_blocks: array<f32, ${lanes}>;
fn ${name}(${args}, count: u32, lane: u32) -> f32 {
  var total = 0.0;
  for (var base = 0u; base < count; base += ${lanes * 256}u) {
    let first = base + lane * 256u;
    var sum = 0.0;
    for (var k = first; k < min(first + 256u, count); k++) { sum = add(sum, ${term}); }
    ${name}_blocks[lane] = sum;
    workgroupBarrier();
    let blocks = min(${lanes}u, (count - base + 255u) / 256u);
    for (var block = 0u; block < blocks; block++) { total = add(total, ${name}_blocks[block]); }
    workgroupBarrier();
  }
  return total;
}`;
  };
}
