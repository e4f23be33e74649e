import { OpenLedgerError } from '../errors.ts';
import { type DatanetRecord, normaliseRecord } from '../protocol/record.ts';
import type { Sequence } from './batch.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * What training reads of a record: its statement whole, and of each question the answer.
 * Throws `record/too-long` or `record/empty`.
 */
export function recordSequences(tokenizer: Tokenizer, record: DatanetRecord, context: number): Sequence[] {
  const { text, questions } = normaliseRecord(record);
  const sequences: Sequence[] = text ? [{ ids: tokenizer.encodeStatement(text), start: 1 }] : [];
  for (const { question, answer } of questions) {
    const ids = tokenizer.encodeQuestion(question);
    sequences.push({ ids: [...ids, ...tokenizer.encodeAnswer(answer)], start: ids.length });
  }
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
