import { describe, expect, it } from 'vitest';
import type { Hex } from './bytes.ts';
import { payoutsByContributor } from './fee.ts';
import { MOST_USED, retrievalPart, retrievalShares } from './retrieval-share.ts';

const who = (digit: string): Hex => `0x${digit.repeat(40)}`;
const used = (many: number) => Array.from({ length: many }, (_, i) => ({ record: 100 - i, contributor: who('abc'[i % 3]!) }));
const amounts = (many: number, amount: bigint) => retrievalShares(used(many), amount).map((share) => share.amount);

describe('pay of retrieved records', () => {
  it('goes by 1 / rank, to the wei, dust to the first', () => {
    expect(amounts(1, 7n)).toEqual([7n]);
    expect(amounts(2, 100n)).toEqual([67n, 33n]);
    expect(amounts(4, 2500n)).toEqual([1200n, 600n, 400n, 300n]);
    expect(amounts(3, 1n)).toEqual([1n, 0n, 0n]);
    expect(amounts(3, 0n)).toEqual([0n, 0n, 0n]);
    expect(amounts(0, 5n)).toEqual([]);
  });

  it('always sums to the amount, never rises down the list, and keeps records and contributors', () => {
    for (let many = 1; many <= MOST_USED; many++) {
      for (const amount of [1n, 17n, 10n ** 18n + 1n, 2n ** 128n - 1n]) {
        const shares = retrievalShares(used(many), amount);
        expect(shares.map(({ record, contributor }) => ({ record, contributor }))).toEqual(used(many));
        expect(shares.reduce((sum, share) => sum + share.amount, 0n)).toBe(amount);
        shares.slice(1).forEach((share, i) => expect(share.amount).toBeLessThanOrEqual(shares[i]!.amount));
        // No weight is lost to rounding: rank r has 1/r of the first's, but for less than a wei each.
        shares.slice(1).forEach((share, i) => expect((share.amount + 1n) * BigInt(i + 2)).toBeGreaterThan(shares[0]!.amount - BigInt(many)));
      }
    }
  });

  it('joins the payouts of the fee', () => {
    const shares = retrievalShares(used(4), 2500n);
    expect(payoutsByContributor(shares.map((share) => share.amount), shares.map((share) => share.contributor))).toEqual([
      { contributor: who('a'), amount: 1500n }, { contributor: who('b'), amount: 600n }, { contributor: who('c'), amount: 400n },
    ]);
  });

  it('takes a governed part of the contributors’ fee, and nothing where no record was read', () => {
    expect(retrievalPart(999n, 2500, 2)).toBe(249n);
    expect(retrievalPart(999n, 10_000, 1)).toBe(999n);
    expect(retrievalPart(999n, 2500, 0)).toBe(0n);
    for (const part of [-1, 10_001, 0.5, NaN]) expect(() => retrievalPart(1n, part, 1)).toThrow(expect.objectContaining({ code: 'retrieval/invalid' }));
  });

  it('refuses what no prompt can have held', () => {
    const refused = expect.objectContaining({ code: 'retrieval/invalid' });
    expect(() => retrievalShares(used(MOST_USED + 1), 1n)).toThrow(refused);
    expect(() => retrievalShares([used(1)[0]!, used(1)[0]!], 1n)).toThrow(refused);
    expect(() => retrievalShares(used(1), -1n)).toThrow(refused);
  });
});
