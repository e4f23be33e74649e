// Four lanes at a time where sums have one order: four independent sums (rows) share a vector, so each keeps its order.

/** Lanes below `count`. */
// @ts-ignore: decorator
@inline export function lanesBelow(count: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count));
}

/** Stores the first `count` lanes (all where 4 or more). */
// @ts-ignore: decorator
@inline export function put(at: usize, value: v128, count: i32): void {
  if (count >= 4) v128.store(at, value);
  else {
    if (count > 0) store<f32>(at, f32x4.extract_lane(value, 0));
    if (count > 1) store<f32>(at, f32x4.extract_lane(value, 1), 4);
    if (count > 2) store<f32>(at, f32x4.extract_lane(value, 2), 8);
  }
}

/** acc[r] + rows[r][0] + rows[r][1] + rows[r][2] + rows[r][3], in this order, for four rows. Zero lanes change nothing. */
// @ts-ignore: decorator
@inline export function addRows(acc: v128, r0: v128, r1: v128, r2: v128, r3: v128): v128 {
  const a = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const b = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const c = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const d = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  acc = f32x4.add(acc, v128.shuffle<f32>(a, b, 0, 1, 4, 5));
  acc = f32x4.add(acc, v128.shuffle<f32>(a, b, 2, 3, 6, 7));
  acc = f32x4.add(acc, v128.shuffle<f32>(c, d, 0, 1, 4, 5));
  return f32x4.add(acc, v128.shuffle<f32>(c, d, 2, 3, 6, 7));
}

// @ts-ignore: decorator
@inline export function splatLane0(x: v128): v128 {
  return v128.shuffle<f32>(x, x, 0, 0, 0, 0);
}
// @ts-ignore: decorator
@inline export function splatLane1(x: v128): v128 {
  return v128.shuffle<f32>(x, x, 1, 1, 1, 1);
}
// @ts-ignore: decorator
@inline export function splatLane2(x: v128): v128 {
  return v128.shuffle<f32>(x, x, 2, 2, 2, 2);
}
// @ts-ignore: decorator
@inline export function splatLane3(x: v128): v128 {
  return v128.shuffle<f32>(x, x, 3, 3, 3, 3);
}

/** The greatest lane. */
// @ts-ignore: decorator
@inline export function greatest(x: v128): f32 {
  const pairs = f32x4.max(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.max(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2)), 0);
}
