import { OpenLedgerError } from '../errors.ts';
import { type DatanetRecord, normaliseRecord } from '../protocol/record.ts';
import type { Sequence } from './batch.ts';
import type { PromptFormat } from './prompt-format.ts';

/**
 * What training reads of a record: its statement whole, and of each question the answer.
 * Throws `record/too-long`, `record/empty` or `record/too-short`.
 */
export function recordSequences(format: Pick<PromptFormat, 'statement' | 'answered'>, record: DatanetRecord, context: number): Sequence[] {
  const { text, questions } = normaliseRecord(record);
  const sequences: Sequence[] = text ? [format.statement(text)] : [];
  for (const { question, answer } of questions) sequences.push(format.answered(question, answer));
  if (!sequences.length) throw new OpenLedgerError({ code: 'record/empty', what: 'A record has neither a statement nor a question.', next: 'Write one.' });
  const longest = Math.max(...sequences.map(({ ids }) => ids.length));
  if (longest > context) {
    throw new OpenLedgerError({
      code: 'record/too-long',
      what: 'A record is longer than the model can read.',
      why: `It has ${longest} tokens; the model reads ${context}.`,
      next: 'Shorten or split it.',
    });
  }
  return sequences;
}
