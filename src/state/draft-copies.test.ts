import { describe, expect, it } from 'vitest';
import { clusterRecords } from '../protocol/clusters/cluster-records.ts';
import { MOST_COMPARED, copiesIn } from './copies.ts';
import { draftCopies } from './draft-copies.ts';
import { ledgerSize } from './ledger-words.ts';

const record = (text: string) => ({ text, questions: [] });
const compare = async (records: Parameters<typeof clusterRecords>[0]) => clusterRecords(records);

describe('copies in a draft', () => {
  const accepted = ['A bollard holds the ship by its rope.', 'A stevedore loads and unloads ships.'].map(record);
  const line = (at: number, text: string) => ({ line: at, record: record(text), problems: [] });

  it('names the accepted record, or the earlier line, that a line copies', async () => {
    const good = [line(2, 'Ballast is weight that steadies an empty hull.'), line(5, 'a STEVEDORE loads, and unloads, ships'), line(9, 'Ballast is weight that steadies an empty hull!')];
    expect(await draftCopies(accepted, good, compare)).toEqual(new Map([[5, 'record 2 of this Datanet'], [9, 'line 2']]));
  });
  it('says nothing of copies among the accepted', async () => {
    expect(await draftCopies([accepted[0]!, accepted[0]!], [line(1, 'Ballast is weight that steadies an empty hull.')], compare)).toEqual(new Map());
  });
  it('does not compare more than a page should', async () => {
    const never = () => Promise.reject(new Error('compared'));
    expect(await draftCopies(Array.from({ length: MOST_COMPARED }, () => accepted[0]!), [line(1, 'x')], never)).toBeUndefined();
    expect(await draftCopies(accepted, [], never)).toEqual(new Map());
  });
  it('lists copies with what they copy', () => expect(copiesIn([0, 1, 0, 3, 1])).toEqual([{ at: 2, of: 0 }, { at: 4, of: 1 }]));
});

describe('a run’s ledger', () => {
  const ledger = { checkpoints: 5, draws: 2, dimension: 29_120, damping: '0.1', seed: 1, checkpointsRoot: '0x', root: '0x', program: '0x' } as const;
  it('has a row for each record that was trained', () => {
    expect(ledgerSize({ datanet: { name: '', recordsRoot: '0x', records: 4 }, ledger }, 1000)).toEqual({ records: 4, bytesPerRecord: 16_384, bytes: 66_536 });
    expect(ledgerSize({ datanet: { name: '', recordsRoot: '0x', records: 4, clusters: [0, 0, 2, 0] }, ledger }, 0).records).toBe(2);
  });
});
