import type { Attribution } from '../workers/engine.api.ts';

/** Influence of records on one word of an answer, by record index, and its noise; 0 where a record was not asked about. */
export interface WordInfluence {
  influence: Float32Array;
  noise: Float32Array;
}

/** Whose influence on the words is shown: one record's, or the sum of a contributor's records. */
export interface HeatTarget {
  /** Unique within a turn: `record 12`, or an address. */
  key: string;
  /** As people read it. */
  label: string;
  /** By index. */
  records: readonly number[];
}

export interface WordHeat {
  influence: number;
  /** Standard deviation of it by chance. */
  noise: number;
  /** More than CHANCE standard deviations from zero. */
  beyondChance: boolean;
}

/** One word of an unrelated record is further from zero than this many standard deviations about once in twenty. */
export const CHANCE = 2;
/** Numbers that one heat map keeps; beyond it only the records with the greatest influence, either way, are read. */
const MOST_NUMBERS = 2 ** 18;

/** Influence of some records together on each word; undefined for words not read yet. Noises of records add as their squares do. */
export function heatOf(read: ReadonlyMap<number, WordInfluence>, words: number, records: readonly number[]): (WordHeat | undefined)[] {
  return Array.from({ length: words }, (_, word) => {
    const found = read.get(word);
    if (!found) return undefined;
    let influence = 0;
    let variance = 0;
    for (const record of records) {
      influence += found.influence[record] ?? 0;
      variance += (found.noise[record] ?? 0) ** 2;
    }
    const noise = Math.sqrt(variance);
    return { influence, noise, beyondChance: Math.abs(influence) > CHANCE * noise };
  });
}

/** Of a tint's strength for words within chance: seen, and not mistaken for what stands beyond it. */
const FAINT = 1 / 3;

/**
 * Strength of each word's tint, −1 (spoke against it most) to 1: linear in the influence, relative to the strongest word
 * that was read; a third of it for words within chance.
 */
export function tintsOf(heat: readonly (WordHeat | undefined)[]): number[] {
  const most = heat.reduce((top, word) => Math.max(top, Math.abs(word?.influence ?? 0)), 0);
  return heat.map((word) => (word && most > 0 ? (word.influence / most) * (word.beyondChance ? 1 : FAINT) : 0));
}

/** Which records a heat map of so many words reads: all, or those with the greatest influence either way. Ascending. */
export function recordsToRead({ records }: Attribution, words: number): number[] {
  const room = Math.max(2, Math.floor(MOST_NUMBERS / Math.max(1, words)));
  // The attribution has the greatest influence first.
  const some = records.length <= room ? records : [...records.slice(0, Math.ceil(room / 2)), ...records.slice(records.length - Math.floor(room / 2))];
  return some.map(({ index }) => index).sort((a, b) => a - b);
}
