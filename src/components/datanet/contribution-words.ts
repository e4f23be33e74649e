import type { ContributionStateName } from '../../chain/list-contributions.ts';

/** A contribution's state for people, and the colour of its badge. */
export const CONTRIBUTION_WORDS: Record<ContributionStateName, { words: string; kind: 'plain' | 'good' | 'money' | 'bad' }> = {
  none: { words: 'Unknown', kind: 'plain' },
  pending: { words: 'In review', kind: 'money' },
  accepted: { words: 'Accepted', kind: 'good' },
  rejected: { words: 'Rejected', kind: 'bad' },
  reclaimed: { words: 'Taken back', kind: 'plain' },
};
