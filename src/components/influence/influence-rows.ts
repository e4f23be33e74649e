import type { MadeBy, RecordShare } from '../../state/shares.ts';
import type { AnswerQuote, AuditResult } from '../../workers/engine.api.ts';
import type { RetrievalLog } from '../../protocol/retrieval-share.ts';
import type { CsvColumn } from './csv.ts';
import { STANDING_WORDS } from './influence-words.ts';

/** A record with everything that was found out about its part in an answer. */
export interface InfluenceRow extends RecordShare {
  /** Exact influence by replay; undefined before an audit. */
  audit: number | undefined;
  /** Place among the records that were read before the answer, from 1. */
  rank: number | undefined;
  /** Parts of the answer that stand in it word for word. */
  quotes: number;
}

/** All records, those that earn most first, copies last. */
export function influenceRows(made: MadeBy, { audit, quotes, retrieval }: { audit?: AuditResult | undefined; quotes?: AnswerQuote[] | undefined; retrieval?: RetrievalLog | undefined }): InfluenceRow[] {
  const ranks = new Map(retrieval?.retrieved.map(({ record }, k) => [record, k + 1]));
  const quoted = new Map<number, number>();
  for (const quote of quotes ?? []) for (const { record } of quote.records) quoted.set(record, (quoted.get(record) ?? 0) + 1);
  // The most harmful stand last of those that were weighed.
  const shares = [...made.helped, ...made.neutral, ...made.harmful.toReversed(), ...made.copies];
  return shares.map((share) => ({ ...share, audit: audit?.influence[share.index], rank: ranks.get(share.index), quotes: quoted.get(share.index) ?? 0 }));
}

export const standingText = ({ copyOf, standing }: RecordShare) => (copyOf === undefined ? STANDING_WORDS[standing] : `copy of record ${copyOf + 1}`);

/** Every number in full, as computed: shares can be followed from here. */
export const INFLUENCE_COLUMNS: CsvColumn<InfluenceRow>[] = [
  { name: 'record', kind: 'number', value: ({ index }) => index + 1 },
  { name: 'contributor', kind: 'text', value: ({ record }) => record.contributor },
  { name: 'contribution', kind: 'text', value: ({ record }) => record.contribution },
  { name: 'influence', kind: 'number', value: ({ influence }) => influence },
  { name: 'noise (standard deviation)', kind: 'number', value: ({ noise }) => noise },
  { name: 'threshold', kind: 'number', value: ({ threshold }) => threshold },
  { name: 'standing', kind: 'text', value: standingText },
  { name: 'copy of record', kind: 'number', value: ({ copyOf }) => (copyOf === undefined ? undefined : copyOf + 1) },
  { name: 'percent of contributors part', kind: 'number', value: ({ percent }) => percent },
  { name: 'wei', kind: 'number', value: ({ wei }) => wei },
  { name: 'of these for having been read, wei', kind: 'number', value: ({ forReading }) => forReading },
  { name: 'influence by replay', kind: 'number', value: ({ audit }) => audit },
  { name: 'rank among records read', kind: 'number', value: ({ rank }) => rank },
  { name: 'quotes', kind: 'number', value: ({ quotes }) => quotes },
  { name: 'statement', kind: 'text', value: ({ record }) => record.text },
];

/** A word of the answer as a table has it. */
export interface WordRow {
  word: string;
  place: number;
  influence: number;
  noise: number;
  beyondChance: boolean;
}

export const WORD_COLUMNS: CsvColumn<WordRow>[] = [
  { name: 'place', kind: 'number', value: ({ place }) => place },
  { name: 'word', kind: 'text', value: ({ word }) => word },
  { name: 'influence', kind: 'number', value: ({ influence }) => influence },
  { name: 'noise (standard deviation)', kind: 'number', value: ({ noise }) => noise },
  { name: 'beyond chance', kind: 'text', value: ({ beyondChance }) => (beyondChance ? 'yes' : 'no') },
];
