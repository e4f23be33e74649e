import { type CsvColumn, toCsv } from '../influence/csv.ts';
import type { StandingRow } from '../../state/standing-rows.ts';

export const VERDICT_WORDS = { helps: 'helps', hurts: 'hurts', chance: 'within chance' } as const;

/** Records are numbered from 1, as on the page; what is not known is empty. */
const COLUMNS: CsvColumn<StandingRow>[] = [
  { name: 'record', kind: 'number', value: ({ index }) => index + 1 },
  { name: 'contributor', kind: 'text', value: ({ record }) => record.contributor },
  { name: 'contribution', kind: 'text', value: ({ record }) => record.contribution },
  { name: 'text', kind: 'text', value: ({ record }) => record.text },
  { name: 'questions', kind: 'text', value: ({ record }) => record.questions.map(({ question, answer }) => `${question} ${answer}`).join('\n') },
  { name: 'influence', kind: 'number', value: ({ judged }) => judged?.influence },
  { name: 'standard deviation by chance', kind: 'number', value: ({ judged }) => judged?.noise },
  { name: 'verdict at 2 standard deviations', kind: 'text', value: ({ judged }) => judged && VERDICT_WORDS[judged.verdict] },
  { name: 'help beyond chance, text by text', kind: 'number', value: ({ judged }) => judged?.helped },
  { name: 'harm beyond chance, text by text', kind: 'number', value: ({ judged }) => judged?.hurt },
  { name: 'leverage', kind: 'number', value: ({ judged }) => judged?.leverage },
  { name: 'stands out', kind: 'text', value: ({ judged }) => judged && (judged.outlier ? 'yes' : 'no') },
  { name: 'copy of record', kind: 'number', value: ({ copyOf }) => (copyOf === undefined ? undefined : copyOf + 1) },
  { name: 'earned in wei', kind: 'number', value: ({ earned }) => earned?.amount },
  { name: 'paid answers', kind: 'number', value: ({ earned }) => earned?.answers },
];

export function standingsCsv(rows: readonly StandingRow[]): string {
  return toCsv(COLUMNS, rows);
}
