import { describe, expect, it } from 'vitest';
import { createStopStream, parseStops } from './stop.ts';

/** Every way of cutting the text into two or three pieces, and one character at a time. */
function* cuts(text: string): Generator<string[]> {
  yield [...text];
  for (let i = 0; i <= text.length; i++) for (let j = i; j <= text.length; j++) yield [text.slice(0, i), text.slice(i, j), text.slice(j)];
}

describe('stop sequences', () => {
  it.each([
    [['\nUser:'], 'Blue.\nUser: and red?', 'Blue.', true],
    [['###', 'END'], 'a ## b EN END c ###', 'a ## b EN ', true],
    [['abab'], 'xabaabab!', 'xaba', true],
    [['aab'], 'aaab', 'a', true],
    [['never'], 'nev neve', 'nev neve', false],
    [['long stop', 'stop'], 'a long stop', 'a ', true],
    [['b', 'abcd'], 'abce', 'a', true],
    [[], 'anything', 'anything', false],
  ])('%j end %j wherever it is cut', (stops, text, shown, stopped) => {
    for (const pieces of cuts(text)) {
      const stream = createStopStream(stops);
      const out = pieces.map((piece) => stream.push(piece)).join('') + stream.end();
      expect(out, JSON.stringify(pieces)).toBe(shown);
      expect(stream.stopped).toBe(stopped);
      expect(stream.push('more') + stream.end()).toBe(stopped ? '' : 'more');
    }
  });

  it('shows at once what cannot belong to one', () => {
    const stream = createStopStream(['STOP']);
    expect(stream.push('all of this')).toBe('all of this');
    expect(stream.push('S')).toBe('');
    expect(stream.push('o')).toBe('So');
  });

  it.each([[['']], [Array(33).fill('x')], [['x'.repeat(257)]]])('refuses %j', (stops) => {
    expect(() => parseStops(stops as string[])).toThrow(expect.objectContaining({ code: 'stop/invalid' }));
  });
});
