const PAGE = 100n;

/** Reads ids 1, 2, … through a contract's `page(first, limit)` until a page is not full. */
export async function readPages<T>(page: (first: bigint, limit: bigint) => Promise<readonly T[]>): Promise<T[]> {
  const out: T[] = [];
  for (let first = 1n; ; first += PAGE) {
    const part = await page(first, PAGE);
    out.push(...part);
    if (BigInt(part.length) < PAGE) return out;
  }
}
