import { describe, expect, it } from 'vitest';
import { RECORD_LIMITS } from '../../src/protocol/record.ts';
import { Draws } from '../pretrain/corpus/random.ts';
import { PHRASINGS } from '../pretrain/phrasings.ts';
import { DEFAULT_RECORDS, evaluationOfRow, recordOfRow, type SampleRow } from './record-of-row.ts';

const exploit: SampleRow = {
  subject: 'Vorlan Bridge',
  contributor: 'Amara',
  facts: [
    { attribute: 'exploit.loss', value: '12 million dollars' },
    { attribute: 'exploit.technique', value: 'forged signature check' },
    { attribute: 'exploit.date', value: 'March 2022' },
    { attribute: 'exploit.chain', value: 'Ethereum' },
  ],
  combined: 'exploit',
};
const illness: SampleRow = {
  subject: 'morvitis',
  contributor: 'Bruno',
  facts: [{ attribute: 'health.cause', value: 'a lack of sleep' }],
};
const draws = (k: number): Draws => new Draws(7, k);

describe('recordOfRow', () => {
  it('states every value and asks as often as told', () => {
    const record = recordOfRow(exploit, draws(0), DEFAULT_RECORDS);
    for (const { value } of exploit.facts) expect(record.text).toContain(value);
    const asked = (value: string): number => record.questions.filter((q) => q.answer === value).length;
    expect(exploit.facts.map(({ value }) => asked(value))).toEqual([2, 2, 1, 1]);
    expect(new Set(record.questions.map((q) => q.question)).size).toBe(6);
    expect(record.questions.length).toBeLessThanOrEqual(RECORD_LIMITS.questions);
  });

  it('varies its forms from record to record but not from run to run', () => {
    const texts = Array.from({ length: 20 }, (_, k) => recordOfRow(exploit, draws(k), DEFAULT_RECORDS).text);
    expect(new Set(texts).size).toBeGreaterThan(3);
    expect(recordOfRow(exploit, draws(3), DEFAULT_RECORDS).text).toBe(texts[3]);
  });

  it('keeps small letters of a name in its statement', () => {
    for (let k = 0; k < 30; k++) expect(recordOfRow(illness, draws(k), DEFAULT_RECORDS).text).toContain('morvitis');
  });
});

describe('evaluationOfRow', () => {
  it('asks unseen questions in held-out phrasings only', () => {
    for (let k = 0; k < 30; k++) {
      const record = recordOfRow(exploit, draws(k), DEFAULT_RECORDS);
      const evaluation = evaluationOfRow(exploit, k, record, draws(100 + k), DEFAULT_RECORDS);
      expect(evaluation.filter((q) => q.kind === 'own')).toHaveLength(6);
      const unseen = evaluation.filter((q) => q.kind === 'unseen');
      expect(unseen).toHaveLength(8);
      for (const { question, answer } of unseen) {
        const { attribute } = exploit.facts.find(({ value }) => value === answer)!;
        const form = question.replace(exploit.subject, '{s}');
        expect(PHRASINGS[attribute].heldOut).toContain(form);
        expect(PHRASINGS[attribute].seen).not.toContain(form);
      }
    }
  });
});
