// Rows of tables, and rotary positions.
import { put } from './lanes.as';
import { mulv, storev } from './rf32.as';

const BLOCK: i32 = 256;

export function embedding(table: usize, ids: usize, y: usize, n: i32, v: i32, d: i32, first: u32): void {
  const bytes = <usize>d << 2;
  for (let i = 0; i < n; i++, y += bytes) {
    const id = load<u32>(ids + (<usize>i << 2)) - first;
    if (id < <u32>v) memory.copy(y, table + <usize>id * bytes, bytes);
    else memory.fill(y, 0, bytes);
  }
}

/** 1 where starts[0..v] never decrease, end within `listed`, and every listed row is below n. */
export function rowsFit(rows: usize, starts: usize, v: i32, listed: i32, n: i32): i32 {
  let before: u32 = load<u32>(starts);
  for (let i = 1; i <= v; i++) {
    const next = load<u32>(starts + (<usize>i << 2));
    if (next < before || next > <u32>listed) return 0;
    before = next;
  }
  for (let i: i32 = load<i32>(starts); <u32>i < before; i++) {
    if (load<u32>(rows + (<usize>i << 2)) >= <u32>n) return 0;
  }
  return 1;
}

/** dTable[V,D]: sixteen columns at a time over the places where an id occurs. */
export function embeddingGradient(dy: usize, rows: usize, starts: usize, to: usize, v: i32, d: i32): void {
  const pitch = <usize>d << 2;
  for (let id = 0; id < v; id++, to += pitch) {
    const first = load<i32>(starts + (<usize>id << 2));
    const stop = load<i32>(starts + (<usize>id << 2), 4);
    if (first == stop) {
      memory.fill(to, 0, pitch);
      continue;
    }
    for (let j = 0; j < d; j += 16) {
      let t0 = f32x4.splat(0);
      let t1 = t0, t2 = t0, t3 = t0;
      for (let start = first; start < stop; start += BLOCK) {
        const end = min(start + BLOCK, stop);
        let s0 = f32x4.splat(0);
        let s1 = s0, s2 = s0, s3 = s0;
        for (let place = start; place < end; place++) {
          const at = dy + <usize>load<u32>(rows + (<usize>place << 2)) * pitch + (<usize>j << 2);
          s0 = f32x4.add(s0, v128.load(at));
          s1 = f32x4.add(s1, v128.load(at, 16));
          s2 = f32x4.add(s2, v128.load(at, 32));
          s3 = f32x4.add(s3, v128.load(at, 48));
        }
        t0 = f32x4.add(t0, s0);
        t1 = f32x4.add(t1, s1);
        t2 = f32x4.add(t2, s2);
        t3 = f32x4.add(t3, s3);
      }
      const at = to + (<usize>j << 2);
      put(at, storev(t0), d - j);
      put(at + 16, storev(t1), d - j - 4);
      put(at + 32, storev(t2), d - j - 8);
      put(at + 48, storev(t3), d - j - 12);
    }
  }
}

/** Turns pairs (x[j], x[j+half]) of each head by its row's angle; `inverse` turns back. */
export function rope(
  x: usize, positions: usize, cos: usize, sin: usize, y: usize, n: i32, heads: i32, half: i32, table: i32, inverse: i32,
): void {
  const reach = <usize>half << 2;
  const zero = f32x4.splat(0);
  for (let i = 0; i < n; i++) {
    const position = load<u32>(positions + (<usize>i << 2));
    const inside = position < <u32>table;
    const offset = inside ? <usize>position * reach : 0;
    for (let head = 0; head < heads; head++, x += 2 * reach, y += 2 * reach) {
      for (let j = 0; j < half; j += 4) {
        const o = <usize>j << 2;
        const c = inside ? v128.load(cos + offset + o) : zero;
        let s = inside ? v128.load(sin + offset + o) : zero;
        if (inverse) s = f32x4.sub(zero, s);
        const a = v128.load(x + o);
        const b = v128.load(x + reach + o);
        const turned = storev(f32x4.add(mulv(b, c), mulv(a, s)));
        put(y + o, storev(f32x4.sub(mulv(a, c), mulv(b, s))), half - j);
        put(y + reach + o, turned, half - j);
      }
    }
  }
}
