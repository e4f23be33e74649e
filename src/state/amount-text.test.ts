import { expect, test } from 'vitest';
import { textOfWei, weiOfText } from './amount-text.ts';

test.each([
  ['1', 10n ** 18n],
  [' 0,5 ', 5n * 10n ** 17n],
  ['0.000000000000000001', 1n],
  ['100', 10n ** 20n],
  ['0', 0n],
])('%s OPEN', (text, wei) => {
  expect(weiOfText(text)).toBe(wei);
  expect(weiOfText(textOfWei(wei))).toBe(wei);
});

test.each(['', '-1', '1e3', '1.', '.5', '1.0000000000000000001', '1 000', '0x10', 'NaN'])('%j is no amount', (text) => {
  expect(() => weiOfText(text)).toThrow(expect.objectContaining({ code: 'amount/not-a-number' }));
});

test('whole numbers keep their zeros', () => {
  expect(textOfWei(10n ** 20n)).toBe('100');
  expect(textOfWei(15n * 10n ** 17n)).toBe('1.5');
});
