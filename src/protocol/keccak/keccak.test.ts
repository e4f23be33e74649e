import { expect, it } from 'vitest';
import { keccak256, toHex } from '../bytes.ts';
import { fastKeccak256 } from './keccak.ts';

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 131) ^ (i >> 8));

it('is Ethereum’s Keccak-256', () => {
  expect(toHex(fastKeccak256())).toBe('0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470');
  expect(toHex(fastKeccak256(new TextEncoder().encode('abc')))).toBe('0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45');
});

it('gives the portable form’s bytes for every length around the blocks, in parts too, long after short', () => {
  for (let length = 0; length <= 3 * 136 + 2; length++) {
    const message = bytes.subarray(length, 2 * length);
    expect(toHex(fastKeccak256(message)), `${length}`).toBe(toHex(keccak256(message)));
    expect(toHex(fastKeccak256(message.subarray(0, length >> 1), new Uint8Array(0), message.subarray(length >> 1)))).toBe(toHex(keccak256(message)));
  }
  for (const length of [65_536, 299_999, 100, 300_000, 0]) expect(toHex(fastKeccak256(bytes.subarray(0, length)))).toBe(toHex(keccak256(bytes.subarray(0, length))));
});
