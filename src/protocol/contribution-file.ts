import { OpenLedgerError } from '../errors.ts';
import type { Hex } from './bytes.ts';
import { type DatanetRecord, RECORD_LIMITS, normaliseRecord } from './record.ts';
import { recordsRootInSlices } from './roots-in-slices.ts';
import { Checked } from './run.ts';

/** The file behind a contribution's CID: its records, in the order that its root on chain commits to. */
export interface ContributionFile {
  openledger: 'contribution/1';
  records: DatanetRecord[];
}

/** Records are normalised here, so that the file holds exactly what is hashed and trained on. */
export function contributionFile(records: readonly DatanetRecord[]): ContributionFile {
  return { openledger: 'contribution/1', records: records.map(normaliseRecord) };
}

/**
 * Reads an untrusted contribution file; throws `contribution/invalid` naming the field, or `contribution/other-records`
 * where it does not hold what its contributor put on chain.
 */
export async function parseContributionFile(json: unknown, onChain: { recordsRoot: Hex; count: number }): Promise<DatanetRecord[]> {
  const file = new Checked(json, 'contribution/invalid', 'This contribution’s file is not valid.');
  file.literal('openledger', 'contribution/1');
  file.list('records', 100_000, isRecord);
  // Only the known fields go on; others in the file are nobody's business.
  const records = (json as ContributionFile).records.map(({ text, questions }) => ({
    text,
    questions: questions.map(({ question, answer }) => ({ question, answer })),
  }));
  if (records.length !== onChain.count || (await recordsRootInSlices(records)) !== onChain.recordsRoot.toLowerCase()) {
    throw new OpenLedgerError({
      code: 'contribution/other-records',
      what: 'This contribution’s file does not hold what was put on chain.',
      why: 'The fingerprint of its records differs from the one its contributor signed.',
      next: 'Reject it: nobody can tell what it was meant to hold.',
    });
  }
  return records;
}

function isRecord(value: unknown): boolean {
  const { text, questions } = (value ?? {}) as Record<string, unknown>;
  return (
    isShort(text, RECORD_LIMITS.text) &&
    Array.isArray(questions) &&
    questions.length <= RECORD_LIMITS.questions &&
    questions.every((q) => isShort(q?.question, RECORD_LIMITS.question) && isShort(q?.answer, RECORD_LIMITS.answer))
  );
}

function isShort(value: unknown, most: number): boolean {
  return typeof value === 'string' && value.length <= 4 * most && [...value].length <= most;
}
