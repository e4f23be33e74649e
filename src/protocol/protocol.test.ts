import { describe, expect, it } from 'vitest';
import { floatToHex, fromHex, hexToFloat, uint256Bytes } from './bytes.ts';
import { canonicalHash, canonicalJson } from './canonical.ts';
import { computeFee, payoutRoot, payoutsByContributor, withAllocated } from './fee.ts';
import { leafHash, merkleProof, merkleRoot, verifyMerkleProof } from './merkle.ts';
import { recordHash, recordsRoot, versionRoot } from './record.ts';
import { tensorsRoot } from './tensors.ts';

const random = (seed: number) => () => ((seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 8) / 2 ** 24;

describe('Merkle trees', () => {
  const leaves = (n: number) => Array.from({ length: n }, (_, i) => leafHash(new Uint8Array([i, i >> 8])));
  it.each([1, 2, 3, 5, 8, 9, 100])('prove every leaf of %i and nothing else', (n) => {
    const all = leaves(n);
    const root = merkleRoot(all);
    for (let i = 0; i < n; i++) {
      const proof = merkleProof(all, i);
      expect(verifyMerkleProof(root, n, i, all[i]!, proof)).toBe(true);
      expect(verifyMerkleProof(root, n, (i + 1) % (n + 1), all[i]!, proof)).toBe(false);
      expect(verifyMerkleProof(root, n + 1, i, all[i]!, proof)).toBe(false);
      if (proof.length) expect(verifyMerkleProof(root, n, i, all[i]!, proof.slice(1))).toBe(false);
    }
  });
  it('tell trees of different counts apart, the empty one included', () => {
    const zero = new Uint8Array(32);
    const roots = [merkleRoot([]), merkleRoot([zero]), merkleRoot([zero, zero]), merkleRoot([zero, zero, zero])];
    expect(new Set(roots).size).toBe(4);
  });
});

describe('canonical JSON', () => {
  it('is one text for one value', () => {
    expect(canonicalJson({ b: [1, 'é"'], a: null, c: undefined })).toBe('{"a":null,"b":[1,"é\\""]}');
    expect(canonicalHash({ x: 1, y: 2 })).toBe(canonicalHash({ y: 2, x: 1 }));
  });
  it('refuses numbers that are not whole', () => {
    expect(() => canonicalJson({ x: 0.5 })).toThrow(RangeError);
    expect(() => canonicalJson([NaN])).toThrow(RangeError);
  });
});

describe('fees', () => {
  const split = { platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 };
  it('sum to the total whatever the numbers', () => {
    const next = random(7);
    for (let i = 0; i < 500; i++) {
      const prices = { rateIn: BigInt(Math.floor(next() * 1e15)), rateOut: BigInt(Math.floor(next() * 1e15)), platformFee: BigInt(Math.floor(next() * 1e9)) };
      const fee = computeFee(Math.floor(next() * 5000), Math.floor(next() * 5000), prices, split);
      const paid = withAllocated(fee, i % 3 ? fee.contributors / 3n : 0n);
      expect(paid.platform + paid.owner + paid.stakers + paid.contributors).toBe(fee.total);
      expect(fee.platform + fee.owner + fee.stakers + fee.contributors).toBe(fee.total);
      expect(fee.platform).toBeGreaterThanOrEqual(prices.platformFee);
    }
  });
  it('give the stakers what the rule does not give to contributors', () => {
    const prices = { rateIn: 1000n, rateOut: 1000n, platformFee: 5n };
    expect(withAllocated(computeFee(500, 500, prices, split), 0n)).toEqual({ total: 1005n, platform: 105n, owner: 200n, stakers: 700n, contributors: 0n });
    expect(() => withAllocated(computeFee(500, 500, prices, split), 501n)).toThrow(RangeError);
  });
  it('join a contributor’s records and are ordered by address', () => {
    const payouts = payoutsByContributor([1n, 2n, 0n, 4n], ['0xBB', '0xaa', '0xcc', '0xbb']);
    expect(payouts).toEqual([{ contributor: '0xaa', amount: 2n }, { contributor: '0xbb', amount: 5n }]);
    expect(payoutRoot(payouts)).not.toBe(payoutRoot([...payouts].reverse()));
  });
});

describe('bits', () => {
  it('of float32 values go there and back', () => {
    for (const value of [0, 1, -1.5, 2 ** -100, 2 ** 50, Math.fround(0.1)]) expect(hexToFloat(floatToHex(value))).toBe(value);
    expect(floatToHex(1)).toBe('0x3f800000');
    expect(() => hexToFloat('0x3f80000')).toThrow(RangeError);
  });
  it('of integers are 32 bytes', () => {
    expect(uint256Bytes(258)[30]).toBe(1);
    expect(uint256Bytes(258)[31]).toBe(2);
    expect(() => uint256Bytes(-1)).toThrow(RangeError);
    expect(() => fromHex('0x123')).toThrow(RangeError);
  });
});

describe('records', () => {
  const record = { text: 'A  b', questions: [{ question: 'q ', answer: 'a' }] };
  it('are the same record however they are spaced and composed', () => {
    expect(recordHash(record)).toBe(recordHash({ text: ' A b', questions: [{ question: 'q', answer: 'a' }] }));
    expect(recordHash({ text: 'e\u0301', questions: [] })).toBe(recordHash({ text: '\u00e9', questions: [] }));
    expect(recordHash(record)).not.toBe(recordHash({ ...record, text: 'A c' }));
  });
  it('of a version are bound to contributor, contribution and place', () => {
    const one = { ...record, contributor: `0x${'1'.repeat(40)}` as const, contribution: '1' };
    const two = { ...one, text: 'other' };
    const roots = [versionRoot([one, two]), versionRoot([two, one]), versionRoot([{ ...one, contribution: '2' }, two]), versionRoot([{ ...one, contributor: `0x${'2'.repeat(40)}` }, two])];
    expect(new Set(roots).size).toBe(4);
    expect(recordsRoot([one, two])).toBe(recordsRoot([{ ...one, contribution: '9' }, two]));
  });
});

describe('tensor roots', () => {
  it('bind names, shapes and every bit', () => {
    const base = { name: 'a', rows: 2, columns: 2, values: Float32Array.of(1, 2, 3, 4) };
    const roots = [
      tensorsRoot([base]),
      tensorsRoot([{ ...base, name: 'b' }]),
      tensorsRoot([{ ...base, rows: 1, columns: 4 }]),
      tensorsRoot([{ ...base, rows: 4, columns: 1 }]),
      tensorsRoot([{ ...base, values: Float32Array.of(1, 2, 3, 4.0000005) }]),
    ];
    expect(new Set(roots).size).toBe(roots.length);
  });
});
