import { describe, expect, it } from 'vitest';
import { COLOURS, colourOfEach } from './colours.ts';

const address = (k: number) => `0x${k.toString(16).padStart(40, 'a')}`;

describe('colours of people', () => {
  it('are different while there are enough', () => {
    for (let from = 0; from < 40; from++) {
      const colours = colourOfEach(Array.from({ length: COLOURS }, (_, k) => address(from * 100 + k * k)));
      expect(new Set(colours.values()).size).toBe(COLOURS);
    }
  });
  it('do not depend on order or letter case', () => {
    const people = [3, 1, 2, 77].map(address);
    expect([...colourOfEach(people.toReversed().map((a) => a.toUpperCase().replace('0X', '0x')))].sort()).toEqual([...colourOfEach(people)].sort());
  });
  it('repeat beyond nine', () => expect(colourOfEach(Array.from({ length: 30 }, (_, k) => address(k))).size).toBe(30));
});
