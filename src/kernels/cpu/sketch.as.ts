// Signed sums of listed values (../sketch/operation.ts).
import { stores } from './rf32.as';

const BLOCK: i32 = 256;
/** 2^50. */
const LIMIT: u32 = 0x58800000;

/**
 * Lists the buckets that have members and gives their count; -1 where starts[0..d] decrease somewhere, do not end within
 * `listed`, or a listed position is not below `values`. Of one tensor among many most buckets are empty.
 */
export function usedBuckets(starts: usize, members: usize, list: usize, d: i32, listed: i32, values: i32): i32 {
  const first = load<u32>(starts);
  let before = first;
  let count = 0;
  for (let j = 0; j < d; ) {
    const at = starts + (<usize>j << 2);
    if (j + 4 <= d && !v128.any_true(v128.xor(v128.load(at), v128.load(at, 4)))) {
      j += 4;
      continue;
    }
    for (const end = min(j + 4, d); j < end; j++) {
      const next = load<u32>(starts + (<usize>j << 2), 4);
      if (next < before) return -1;
      // Written over by the next where the bucket is empty.
      store<i32>(list + (<usize>count << 2), j);
      count += <i32>(next != before);
      before = next;
    }
  }
  if (before > <u32>listed) return -1;
  const position = i32x4.splat(0x7fffffff);
  const end = i32x4.splat(values);
  let e = first;
  let bad = i32x4.splat(0);
  for (; e + 4 <= before; e += 4) bad = v128.or(bad, i32x4.ge_u(v128.and(v128.load(members + (<usize>e << 2)), position), end));
  for (; e < before; e++) bad = v128.or(bad, i32x4.ge_u(i32x4.splat(load<u32>(members + (<usize>e << 2)) & 0x7fffffff), end));
  return v128.any_true(bad) ? -1 : count;
}

/** The value at x, negated where `sign` has bit 31. */
// @ts-ignore: decorator
@inline function signed(x: usize, sign: u32): f32 {
  return reinterpret<f32>(load<u32>(x) ^ sign);
}

/** Adds a bucket's sum to its place; gives the magnitude's bits. */
// @ts-ignore: decorator
@inline function addTo(to: usize, sum: f32): u32 {
  const total = stores(load<f32>(to) + sum);
  store<f32>(to, total);
  return reinterpret<u32>(total) & 0x7fffffff;
}

/**
 * y[n,d] += sketch of x[n,values], of the `count` buckets in `list`: others change nothing. Four rows at a time share what is
 * read of the plan, and their sums do not wait for each other. Gives 1 where all that was written is in range.
 */
export function sketch(y: usize, x: usize, starts: usize, members: usize, list: usize, count: i32, n: i32, d: i32, values: i32): i32 {
  const across = <usize>d << 2;
  const pitch = <usize>values << 2;
  let most: u32 = 0;
  for (let i = 0; i < n; i += 4, x += 4 * pitch, y += 4 * across) {
    const rows = n - i;
    // Rows past the end repeat the first; nothing of them is stored.
    const x1 = rows > 1 ? x + pitch : x;
    const x2 = rows > 2 ? x1 + pitch : x;
    const x3 = rows > 3 ? x2 + pitch : x;
    for (let l = 0; l < count; l++) {
      const j = <usize>load<i32>(list + (<usize>l << 2)) << 2;
      const from = load<i32>(starts + j);
      const stop = load<i32>(starts + j, 4);
      let t0: f32 = 0, t1: f32 = 0, t2: f32 = 0, t3: f32 = 0;
      if (stop == from + 1) {
        // Most buckets. A -0 becomes +0 with what is in its place, as it would with the sum's +0.
        const member = load<u32>(members + (<usize>from << 2));
        const at = <usize>(member & 0x7fffffff) << 2;
        const sign = member & 0x80000000;
        t0 = signed(x + at, sign);
        t1 = signed(x1 + at, sign);
        t2 = signed(x2 + at, sign);
        t3 = signed(x3 + at, sign);
      } else for (let start = from; start < stop; start += BLOCK) {
        const end = min(start + BLOCK, stop);
        let s0: f32 = 0, s1: f32 = 0, s2: f32 = 0, s3: f32 = 0;
        for (let e = start; e < end; e++) {
          const member = load<u32>(members + (<usize>e << 2));
          const at = <usize>(member & 0x7fffffff) << 2;
          const sign = member & 0x80000000;
          s0 += signed(x + at, sign);
          s1 += signed(x1 + at, sign);
          s2 += signed(x2 + at, sign);
          s3 += signed(x3 + at, sign);
        }
        t0 += s0;
        t1 += s1;
        t2 += s2;
        t3 += s3;
      }
      const to = y + j;
      most = max(most, addTo(to, t0));
      if (rows > 1) most = max(most, addTo(to + across, t1));
      if (rows > 2) most = max(most, addTo(to + 2 * across, t2));
      if (rows > 3) most = max(most, addTo(to + 3 * across, t3));
    }
  }
  return <i32>(most <= LIMIT);
}
