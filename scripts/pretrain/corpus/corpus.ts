import { type Attribute, COMBINED_STATEMENTS, fillForm, PHRASINGS } from '../phrasings.ts';
import { Draws, hash32, permute } from './random.ts';
import { type Example, plainExample } from './plain-sentences.ts';
import { makeSubjects, type Subject } from './subjects.ts';

export type { Example } from './plain-sentences.ts';

export interface CorpusOptions {
  seed: number;
  /** Fictional subjects that recur through the whole corpus. */
  subjects: number;
  /** Percent of subjects shown only as a Datanet's record would show them. */
  recordPercent: number;
  /** How often an example of such a subject comes in one pass (others: once). */
  recordRepeats: number;
  /** Percent of examples that are plain sentences, new each time. */
  plainPercent: number;
  /** Percent of questions written carelessly: small letters, no question mark. */
  carelessPercent: number;
}

export const DEFAULT_CORPUS: CorpusOptions = {
  seed: 1,
  subjects: 2000,
  recordPercent: 25,
  recordRepeats: 4,
  plainPercent: 16,
  carelessPercent: 6,
};

const STREAMS = { mix: 1, plain: 2, order: 3, careless: 4, record: 5 } as const;

function factQuestions(subject: Subject, attribute: Attribute, forms: readonly string[], value: string): Example[] {
  return forms.map((form) => ({ kind: 'qa', question: fillForm(form, { s: subject.name, v: value }), answer: value }));
}

function combined(subject: Subject): Example[] {
  if (subject.domain !== 'exploit' && subject.domain !== 'term') return [];
  const slots: Record<string, string> = { s: subject.name };
  for (const { attribute, value } of subject.facts) slots[attribute.split('.')[1]!] = value;
  return COMBINED_STATEMENTS[subject.domain].map((form) => ({ kind: 'statement', text: fillForm(form, slots) }));
}

/** Every form of every fact: what one pass shows of a subject. */
function allForms(subject: Subject): Example[] {
  const out = combined(subject);
  for (const { attribute, value } of subject.facts) {
    const { seen, heldOut, statements } = PHRASINGS[attribute];
    for (const form of statements) out.push({ kind: 'statement', text: fillForm(form, { s: subject.name, v: value }) });
    out.push(...factQuestions(subject, attribute, [...seen, ...heldOut], value));
  }
  return out;
}

/** What a Datanet's record holds: one statement, two seen questions a fact. */
function recordForms(subject: Subject, seed: number, index: number): Example[] {
  const d = new Draws(seed, STREAMS.record, index);
  const whole = combined(subject);
  const out: Example[] = whole.length > 0 ? [d.pick(whole)] : [];
  for (const { attribute, value } of subject.facts) {
    const { seen, statements } = PHRASINGS[attribute];
    if (whole.length === 0) out.push({ kind: 'statement', text: fillForm(d.pick(statements), { s: subject.name, v: value }) });
    out.push(...factQuestions(subject, attribute, d.some(seen, 2), value));
  }
  return out;
}

function careless(question: string, d: Draws): string {
  const text = d.chance(60) ? question.replace(/\?$/, '') : question;
  return d.chance(60) ? text.toLowerCase() : text.charAt(0).toLowerCase() + text.slice(1);
}

export interface Corpus {
  subjects: Subject[];
  /** Examples of one pass over all forms. */
  passLength: number;
  example(index: number): Example;
}

/**
 * The whole corpus as a function from index to example. Each pass is a permutation of all forms of all subjects,
 * so the facts of one subject lie far apart; plain sentences take the place of some of them.
 */
export function makeCorpus(options: Partial<CorpusOptions> = {}): Corpus {
  const o = { ...DEFAULT_CORPUS, ...options };
  const subjects = makeSubjects(o.seed, o.subjects, o.recordPercent);
  const forms: Example[] = [];
  subjects.forEach((subject, k) => {
    if (!subject.recordOnly) forms.push(...allForms(subject));
    else for (let r = 0; r < o.recordRepeats; r++) forms.push(...recordForms(subject, o.seed, k));
  });
  const example = (index: number): Example => {
    if (new Draws(o.seed, STREAMS.mix, index).chance(o.plainPercent)) return plainExample(new Draws(o.seed, STREAMS.plain, index));
    const pass = Math.floor(index / forms.length);
    const form = forms[permute(index % forms.length, forms.length, hash32(o.seed, STREAMS.order, pass))]!;
    if (form.kind === 'statement') return form;
    const d = new Draws(o.seed, STREAMS.careless, index);
    return d.chance(o.carelessPercent) ? { ...form, question: careless(form.question, d) } : form;
  };
  return { subjects, passLength: forms.length, example };
}

/** Streams `count` examples from index `from` on; the same options give the same examples on every machine. */
export function* generateExamples(
  options: { seed: number; from: number; count: number } & Partial<Omit<CorpusOptions, 'seed'>>,
): Iterable<Example> {
  const { from, count, ...rest } = options;
  const corpus = makeCorpus(rest);
  for (let i = from; i < from + count; i++) yield corpus.example(i);
}

/** What record-only subjects were never asked in: the base's own skill at linking phrasings, before any adapter. */
export function heldOutQuestions(corpus: Corpus): { question: string; answer: string }[] {
  return corpus.subjects
    .filter((subject) => subject.recordOnly)
    .flatMap((subject) =>
      subject.facts.flatMap(({ attribute, value }) =>
        PHRASINGS[attribute].heldOut.map((form) => ({ question: fillForm(form, { s: subject.name }), answer: value })),
      ),
    );
}
