import { type VersionRecord, recordHash } from './record.ts';

export interface VersionDifference {
  added: VersionRecord[];
  removed: VersionRecord[];
  /** How many records are in both. */
  kept: number;
}

/** What changed between two versions of a Datanet; a record is the same if its content and contributor are. */
export function versionDifference(before: readonly VersionRecord[], after: readonly VersionRecord[]): VersionDifference {
  const key = (record: VersionRecord) => `${recordHash(record)}${record.contributor.toLowerCase()}`;
  const left = new Map<string, VersionRecord[]>();
  for (const record of before) left.set(key(record), [...(left.get(key(record)) ?? []), record]);
  const added: VersionRecord[] = [];
  for (const record of after) if (!left.get(key(record))?.pop()) added.push(record);
  const removed = [...left.values()].flat();
  return { added, removed, kept: after.length - added.length };
}
