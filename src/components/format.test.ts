import { describe, expect, it } from 'vitest';
import { bytesText, influenceText, openText, plural, relativeText, weiText } from './format.ts';

describe('amounts', () => {
  it('keeps four significant digits below one and four decimals above', () => {
    expect(openText(0n)).toBe('0');
    expect(openText(1n)).toBe('0.000000000000000001');
    expect(openText(1_234_567_000_000_000n)).toBe('0.001235');
    expect(openText(10n ** 18n)).toBe('1');
    expect(openText(9_999_999_999n * 10n ** 9n)).toBe('10');
    expect(openText(12_345_678_900_000_000_000_000n)).toBe('12\u202f345.6789');
    expect(openText(-5n * 10n ** 17n)).toBe('−0.5');
    expect(weiText(1_000_000n)).toBe('1\u202f000\u202f000 wei');
  });
});

describe('words', () => {
  it('counts', () => expect([plural(1, 'record'), plural(2, 'record'), plural(0n, 'reply', 'replies')]).toEqual(['1 record', '2 records', '0 replies']));
  it('times', () => expect([relativeText(100, 98), relativeText(100, 70), relativeText(0, 600)]).toEqual(['now', 'in 30\u00a0s', '10\u00a0min ago']));
  it('bytes', () => expect([bytesText(900), bytesText(1536), bytesText(64 * 1024 * 1024)]).toEqual(['900 B', '1.5 KB', '64 MB']));
  it('influence has its sign', () =>
    expect([influenceText(0.01234), influenceText(-2e-7), influenceText(0), influenceText(166_432)]).toEqual(['+0.0123', '−2.00e−7', '0', '+166\u202f000']));
});
