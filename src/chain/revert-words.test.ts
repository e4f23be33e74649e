import { expect, test } from 'vitest';
import { errorsAbi } from './generated/abis.ts';
import { REVERT_WORDS, revertCode } from './revert-words.ts';

const sample: Record<string, unknown> = {
  uint256: 3n,
  uint16: 3,
  uint32: 3,
  uint8: 1,
  address: '0x0000000000000000000000000000000000000001',
  bytes32: `0x${'00'.repeat(32)}`,
  string: 'name',
  tuple: {},
  uint64: 3n,
};

test('every custom error of the contracts has words that fit its parameters', () => {
  for (const error of errorsAbi) {
    const speak = REVERT_WORDS[error.name];
    expect(speak, error.name).toBeDefined();
    const words = speak!(error.inputs.map((input) => sample[input.type]));
    const text = Object.values(words).join(' ');
    expect(words.what, error.name).toMatch(/\.$/);
    expect(text, error.name).not.toMatch(/undefined|NaN|\[object/);
  }
});

test('no words are left for errors that no contract has', () => {
  const names = new Set<string>(errorsAbi.map((error) => error.name));
  expect(Object.keys(REVERT_WORDS).filter((name) => !names.has(name))).toEqual([]);
});

test('codes are kebab-case', () => {
  expect(revertCode('ReceiptAlreadyPaid')).toBe('contract/receipt-already-paid');
  expect(revertCode('ERC721NonexistentToken')).toBe('contract/erc721-nonexistent-token');
});
