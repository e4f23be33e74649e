import { type Hex, uint256Bytes } from './bytes.ts';
import { leafHash, merkleRoot } from './merkle.ts';

/** Parts of a fee in basis points; they sum to 10,000. Governed on chain, see Settlement.sol. */
export interface Split {
  platform: number;
  owner: number;
  stakers: number;
  contributors: number;
}
export const BASIS_POINTS = 10_000n;

/** Prices of an adapter in wei per 1,000 tokens, and the fixed platform fee in wei. */
export interface Prices {
  rateIn: bigint;
  rateOut: bigint;
  platformFee: bigint;
}

/** All amounts in wei. total = platform + owner + stakers + contributors, exactly. */
export interface Fee {
  total: bigint;
  platform: bigint;
  owner: bigint;
  stakers: bigint;
  contributors: bigint;
}

/**
 * fee = floor((tokensIn · rateIn + tokensOut · rateOut) / 1000) + platformFee. What remains after the platform
 * fee is split; each part is rounded down and the platform takes the dust. The contributors' part is the most that
 * the payout rule can give them; `withAllocated` moves the rest. Settlement.sol computes the same integers.
 */
export function computeFee(tokensIn: number, tokensOut: number, prices: Prices, split: Split): Fee {
  const usage = (BigInt(tokensIn) * prices.rateIn + BigInt(tokensOut) * prices.rateOut) / 1000n;
  const part = (basisPoints: number) => (usage * BigInt(basisPoints)) / BASIS_POINTS;
  const owner = part(split.owner);
  const contributors = part(split.contributors);
  const stakers = part(split.stakers);
  const total = usage + prices.platformFee;
  return { total, owner, contributors, stakers, platform: total - owner - stakers - contributors };
}

/**
 * The fee as it is paid: contributors get `allocated` wei, which the payout rule gave them, and what is left of their
 * part joins the stakers' part. The total stays. Throws RangeError where `allocated` is not within the part.
 */
export function withAllocated(fee: Fee, allocated: bigint): Fee {
  if (allocated < 0n || allocated > fee.contributors) throw new RangeError(`${allocated} wei allocated of ${fee.contributors}`);
  return { ...fee, stakers: fee.stakers + fee.contributors - allocated, contributors: allocated };
}

/** A finite float32 in parts: value = ± significand · 2^(exponent − 150), exactly; exponent from 1 to 254. */
export function float32Parts(value: number): { negative: boolean; significand: number; exponent: number } {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  const bits = view.getUint32(0);
  const exponent = (bits >>> 23) & 0xff;
  if (exponent === 255) throw new RangeError('not a finite float32');
  return { negative: bits >>> 31 === 1, significand: exponent === 0 ? bits & 0x7fffff : (bits & 0x7fffff) | 0x800000, exponent: Math.max(exponent, 1) };
}

export interface Payout {
  contributor: Hex;
  amount: bigint;
}

/** Sums record parts per contributor; contributors with nothing are left out; ordered by address. */
export function payoutsByContributor(parts: bigint[], contributors: Hex[]): Payout[] {
  const sums = new Map<string, bigint>();
  parts.forEach((part, k) => {
    if (part > 0n) sums.set(contributors[k]!.toLowerCase(), (sums.get(contributors[k]!.toLowerCase()) ?? 0n) + part);
  });
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([contributor, amount]) => ({ contributor: contributor as Hex, amount }));
}

/** Leaf i of a claim's payouts: abi.encode(uint256 i, address contributor, uint256 amount). */
export function payoutLeaf(payout: Payout, index: number): Uint8Array {
  const data = new Uint8Array(96);
  data.set(uint256Bytes(index), 0);
  data.set(uint256Bytes(BigInt(payout.contributor)), 32);
  data.set(uint256Bytes(payout.amount), 64);
  return leafHash(data);
}

export function payoutRoot(payouts: Payout[]): Hex {
  return merkleRoot(payouts.map(payoutLeaf));
}

