import type { AskOptions, Sampling } from '../workers/engine.api.ts';
import { readPreference, writePreference } from './preferences.ts';

/** How answers are written: kept on this machine, applied to the next question. */
export interface AnswerSettings {
  sample: boolean;
  temperature: number;
  topK: number;
  topP: number;
  repetitionPenalty: number;
  /** Undefined: another one for each question; the answer says which it was. */
  seed: number | undefined;
  maxTokens: number;
  /** One text a line that ends the answer. */
  stop: string;
  /** Put records of the adapter's Datanet before the question, where the base reads them. */
  retrieve: boolean;
}

/** Records that are put before a question at most: more would push the question out of a small model's sight. */
const MOST_RETRIEVED = 4;

export const DEFAULT_ANSWER: AnswerSettings = {
  sample: false, temperature: 0.7, topK: 0, topP: 0.95, repetitionPenalty: 1, seed: undefined, maxTokens: 96, stop: '', retrieve: false,
};

const BOUNDS: Record<'temperature' | 'topK' | 'topP' | 'repetitionPenalty' | 'maxTokens' | 'seed', [number, number, string]> = {
  temperature: [0.01, 10, 'a number from 0.01 to 10'],
  topK: [0, 1_000_000, 'a whole number; 0 for all tokens'],
  topP: [0.001, 1, 'a number above 0, at most 1'],
  repetitionPenalty: [0.1, 10, 'a number from 0.1 to 10; 1 for none'],
  maxTokens: [1, 100_000, 'a whole number of tokens'],
  seed: [0, 2 ** 32 - 1, 'a whole number below 4294967296, or nothing'],
};

/** What is wrong with a setting, in words; undefined where it can be used. */
export function problemOfSetting(settings: AnswerSettings, name: keyof typeof BOUNDS): string | undefined {
  const value = settings[name];
  if (value === undefined) return undefined;
  const [least, most, words] = BOUNDS[name];
  const whole = name === 'topK' || name === 'maxTokens' || name === 'seed';
  return typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value)) ? undefined : `Give ${words}.`;
}

export function readAnswerSettings(): AnswerSettings {
  try {
    const kept = JSON.parse(readPreference('answers') ?? '{}') as Partial<AnswerSettings>;
    const settings = { ...DEFAULT_ANSWER, ...kept };
    const broken = (Object.keys(BOUNDS) as (keyof typeof BOUNDS)[]).some((name) => problemOfSetting(settings, name));
    return broken || typeof settings.stop !== 'string' || typeof settings.sample !== 'boolean' || typeof settings.retrieve !== 'boolean' ? { ...DEFAULT_ANSWER } : settings;
  } catch {
    return { ...DEFAULT_ANSWER };
  }
}

export function writeAnswerSettings(settings: AnswerSettings): void {
  writePreference('answers', JSON.stringify(settings));
}

/** What is asked of the worker; invalid settings fall back to their defaults, as the page says beside them. `readsRecords`: the base does, and there is a Datanet. */
export function askOptions(settings: AnswerSettings, readsRecords = false): AskOptions {
  const value = <K extends keyof typeof BOUNDS>(name: K) => (problemOfSetting(settings, name) ? DEFAULT_ANSWER[name] : settings[name]);
  const sampling: Sampling | undefined = settings.sample
    ? {
        temperature: value('temperature')!, topK: value('topK')!, topP: value('topP')!, repetitionPenalty: value('repetitionPenalty')!,
        seed: value('seed') ?? crypto.getRandomValues(new Uint32Array(1))[0]!,
      }
    : undefined;
  const stop = settings.stop.split('\n').filter((text) => text !== '').slice(0, 16);
  return { sampling, maxTokens: value('maxTokens'), ...(stop.length ? { stop } : {}), ...(settings.retrieve && readsRecords ? { retrieve: MOST_RETRIEVED } : {}) };
}
