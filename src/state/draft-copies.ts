import type { DatanetRecord } from '../protocol/record.ts';
import type { RecordLine } from '../protocol/record-files.ts';
import { MOST_COMPARED, copiesIn } from './copies.ts';

/** By line of the draft: in words, which earlier record it copies. */
export type LineCopies = ReadonlyMap<number, string>;

/**
 * Which lines of a draft say what an accepted record or an earlier line says. Exact doubles are problems already and are
 * not among `good`. Resolves to undefined where there is too much to compare while somebody writes.
 */
export async function draftCopies(
  accepted: readonly DatanetRecord[], good: readonly RecordLine[], compare: (records: readonly DatanetRecord[]) => Promise<number[]>,
): Promise<LineCopies | undefined> {
  if (accepted.length + good.length > MOST_COMPARED) return undefined;
  if (good.length === 0) return new Map();
  const clusters = await compare([...accepted, ...good.map(({ record }) => record!)]);
  const lineAt = (k: number) => good[k - accepted.length]!.line;
  return new Map(
    copiesIn(clusters).flatMap(({ at, of }) => (at < accepted.length ? [] : [[lineAt(at), of < accepted.length ? `record ${of + 1} of this Datanet` : `line ${lineAt(of)}`] as const])),
  );
}
