import type { Wgsl } from '../webgpu/wgsl.ts';

const SIZE = 64;
const WIDE = 256;
const LONG = 8192;

/**
 * One workgroup a row, wider for vocabularies. Each invocation sums a block of 256; the blocks are added in order by all,
 * first for the total and then again, a chunk of blocks at a time, for the draws whose block lies in the chunk. Such a
 * draw's invocation goes through its one block once more.
 */
export const drawTargetsWgsl: Wgsl = {
  uniforms: { columns: 'u32', draws: 'u32' },
  code: ({ variant }) => {
    const lanes = variant === 'wide' ? WIDE : SIZE;
    return {
      workgroup: lanes,
      declarations: /* wgsl */ `
var<workgroup> block_sums: array<f32, ${lanes}>;
fn term(at: u32, top: f32) -> f32 { return rf_exp(sub(in0[at], top)); }
fn sum_block(row: u32, first: u32, top: f32) -> f32 {
  var sum = 0.0;
  for (var k = first; k < min(first + 256u, u.columns); k++) { sum = add(sum, term(row + k, top)); }
  return sum;
}
fn found(cumulative: f32, wanted: f32, total: f32) -> bool { return cumulative > wanted || cumulative == total; }`,
      body: /* wgsl */ `
  let row = group * u.columns;
  let top = in1[2u * group];
  var total = 0.0;
  for (var base = 0u; base < u.columns; base += ${lanes * 256}u) {
    block_sums[local] = sum_block(row, base + local * 256u, top);
    workgroupBarrier();
    let blocks = min(${lanes}u, (u.columns - base + 255u) / 256u);
    for (var block = 0u; block < blocks; block++) { total = add(total, block_sums[block]); }
    workgroupBarrier();
  }
  var before_chunk = 0.0;
  for (var base = 0u; base < u.columns; base += ${lanes * 256}u) {
    block_sums[local] = sum_block(row, base + local * 256u, top);
    workgroupBarrier();
    let blocks = min(${lanes}u, (u.columns - base + 255u) / 256u);
    for (var draw = local; draw < u.draws; draw += ${lanes}u) {
      let wanted = mul(in2[group * u.draws + draw], total);
      if (base > 0u && found(before_chunk, wanted, total)) { continue; }
      var before = before_chunk;
      for (var block = 0u; block < blocks; block++) {
        let after = add(before, block_sums[block]);
        if (found(after, wanted, total)) {
          var sum = 0.0;
          for (var k = base + block * 256u; k < u.columns; k++) {
            sum = add(sum, term(row + k, top));
            if (found(add(before, sum), wanted, total)) {
              out0[group * u.draws + draw] = k;
              break;
            }
          }
          break;
        }
        before = after;
      }
    }
    for (var block = 0u; block < blocks; block++) { before_chunk = add(before_chunk, block_sums[block]); }
    workgroupBarrier();
  }`,
    };
  },
  dispatch: ([logits, , uniforms], _, { software, invocations }) => {
    const [rows, columns] = logits as [number, number];
    const wide = columns >= LONG && !software && invocations >= WIDE;
    return { variant: wide ? 'wide' : 'workgroup', uniforms: [columns, uniforms![1]!], groups: rows };
  },
};
