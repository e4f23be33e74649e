// Tokens drawn by inverting the cumulative sum of a softmax (../drawTargets/operation.ts).
import { exps, expv, muls } from './rf32.as';

const BLOCK: i32 = 256;

/** exp(row[j] − top) for a block's j, to `terms`, which holds 256. */
function blockTerms(row: usize, terms: usize, count: i32, top: v128): void {
  for (let j = 0; j < count; j += 4) {
    const o = <usize>j << 2;
    v128.store(terms + o, expv(f32x4.sub(v128.load(row + o), top)));
  }
}

// @ts-ignore: decorator
@inline function found(cumulative: f32, wanted: f32, total: f32): bool {
  return cumulative > wanted || cumulative == total;
}

/** y[m,s]; `scratch` holds 256 values and one for every block of a row. */
export function drawTargets(logits: usize, stats: usize, uniforms: usize, y: usize, scratch: usize, m: i32, v: i32, s: i32): void {
  const after = scratch + (<usize>BLOCK << 2);
  for (let i = 0; i < m; i++, logits += <usize>v << 2, stats += 8) {
    const top = f32x4.splat(load<f32>(stats));
    let total: f32 = 0;
    // after[b]: the total of the blocks up to b.
    for (let start = 0, at = after; start < v; start += BLOCK, at += 4) {
      const count = min(BLOCK, v - start);
      blockTerms(logits + (<usize>start << 2), scratch, count, top);
      let sum: f32 = 0;
      for (let j = 0; j < count; j++) sum += load<f32>(scratch + (<usize>j << 2));
      total += sum;
      store<f32>(at, total);
    }
    for (let draw = 0; draw < s; draw++, uniforms += 4, y += 4) {
      const wanted = muls(load<f32>(uniforms), total);
      let block = 0;
      while (!found(load<f32>(after + (<usize>block << 2)), wanted, total)) block++;
      const before: f32 = block ? load<f32>(after + (<usize>(block - 1) << 2)) : 0;
      let sum: f32 = 0;
      let j = block * BLOCK;
      for (; j < v; j++) {
        sum += exps(load<f32>(logits + (<usize>j << 2)) - load<f32>(stats));
        if (found(before + sum, wanted, total)) break;
      }
      store<u32>(y, j);
    }
  }
}
