import { describe, expect, it } from 'vitest';
import { href, parseHash } from './router.svelte.ts';

describe('hash addresses', () => {
  it('lead to Ask where there is none', () => expect([parseHash(''), parseHash('#'), parseHash('#/')]).toEqual(Array(3).fill({ page: 'ask', params: [] })));
  it('survive the way there and back', () => {
    for (const params of [['bafy'], ['3', '1'], ['a/b#c d', 'ü%']]) expect(parseHash(href('check', ...params))).toEqual({ page: 'check', params });
  });
  it('take broken escapes as they are', () => expect(parseHash('#/check/%zz')).toEqual({ page: 'check', params: ['%zz'] }));
});
