/** `kept(x)`: what a tensor would hold if x were stored in one, judged as such. For values between two fused operations. */
export const kept = /* wgsl */ `
fn kept(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  judge(bits & 0x7fffffffu);
  return flush_bits(bits);
}`;

export interface FinishNames {
  /** Names of the arrays: products and lows; factors of a layer's adapters; norms and biases. */
  raw: string;
  pool: string;
  vectors: string;
}

/**
 * `finished(row, column, low, bias, b, step, scale)`: a linear layer's output at `column` of `raw`, its bias and adapter
 * added. `low` is the column of its x · Aᵀ, `bias` the place of its element of the bias (NONE without), `b` the place
 * of its first B in a slot and `step` the way from each to the next, `scale` the place of the scale in a slot. Uniforms: total, rank, per_slot, slots. Needs slot_of.
 */
export function finish({ raw, pool, vectors }: FinishNames): string {
  // Four terms in each turn: software devices pay for every turn of a loop.
  const upStep = (r: string) => `sum = product_step(sum, operand(${raw}[line + low + ${r}]), operand(${pool}[place + b + (${r}) * step]));`;
  return /* wgsl */ `${kept}
fn finished(row: u32, column: u32, low: u32, bias: u32, b: u32, step: u32, scale: u32) -> f32 {
  let line = row * u.total;
  var y = ${raw}[line + column];
  if (bias != 0xffffffffu) { y = kept(add(y, ${vectors}[bias])); }
  let slot = slot_of(row);
  if (u.rank == 0u || slot >= u.slots) { return y; }
  let place = slot * u.per_slot;
  var total = 0.0;
  for (var first = 0u; first < u.rank; first += 256u) {
    var sum = 0.0;
    let end = min(first + 256u, u.rank);
    var r = first;
    for (; r + 4u <= end; r += 4u) {
      ${[0, 1, 2, 3].map((t) => upStep(`r + ${t}u`)).join('\n      ')}
    }
    for (; r < end; r++) { ${upStep('r')} }
    total = add(total, sum);
  }
  return kept(add(y, mul(kept(total), ${pool}[place + scale])));
}`;
}

/** Uniforms that `finish` reads besides the rows', and their values. */
export const finishUniforms = { total: 'u32', rank: 'u32', per_slot: 'u32', slots: 'u32' } as const;
