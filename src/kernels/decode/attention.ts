import { operand } from '../../arithmetic/rf32.ts';
import { attentionScores, attentionValues, softmax } from '../attention/operation.ts';
import { type Operation, type Params, type Shape, expectShape } from '../operation.ts';
import { rope } from '../rope/operation.ts';
import { computed, finished } from './compose.ts';
import { biasAt, rowAdapter } from './norm.ts';
import { rowOf, rowsFit } from './rows.ts';

/** Keys that row i attends, in positions: from..position, the window's width at most. */
export function attended(params: Params, i: number): { position: number; from: number; count: number } {
  const position = rowOf(params, 'position', i);
  const from = params.window ? Math.max(0, position - params.window + 1) : 0;
  return { position, from, count: position + 1 - from };
}

/** Words of workgroup memory that every WebGPU device has: 16 KiB. */
const WORDS = 4096;
/** Words for parts of sums and maxima, in a workgroup of `lanes` invocations. */
export const attentionWork = (perGroup: number, lanes: number): number => Math.max(1024, perGroup * lanes);
export const workgroupFits = (perGroup: number, e: number, lanes: number): boolean =>
  (perGroup + 2) * e + attentionWork(perGroup, lanes) + 2 * perGroup <= WORDS;

/** Whether a model's heads fit the workgroup memory that every device has. */
export const attentionFits = (heads: number, groups: number, e: number): boolean => workgroupFits(heads / groups, e, 64);

/** Columns of `out` for a cache in which a row attends `width` keys at most: the values' heads, then room for the scores. */
export const attentionColumns = (heads: number, e: number, width: number): number => heads * e + heads * width;

/**
 * One decoding step's attention of one layer: q, k, v of each row finished (bias, adapter), q and k turned to the row's
 * position, k and v placed in the caches, then scores, softmax and values. Inputs raw[≥rows, total] (products of q, k, v
 * side by side, their lows from column `low`), pool, vectors, turns[P, E] (a position's cosines, then its sines),
 * k[T, G·E], v[T, G·E] (overwritten in one row each), out[≥rows, H·E + H·W] (overwritten in part: operands of the values,
 * then of each head's weights, for which W must hold the widest range). Params: rows, slot0…, position0…,
 * base0…, heads, groups, scale, window (0 for none), rank, low, biasQ, biasK, biasV (places or NONE), bQ, bK, bV,
 * scaleAt (q's, then k's and v's).
 */
export const decodeAttention: Operation = {
  name: 'decodeAttention',
  inputs: ['f32', 'f32', 'f32', 'f32', 'f32', 'f32', 'f32'],
  outputs: (shapes, params) => {
    const rows = rowsFit('decodeAttention', params);
    const [raw, pool, , turns, k, v, out] = shapes as Shape[];
    const { heads, groups } = params as { heads: number; groups: number };
    const e = turns![1]!;
    expectShape('decodeAttention pool', pool, pool![0]!, pool![1]!);
    expectShape('decodeAttention k', k, k![0]!, groups * e);
    expectShape('decodeAttention v', v, ...k!);
    if (raw![0]! < rows || raw![1]! < (heads + 2 * groups) * e || out![0]! < rows) throw new RangeError(`decodeAttention: raw [${raw}], out [${out}]`);
    for (let i = 0; i < rows; i++) {
      const { position, count } = attended(params, i);
      if (position >= turns![0]! || rowOf(params, 'base', i) + position >= k![0]! || attentionColumns(heads, e, count) > out![1]!) {
        throw new RangeError(`decodeAttention: position ${position} in a cache of ${k![0]} rows`);
      }
    }
    return [4, 5, 6].map((inPlace) => ({ shape: shapes[inPlace]!, dtype: 'f32', inPlace }));
  },
  reference({ inputs, outputs, shapes, params }) {
    const [raw, pool, vectors, turns] = inputs as Float32Array[];
    const [k, v, out] = outputs as [Float32Array, Float32Array, Float32Array];
    const { heads, groups, scale, rank = 0, low = 0, scaleAt = 0 } = params as Record<string, number> & { heads: number; groups: number };
    const e = shapes[3]![1]!;
    const half = e / 2;
    const total = shapes[0]![1]!;
    const keyed = groups * e;
    for (let i = 0; i < params.rows!; i++) {
      const { position, from, count } = attended(params, i);
      const part = (which: number, at: number, width: number, bias: number | undefined, b: number) =>
        finished(
          raw!.subarray(i * total + at, i * total + at + width),
          biasAt(vectors!, bias, width),
          rowAdapter(pool!, shapes[1]!, raw!, total, params, i, low + which * rank, b, scaleAt + which),
        );
      const turned = (x: Float32Array, count: number) =>
        computed(
          rope,
          [[[1, count * e], x], [[1], Uint32Array.of(0)], [[1, half], turns!.subarray(position * e, position * e + half)], [[1, half], turns!.subarray(position * e + half, (position + 1) * e)]],
          { heads: count, inverse: 0 },
        )[0]!;
      const q = turned(part(0, 0, heads * e, params.biasQ, params.bQ ?? 0), heads);
      const first = rowOf(params, 'base', i);
      k.set(turned(part(1, heads * e, keyed, params.biasK, params.bK ?? 0), groups), (first + position) * keyed);
      v.set(part(2, (heads + groups) * e, keyed, params.biasV, params.bV ?? 0), (first + position) * keyed);
      const rows = (cache: Float32Array) => [[count, keyed], cache.slice((first + from) * keyed, (first + position + 1) * keyed)] as const;
      const [lo, hi] = [[[1], Uint32Array.of(0)], [[1], Uint32Array.of(count)]] as const;
      const scores = computed(attentionScores, [[[1, heads * e], q], rows(k), lo, hi], { heads, groups, width: count })[0]!;
      const p = computed(softmax, [[[1, heads, count], scores], lo, hi], { scale: scale! })[0]!;
      const o = computed(attentionValues, [[[1, heads, count], p], rows(v), lo, hi], { groups })[0]!;
      const pitch = shapes[6]![1]!;
      const room = Math.floor((pitch - heads * e) / heads);
      out.set(o.map(operand), i * pitch);
      for (let h = 0; h < heads; h++) out.set(p.subarray(h * count, (h + 1) * count).map(operand), i * pitch + heads * e + h * room);
    }
  },
};
