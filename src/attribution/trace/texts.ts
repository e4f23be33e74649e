import { LOSS_SCALE } from '../record-gradients.ts';
import { type Lengths, type TraceInputs, lengthsOf } from './instruction.ts';
import type { UnitInputs } from './unit.ts';

/**
 * Texts laid end to end, as packBatch (model/batch.ts) does: what the rows of a program's matrices stand for. An answer is one
 * text. Row i is of text t with rows [a, b); predicted tokens are counted over all texts, r = 0 … M − 1.
 */
export class Texts implements Lengths {
  readonly n: number;
  readonly m: number;
  readonly w: number;
  private readonly tokens: Uint32Array;
  private readonly firsts: Uint32Array;
  private readonly lasts: Uint32Array;
  private readonly targets: Uint32Array;
  private readonly rows: Uint32Array;
  private readonly places: Int32Array;
  private readonly weights: Float32Array;
  private readonly scalars: readonly number[];

  /** `window`: tokens that attention looks back, 0 where it sees all. Throws RangeError for a text of which nothing is fed or predicted. */
  constructor({ texts, scalars }: UnitInputs, window: number) {
    if (!texts.length) throw new RangeError('no texts');
    const lengths = texts.map((text) => lengthsOf(text, window));
    this.n = lengths.reduce((sum, { n }) => sum + n, 0);
    this.m = lengths.reduce((sum, { m }) => sum + m, 0);
    this.w = Math.max(...lengths.map(({ w }) => w));
    this.tokens = new Uint32Array(this.n);
    this.firsts = new Uint32Array(this.n);
    this.lasts = new Uint32Array(this.n);
    this.targets = new Uint32Array(this.m);
    this.rows = new Uint32Array(this.m);
    this.places = new Int32Array(this.n).fill(-1);
    this.weights = new Float32Array(this.m);
    this.scalars = scalars;
    let [first, r] = [0, 0];
    texts.forEach(({ tokens, answer, weight }, t) => {
      const { n } = lengths[t]!;
      this.tokens.set(tokens.slice(0, n), first);
      this.firsts.fill(first, first, first + n);
      this.lasts.fill(first + n, first, first + n);
      for (let place = n - answer; place < n; place++, r++) {
        this.rows[r] = first + place;
        this.places[first + place] = r;
        this.targets[r] = tokens[place + 1]!;
        this.weights[r] = weight;
      }
      first += n;
    });
  }

  /** The token that row i is fed. */
  token(i: number): number {
    return this.tokens[i]!;
  }
  /** How far row i is from the beginning of its text. */
  position(i: number): number {
    return i - this.firsts[i]!;
  }
  /** First row that row i attends. W is at most the window; without one it is the longest text. */
  low(i: number): number {
    return Math.max(this.firsts[i]!, i - this.w + 1);
  }
  /** Rows that row i attends: low(i) … i. */
  attended(i: number): number {
    return i + 1 - this.low(i);
  }
  /** Row i is attended by rows i … end(i) − 1. */
  end(i: number): number {
    return Math.min(this.lasts[i]!, i + this.w);
  }
  /** The row that predicts token r. */
  row(r: number): number {
    return this.rows[r]!;
  }
  /** Which token row i predicts; −1: none. */
  predicted(i: number): number {
    return this.places[i]!;
  }
  /** What token r is. */
  target(r: number): number {
    return this.targets[r]!;
  }
  /** By how much its loss counts. */
  weight(r: number): number {
    return this.weights[r]!;
  }
  /** Throws RangeError where there is none. */
  scalar(k: number): number {
    const value = this.scalars[k];
    if (value === undefined) throw new RangeError(`no scalar ${k}`);
    return value;
  }
}

/** An answer, whose loss is LOSS_SCALE times the mean over its tokens. */
export function answerTexts({ tokens, answer }: TraceInputs, window: number): Texts {
  return new Texts({ texts: [{ tokens, answer, weight: Math.fround(LOSS_SCALE / answer) }], scalars: [] }, window);
}
