import { expect, test } from 'vitest';
import { type VersionRecord, recordsRoot, versionRoot } from '../../protocol/record.ts';
import type { RunFile } from '../../protocol/run.ts';
import { trainedRoot } from '../../protocol/trained-records.ts';
import { type RegisteredRoots, otherThanRegistered } from './registered.ts';

const word = (byte: string) => `0x${byte.repeat(32)}` as const;
const records: VersionRecord[] = [0, 1, 2].map((k) => ({ text: `Record ${k}.`, questions: [], contribution: String(k + 1), contributor: `0x${(k + 1).toString(16).padStart(40, '0')}` }));
const clusters = [0, 0, 2];
const run = {
  base: { root: word('01') }, adapter: { root: word('02') }, datanet: { recordsRoot: recordsRoot(records), clusters },
  ledger: { checkpointsRoot: word('03'), root: word('04'), program: word('05') },
} as unknown as RunFile;
const registered: RegisteredRoots = {
  baseRoot: word('01'), adapterRoot: word('02'), checkpointsRoot: word('03'), ledgerRoot: word('04'), programHash: word('05'), trainedRoot: trainedRoot(clusters), versionRoot: versionRoot(records),
};

test('a run is the registered one, or it is said what is not', () => {
  expect(otherThanRegistered(run, records, registered)).toBeUndefined();
  for (const key of Object.keys(registered) as (keyof RegisteredRoots)[]) {
    expect(otherThanRegistered(run, records, { ...registered, [key]: word('99') })).toMatch(/^Not the same: /);
  }
  // Records as they are registered, but not those that the run says it learned.
  const swapped = [records[1]!, records[0]!, records[2]!];
  expect(otherThanRegistered(run, swapped, { ...registered, versionRoot: versionRoot(swapped) })).toBe('Not the same: records.');
  // Who is left out of the training is registered too.
  expect(otherThanRegistered({ ...run, datanet: { ...run.datanet, clusters: [0, 1, 1] } }, records, registered)).toBe('Not the same: list of trained records.');
});
