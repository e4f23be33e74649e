import { type DatanetRecord, normaliseRecord } from '../../src/protocol/record.ts';
import type { Draws } from '../pretrain/corpus/random.ts';
import { COMBINED_STATEMENTS, fillForm, PHRASINGS, type SampleAttribute } from '../pretrain/phrasings.ts';

/** One row of a content table, whatever its domain. */
export interface SampleRow {
  subject: string;
  contributor: string;
  facts: { attribute: SampleAttribute; value: string }[];
  /** The domain whose combined statements hold all facts in one sentence; absent where a row has one fact. */
  combined?: keyof typeof COMBINED_STATEMENTS;
}

/** A record of a sample Datanet and the demo contributor's name; addresses exist only once a chain does. */
export interface SampleRecord extends DatanetRecord {
  contributor: string;
}

/** A question about a record's fact: `own` as the record asks it, `unseen` in a phrasing that is in no record. */
export interface EvaluationQuestion {
  record: number;
  question: string;
  answer: string;
  kind: 'own' | 'unseen';
}

export interface RecordOptions {
  seed: number;
  /** Questions a record asks about each attribute, from the phrasings marked `seen`. */
  questions: Readonly<Partial<Record<SampleAttribute, number>>>;
  /** Where `questions` says nothing. */
  otherwise: number;
  /** Held-out phrasings asked about each fact in the evaluation. */
  unseen: number;
}

export const DEFAULT_RECORDS: RecordOptions = {
  seed: 1,
  questions: { 'exploit.date': 1, 'exploit.chain': 1, 'term.field': 1 },
  otherwise: 2,
  unseen: 2,
};

/** A name in small letters keeps them: forms that would begin a sentence with it are left to pretraining. */
function statementForms(forms: readonly string[], subject: string): readonly string[] {
  const inner = forms.filter((form) => !/^\{/.test(form));
  return /^[A-Z]/.test(subject) || inner.length === 0 ? forms : inner;
}

function statement(row: SampleRow, d: Draws): string {
  const slots: Record<string, string> = { s: row.subject };
  for (const { attribute, value } of row.facts) slots[attribute.split('.')[1]!] = value;
  if (row.combined) return fillForm(d.pick(statementForms(COMBINED_STATEMENTS[row.combined], row.subject)), slots);
  const [fact] = row.facts;
  return fillForm(d.pick(statementForms(PHRASINGS[fact!.attribute].statements, row.subject)), { s: row.subject, v: fact!.value });
}

export function recordOfRow(row: SampleRow, d: Draws, options: RecordOptions): SampleRecord {
  const text = statement(row, d);
  const questions = row.facts.flatMap(({ attribute, value }) =>
    d.some(PHRASINGS[attribute].seen, options.questions[attribute] ?? options.otherwise).map((form) => ({
      question: fillForm(form, { s: row.subject }),
      answer: value,
    })),
  );
  return { contributor: row.contributor, ...normaliseRecord({ text, questions }) };
}

/** The record's own questions, and for each fact some in held-out phrasings. */
export function evaluationOfRow(
  row: SampleRow,
  index: number,
  record: SampleRecord,
  d: Draws,
  options: RecordOptions,
): EvaluationQuestion[] {
  const own = record.questions.map((q): EvaluationQuestion => ({ record: index, ...q, kind: 'own' }));
  const unseen = row.facts.flatMap(({ attribute, value }) =>
    d.some(PHRASINGS[attribute].heldOut, options.unseen).map(
      (form): EvaluationQuestion => ({ record: index, question: fillForm(form, { s: row.subject }), answer: value, kind: 'unseen' }),
    ),
  );
  return [...own, ...unseen];
}
