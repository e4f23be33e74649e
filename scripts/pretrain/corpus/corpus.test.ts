import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PHRASINGS } from '../phrasings.ts';
import { type Example, generateExamples, heldOutQuestions, makeCorpus } from './corpus.ts';
import { permute } from './random.ts';
import { gerund, participle, thirdPerson, withArticle } from './verb-forms.ts';

const take = (options: Parameters<typeof generateExamples>[0]): Example[] => [...generateExamples(options)];
const words = (text: string): number => text.split(/\s+/).length;

describe('pretraining corpus', () => {
  it('makes any stretch on its own, equal to the same stretch of a longer one', () => {
    const whole = take({ seed: 3, from: 0, count: 500, subjects: 60 });
    expect(take({ seed: 3, from: 400, count: 100, subjects: 60 })).toEqual(whole.slice(400));
    expect(take({ seed: 4, from: 0, count: 500, subjects: 60 })).not.toEqual(whole);
  });

  it('shows every form of every full subject once a pass, and its facts far apart', () => {
    const corpus = makeCorpus({ subjects: 80, plainPercent: 0, carelessPercent: 0 });
    const shown = new Map<string, number>();
    for (let i = 0; i < corpus.passLength; i++) {
      const text = JSON.stringify(corpus.example(i));
      shown.set(text, (shown.get(text) ?? 0) + 1);
    }
    const subject = corpus.subjects.find((s) => !s.recordOnly)!;
    for (const { attribute, value } of subject.facts) {
      const { seen, heldOut } = PHRASINGS[attribute];
      for (const form of [...seen, ...heldOut]) {
        expect(shown.get(JSON.stringify({ kind: 'qa', question: form.replace('{s}', subject.name), answer: value }))).toBeGreaterThan(0);
      }
    }
    const places = Array.from({ length: corpus.passLength }, (_, i) => i).filter((i) =>
      JSON.stringify(corpus.example(i)).toLowerCase().includes(subject.name.toLowerCase()),
    );
    const span = places.at(-1)! - places[0]!;
    expect(span).toBeGreaterThan(corpus.passLength / 2);
  });

  it('never asks record-only subjects in a held-out phrasing', () => {
    const corpus = makeCorpus({ subjects: 150, carelessPercent: 0 });
    const questions = new Set<string>();
    for (let i = 0; i < 2 * corpus.passLength; i++) {
      const example = corpus.example(i);
      if (example.kind === 'qa') questions.add(example.question);
    }
    const heldOut = heldOutQuestions(corpus);
    expect(heldOut.length).toBeGreaterThan(100);
    expect(heldOut.filter(({ question }) => questions.has(question))).toEqual([]);
  });

  it('gives one subject one name and one answer for a question', () => {
    const corpus = makeCorpus({ subjects: 1000, plainPercent: 0, carelessPercent: 0 });
    const answers = new Map<string, Set<string>>();
    for (let i = 0; i < corpus.passLength; i++) {
      const example = corpus.example(i);
      if (example.kind !== 'qa') continue;
      (answers.get(example.question) ?? answers.set(example.question, new Set()).get(example.question)!).add(example.answer);
    }
    expect([...answers].filter(([, a]) => a.size > 1)).toEqual([]);
  });

  // Copying is where any character and any scrap of text belongs; everywhere else the language is plain.
  const copies = (example: Example) => example.kind === 'qa' && /^(Repeat: |Say this again: |Copy |Write down )/.test(example.question);

  it('has scraps of any script copied exactly', () => {
    const scraps = [...generateExamples({ seed: 1, from: 0, count: 20_000 })].filter(copies) as Extract<Example, { kind: 'qa' }>[];
    expect(scraps.length).toBeGreaterThan(500);
    for (const { question, answer } of scraps) expect(question.endsWith(answer), question).toBe(true);
    expect(scraps.some(({ answer }) => /[\u4e00-\u9fa5]/u.test(answer))).toBe(true);
    expect(scraps.some(({ answer }) => /\p{Emoji_Presentation}/u.test(answer))).toBe(true);
  });

  it('writes short questions, plain ASCII and no empty slots', () => {
    for (const example of generateExamples({ seed: 1, from: 0, count: 20_000 })) {
      if (copies(example)) continue;
      const text = example.kind === 'qa' ? `${example.question} ${example.answer}` : example.text;
      expect(text).toMatch(/^[ -~]+$/);
      expect(text).not.toMatch(/undefined|[{}]| {2}/);
      if (example.kind === 'qa') expect(words(example.question)).toBeLessThanOrEqual(16);
    }
  });

  it('holds none of the sample Datanets’ facts', async () => {
    const names: string[] = [];
    for (const file of ['exploits', 'legal', 'health']) {
      const path = new URL(`../../samples/content/${file}.ts`, import.meta.url);
      if (!existsSync(path)) continue;
      const module = (await import(/* @vite-ignore */ path.href)) as Record<string, unknown>;
      for (const table of Object.values(module)) {
        if (!Array.isArray(table)) continue;
        for (const row of table as Record<string, string>[]) {
          const name = row['protocol'] ?? row['term'] ?? row['subject'];
          if (name) names.push(name.toLowerCase());
        }
      }
    }
    const fictional = new Set(makeCorpus().subjects.map((subject) => subject.name.toLowerCase().replace(/^the /, '')));
    expect(names.filter((name) => fictional.has(name.replace(/^the /, '')))).toEqual([]);
  });
});

