/** Numbers for words, from 1 in the order in which they are first met, and for pairs of neighbouring words. */
export class Vocabulary {
  private readonly ids = new Map<string, number>();

  idOf(word: string): number {
    return this.ids.get(word) ?? (this.ids.set(word, this.ids.size + 1), this.ids.size);
  }

  /** Of each pair one number; 0 as a word is the beginning or the end. Ids stay below 2^26, so that a pair is a whole number below 2^52. */
  pairsOf(tokens: readonly string[]): number[] {
    if (!tokens.length) return [];
    let before = 0;
    return [...tokens.map((token) => this.idOf(token)), 0].map((id) => {
      const pair = before * 2 ** 26 + id;
      before = id;
      return pair;
    });
  }

  get size(): number {
    return this.ids.size;
  }
}

/** Keeps weights apart in a Datanet of a few records, where every word is rare. */
const SMOOTHING = 15;

/** ⌊log2((records + 15) / records that have it)⌋, so that what a template gives to all hardly counts. */
export function weightOf(records: number, having: number): number {
  return 31 - Math.clz32(Math.floor((records + SMOOTHING) / having));
}

/** From which weight on a word is rare: in at most three records or so. */
export function rareWeight(records: number): number {
  return 30 - Math.clz32(records + SMOOTHING);
}
