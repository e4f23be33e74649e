/** A sequence of token ids; the loss counts the prediction of ids[start], ids[start+1], … */
export interface Sequence {
  ids: readonly number[];
  start: number;
}

/**
 * Sequences laid end to end. A sequence's last token is not fed: nothing follows it. Letters: N fed tokens,
 * M predicted tokens, S segments.
 */
export interface PackedBatch {
  /** [N] each. */
  ids: Uint32Array;
  positions: Uint32Array;
  /** Row i attends rows lo[i] <= t < hi[i]; row t is attended by rows from[t] <= i < to[t]. */
  lo: Uint32Array;
  hi: Uint32Array;
  from: Uint32Array;
  to: Uint32Array;
  /** Greatest hi − lo. */
  width: number;
  /** [S+1] row bounds: gradients of adapters are summed within a segment. */
  segments: Uint32Array;
  /** [M] each: the row that predicts, what it should predict, and the weight of that loss. */
  targetRows: Uint32Array;
  targets: Uint32Array;
  weights: Float32Array;
}

/**
 * Packs groups of sequences, one segment per group (a record, or a whole batch). `weight(group, sequence, at)`
 * gives the weight of predicting token `at` of a sequence.
 */
export function packBatch(
  groups: readonly (readonly Sequence[])[],
  weight: (group: number, sequence: number, at: number) => number,
  window?: number,
): PackedBatch {
  const ids: number[] = [], positions: number[] = [], lo: number[] = [], hi: number[] = [], from: number[] = [], to: number[] = [];
  const segments = [0], targetRows: number[] = [], targets: number[] = [], weights: number[] = [];
  let width = 1;
  groups.forEach((group, g) => {
    group.forEach(({ ids: tokens, start }, s) => {
      if (tokens.length < 2 || start < 1 || start >= tokens.length) throw new RangeError('a sequence needs a token to predict from and one to predict');
      const first = ids.length;
      const count = tokens.length - 1;
      for (let p = 0; p < count; p++) {
        const row = first + p;
        ids.push(tokens[p]!);
        positions.push(p);
        const low = window === undefined ? first : Math.max(first, row - window + 1);
        lo.push(low);
        hi.push(row + 1);
        from.push(row);
        to.push(window === undefined ? first + count : Math.min(first + count, row + window));
        width = Math.max(width, row + 1 - low);
        if (p + 1 >= start) {
          targetRows.push(row);
          targets.push(tokens[p + 1]!);
          weights.push(Math.fround(weight(g, s, p + 1)));
        }
      }
    });
    segments.push(ids.length);
  });
  const u = (list: number[]) => Uint32Array.from(list);
  return {
    ids: u(ids), positions: u(positions), lo: u(lo), hi: u(hi), from: u(from), to: u(to), width,
    segments: u(segments), targetRows: u(targetRows), targets: u(targets), weights: Float32Array.from(weights),
  };
}