describe('phrasings', () => {
  it('has enough forms, none shared between seen and held out', () => {
    for (const [attribute, { seen, heldOut, statements }] of Object.entries(PHRASINGS)) {
      const sample = /^(exploit|term|health)\./.test(attribute);
      expect(new Set([...seen, ...heldOut]).size, attribute).toBe(seen.length + heldOut.length);
      expect(seen.length, attribute).toBeGreaterThanOrEqual(4);
      expect(heldOut.length, attribute).toBeGreaterThanOrEqual(sample ? 3 : 2);
      expect(statements.length, attribute).toBeGreaterThanOrEqual(sample ? 4 : 3);
      for (const form of [...seen, ...heldOut]) {
        expect(form.match(/\{s\}/g), form).toHaveLength(1);
        expect(form, form).not.toContain('{v}');
        expect(words(form), form).toBeLessThanOrEqual(12);
      }
      for (const form of statements) expect(form.includes('{s}') && form.includes('{v}'), form).toBe(true);
    }
  });

  it('never asks two attributes of one domain in the same words', () => {
    const domains = new Map<string, string[]>();
    for (const [attribute, { seen, heldOut }] of Object.entries(PHRASINGS)) {
      const domain = attribute.split('.')[0]!;
      domains.set(domain, [...(domains.get(domain) ?? []), ...seen, ...heldOut]);
    }
    for (const [domain, forms] of domains) {
      expect(forms.filter((form, i) => forms.indexOf(form) !== i), domain).toEqual([]);
    }
  });
});

describe('pieces', () => {
  it('permutes', () => {
    for (const size of [1, 2, 7, 64, 1000]) {
      const seen = new Set(Array.from({ length: size }, (_, i) => permute(i, size, 9)));
      expect(seen.size).toBe(size);
      expect(Math.max(...seen)).toBe(size - 1);
    }
  });

  it('inflects', () => {
    expect(['carry', 'push', 'go', 'have', 'play'].map(thirdPerson)).toEqual(['carries', 'pushes', 'goes', 'has', 'plays']);
    expect(['make', 'run', 'die', 'see', 'open', 'commit'].map(gerund)).toEqual(['making', 'running', 'dying', 'seeing', 'opening', 'committing']);
    expect(['carry', 'take', 'stop', 'use', 'deny', 'act'].map(participle)).toEqual(['carried', 'taken', 'stopped', 'used', 'denied', 'acted']);
    expect(['oath', 'unfair act', 'useful tool', 'hour', 'wife', 'one'].map(withArticle)).toEqual([
      'an oath', 'an unfair act', 'a useful tool', 'an hour', 'a wife', 'a one',
    ]);
  });
});
