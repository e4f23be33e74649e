import type { EarningState } from '../../state/earn.svelte.ts';

/** Where an answer's money is, for people, and the colour of its badge. */
export const EARNING_WORDS: Record<EarningState, { words: string; kind: 'plain' | 'good' | 'money' | 'bad' }> = {
  window: { words: 'Can be challenged', kind: 'plain' },
  'window-over': { words: 'Waits to be made final', kind: 'money' },
  ready: { words: 'Ready', kind: 'good' },
  fetched: { words: 'Final', kind: 'plain' },
  refuted: { words: 'Proven false, pays nothing', kind: 'bad' },
};
