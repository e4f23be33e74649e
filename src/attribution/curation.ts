import type { Sequence } from '../model/batch.ts';
import type { Model } from '../model/model.ts';
import { scoresOf } from './curvature/curvature-influence.ts';
import type { CurvatureLedger } from './curvature/curvature-ledger.ts';
import { readingRows } from './curvature/reading-rows.ts';
import { eachRecordGradients } from './record-gradients.ts';

export interface Standing {
  /** Sum of its influence on the texts it is judged by: positive = it helped them. */
  influence: number;
  /** Standard deviation of that sum by chance. */
  noise: number;
  /**
   * Sums over the texts of what stands above chance, for and against, in standard deviations: a record with a wrong answer
   * may help as many texts as it hurts, so that its sum says nothing.
   */
  helped: number;
  hurt: number;
  /** Its influence on itself: how far the adapter bent for this record alone. */
  leverage: number;
  /** Its leverage stands far above the others': a curator should look. */
  outlier: boolean;
}

interface CurateOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Standard deviations that count as chance. */
const ABOVE_CHANCE = 2;
/** Texts whose gradients are held at a time. */
const BLOCK = 128;
/** Multiples of the median absolute deviation above the median, of the logarithm of leverage; 1.4826 MAD is a standard deviation. */
const OUTLIER = 6;

/**
 * How each record of a ledger stands: what it did for `judges`, texts that were held out, or without them for all the other
 * records of the Datanet. `trained` are the ledger's records in order. Cost: a backward pass per text and checkpoint.
 */
export async function curate(model: Model, ledger: CurvatureLedger, trained: readonly (readonly Sequence[])[], judges: readonly (readonly Sequence[])[] | undefined, { signal, onProgress }: CurateOptions = {}): Promise<Standing[]> {
  const n = ledger.records;
  const influence = new Float64Array(n);
  const squares = new Float64Array(n);
  const leverage = new Float64Array(n);
  const [helped, hurt] = [new Float64Array(n), new Float64Array(n)];
  const all = n + (judges?.length ?? 0);
  // The records themselves tell their leverage, and judge each other where nothing else does.
  await eachRow(model, ledger, trained, (row, scores, length) => {
    leverage[row] = scores[row]!;
    if (!judges?.length) add(scores, length, row);
  }, { signal, onProgress: (done) => onProgress?.(done, all) });
  if (judges?.length) {
    await eachRow(model, ledger, judges, (_row, scores, length) => add(scores, length, -1), { signal, onProgress: (done) => onProgress?.(n + done, all) });
  }
  const isOutlier = outliers(leverage);
  return Array.from({ length: n }, (_, k) => ({ influence: influence[k]!, noise: Math.sqrt(squares[k]!), helped: helped[k]!, hurt: hurt[k]!, leverage: leverage[k]!, outlier: isOutlier[k]! }));

  function add(scores: Float32Array, length: number, own: number): void {
    for (let k = 0; k < n; k++) {
      if (k === own) continue;
      influence[k]! += scores[k]!;
      const noise = ledger.noise[k]! * length;
      squares[k]! += noise * noise;
      if (!(noise > 0)) continue;
      const z = scores[k]! / noise;
      if (z > ABOVE_CHANCE) helped[k]! += z - ABOVE_CHANCE;
      if (z < -ABOVE_CHANCE) hurt[k]! += -z - ABOVE_CHANCE;
    }
  }
}

/** Scores of every text against every record, one text at a time, with the length of the text's gradient. */
async function eachRow(
  model: Model, ledger: CurvatureLedger, texts: readonly (readonly Sequence[])[], use: (text: number, scores: Float32Array, length: number) => void, { signal, onProgress }: { signal?: AbortSignal | undefined; onProgress: (done: number) => void },
): Promise<void> {
  const { backend } = model;
  const { checkpoints, sketchers } = ledger;
  let passed = 0;
  for (let first = 0; first < texts.length; first += BLOCK) {
    const which = Array.from({ length: Math.min(BLOCK, texts.length - first) }, (_, i) => first + i);
    const v = await readingRows(backend, sketchers, which.length, async (at, take) => {
      const before = passed;
      await eachRecordGradients(model, checkpoints[at]!, texts, which, take, { signal, onProgress: (count) => onProgress((before + count) / checkpoints.length) });
      passed = before + which.length;
    });
    const { scores, lengths } = await scoresOf(backend, ledger, v);
    which.forEach((text, q) => use(text, scores[q]!, lengths[q]!));
  }
}

/** Leverage is positive and spread over orders of magnitude: its logarithm is judged. */
function outliers(leverage: Float64Array): boolean[] {
  const logs = Array.from(leverage, (value) => Math.log(Math.max(value, 1e-30)));
  const middle = median(logs);
  const spread = 1.4826 * median(logs.map((value) => Math.abs(value - middle)));
  return logs.map((value) => value - middle > OUTLIER * Math.max(spread, 0.1));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2 : 0;
}
