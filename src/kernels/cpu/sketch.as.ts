// Signed sums of listed values (../sketch/operation.ts).
import { stores } from './rf32.as';

const BLOCK: i32 = 256;

/** 1 where starts[0..d] never decrease, end within `listed`, and every listed position is below `values`. */
export function membersFit(starts: usize, members: usize, d: i32, listed: i32, values: i32): i32 {
  let before = load<u32>(starts);
  for (let j = 1; j <= d; j++) {
    const next = load<u32>(starts + (<usize>j << 2));
    if (next < before || next > <u32>listed) return 0;
    before = next;
  }
  for (let e = load<u32>(starts); e < before; e++) {
    if ((load<u32>(members + (<usize>e << 2)) & 0x7fffffff) >= <u32>values) return 0;
  }
  return 1;
}

/** The value at x, negated where `sign` has bit 31. */
// @ts-ignore: decorator
@inline function signed(x: usize, sign: u32): f32 {
  return reinterpret<f32>(load<u32>(x) ^ sign);
}

/** y[n,d] += sketch of x[n,values]. Four rows at a time share what is read of the plan, and their sums do not wait for each other. */
export function sketch(y: usize, x: usize, starts: usize, members: usize, n: i32, d: i32, values: i32): void {
  const across = <usize>d << 2;
  const pitch = <usize>values << 2;
  for (let i = 0; i < n; i += 4, x += 4 * pitch, y += 4 * across) {
    const rows = n - i;
    // Rows past the end repeat the first; nothing of them is stored.
    const x1 = rows > 1 ? x + pitch : x;
    const x2 = rows > 2 ? x1 + pitch : x;
    const x3 = rows > 3 ? x2 + pitch : x;
    for (let j = 0; j < d; j++) {
      const from = load<i32>(starts + (<usize>j << 2));
      const stop = load<i32>(starts + (<usize>j << 2), 4);
      let t0: f32 = 0, t1: f32 = 0, t2: f32 = 0, t3: f32 = 0;
      for (let start = from; start < stop; start += BLOCK) {
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
      const to = y + (<usize>j << 2);
      store<f32>(to, stores(load<f32>(to) + t0));
      if (rows > 1) store<f32>(to + across, stores(load<f32>(to + across) + t1));
      if (rows > 2) store<f32>(to + 2 * across, stores(load<f32>(to + 2 * across) + t2));
      if (rows > 3) store<f32>(to + 3 * across, stores(load<f32>(to + 3 * across) + t3));
    }
  }
}
