/**
 * Parts as percentages with one decimal that sum to exactly 100.0 where any part is positive (largest remainders).
 * Takes bigints, so that shares of wei stay exact until here.
 */
export function percentages(parts: readonly bigint[]): number[] {
  const sum = parts.reduce((a, b) => a + b, 0n);
  if (sum <= 0n) return parts.map(() => 0);
  const floors = parts.map((part) => (part * 1000n) / sum);
  let left = 1000n - floors.reduce((a, b) => a + b, 0n);
  const order = parts.map((part, k) => ({ k, rest: (part * 1000n) % sum })).sort((a, b) => (a.rest === b.rest ? a.k - b.k : a.rest > b.rest ? -1 : 1));
  for (const { k } of order) {
    if (left <= 0n) break;
    floors[k]! += 1n;
    left--;
  }
  return floors.map((tenths) => Number(tenths) / 10);
}
