import { expect, test } from 'vitest';
import { type AnswerSettings, DEFAULT_ANSWER, askOptions, problemOfSetting } from './sampling-settings.ts';

const settings = (changes: Partial<AnswerSettings>): AnswerSettings => ({ ...DEFAULT_ANSWER, ...changes });

test('greedy by default; a sampled answer has a seed even where none was given', () => {
  expect(askOptions(DEFAULT_ANSWER)).toEqual({ sampling: undefined, maxTokens: 96 });
  const { sampling } = askOptions(settings({ sample: true }));
  expect(sampling).toMatchObject({ temperature: 0.7, topP: 0.95, topK: 0 });
  expect(Number.isInteger(sampling!.seed)).toBe(true);
  expect(askOptions(settings({ sample: true, seed: 7 })).sampling!.seed).toBe(7);
});

test('impossible settings are named and never sent', () => {
  expect(problemOfSetting(settings({ temperature: 0 }), 'temperature')).toContain('0.01');
  expect(problemOfSetting(settings({ topK: 1.5 }), 'topK')).toBeDefined();
  expect(problemOfSetting(settings({ topP: NaN }), 'topP')).toBeDefined();
  expect(problemOfSetting(settings({ seed: -1 }), 'seed')).toBeDefined();
  expect(askOptions(settings({ sample: true, temperature: -3, maxTokens: 1e9 }))).toMatchObject({ sampling: { temperature: 0.7 }, maxTokens: 96 });
});

test('stop texts are lines', () => {
  expect(askOptions(settings({ stop: 'END\n\n\n#' })).stop).toEqual(['END', '#']);
});

test('records are put before a question only where the base reads them', () => {
  expect(askOptions(settings({ retrieve: true }), true).retrieve).toBe(4);
  expect(askOptions(settings({ retrieve: true }), false)).not.toHaveProperty('retrieve');
  expect(askOptions(DEFAULT_ANSWER, true)).not.toHaveProperty('retrieve');
});
