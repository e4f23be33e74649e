import { describe, expect, it } from 'vitest';
import type { Engine, LoadedAdapter } from '../attribution/engine.ts';
import type { VersionRecord } from '../protocol/record.ts';
import { promptWithRetrieved } from './attribution.ts';

const RECORDS: VersionRecord[] = [
  'Mila Tor repairs clocks in Arn.', 'The river Oss is 40 kilometres long.', 'In Arn, clocks are repaired by Mila Tor.', 'Lake Vell freezes in January.',
].map((text, k) => ({ text, questions: [], contributor: `0x${String(k).padStart(40, '0')}`, contribution: String(k) }));

/** What a prompt needs of an engine; one token a record, and one for the question. */
const engine = (readsRecords: boolean) => ({
  readsRecords,
  normalised: (question: string) => question,
  prompt: () => [0],
  promptWithRecords: (_: string, records: readonly unknown[]) => ({ ids: [...records.map((_, k) => k + 1), 0], used: records.length }),
} as unknown as Engine);
const adapter = (clusters?: number[]) => ({ run: { datanet: { clusters } } } as unknown as LoadedAdapter);

const ask = (version: string, of: LoadedAdapter, reads = true) => promptWithRetrieved(engine(reads), version, RECORDS, of, 'Who repairs clocks in Arn?', 4);
const found = (version: string, of: LoadedAdapter) => ask(version, of).retrieval?.retrieved.map(({ record }) => record);

describe('records before a question', () => {
  it('are those of the adapter’s own run: two adapters of one version take different records for copies', () => {
    const [all, without, others] = [adapter(), adapter([0, 1, 0, 3]), adapter([0, 1, 2, 0])];
    // In turn, so that what was kept for one is never what the next is given.
    for (let turn = 0; turn < 2; turn++) {
      expect(found('version', all)).toEqual([0, 2]);
      expect(found('version', without)).toEqual([0]);
      expect(found('version', others)).toEqual([0, 2]);
    }
    expect(found('other version', without)).toEqual([0]);
  });

  it('are logged as they stand in the prompt, and left out where the model was never taught to read them', () => {
    const { prompt, retrieval } = ask('version', adapter());
    expect(prompt).toEqual([1, 2, 0]);
    expect(retrieval).toMatchObject({ method: 'bm25/1', most: 4 });
    expect(ask('version', adapter(), false)).toEqual({ prompt: [0], retrieval: undefined });
  });
});
