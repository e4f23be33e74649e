import type { Hex } from './bytes.ts';
import { type DatanetRecord, type VersionRecord, recordHash } from './record.ts';

/** What a curator accepted of one contribution. */
export interface AcceptedRecords {
  contributor: Hex;
  contributionId: bigint;
  records: readonly DatanetRecord[];
}

/**
 * The records of the next version: those of the last one in their order, then what was accepted since, by contribution.
 * Of exact doubles the first to be accepted stays, so nobody earns from a copy.
 */
export function nextVersionRecords(before: readonly VersionRecord[], accepted: readonly AcceptedRecords[]): VersionRecord[] {
  const known = new Set(before.map(recordHash));
  const out = [...before];
  const inOrder = [...accepted].sort((a, b) => (a.contributionId < b.contributionId ? -1 : 1));
  for (const { contributor, contributionId, records } of inOrder) {
    for (const { text, questions } of records) {
      const hash = recordHash({ text, questions });
      if (known.has(hash)) continue;
      known.add(hash);
      out.push({
        text,
        questions,
        contributor: contributor.toLowerCase() as Hex,
        contribution: String(contributionId),
      });
    }
  }
  return out;
}
