import { Scope } from '../kernels/scope.ts';
import { matrixNT } from '../kernels/matrix/matrix.ts';
import type { Sequence } from '../model/batch.ts';
import type { Model } from '../model/model.ts';
import type { CurvatureLedger } from './curvature/curvature-ledger.ts';
import { eachRecordGradients } from './record-gradients.ts';

export interface Standing {
  /** Sum of its influence on the texts it is judged by: positive = it helped them. */
  influence: number;
  /** Standard deviation of that sum by chance. */
  noise: number;
  /** Its influence on itself: how far the adapter bent for this record alone. */
  leverage: number;
  /** Its leverage stands far above the others': a curator should look. */
  outlier: boolean;
}

interface CurateOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

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
  const passes = judges?.length ? 2 : 1;
  // The records themselves tell their leverage, and judge each other where nothing else does.
  await eachRow(model, ledger, trained, (row, scores, length) => {
    leverage[row] = scores[row]!;
    if (!judges?.length) add(scores, length, row);
  }, { signal, onProgress: (done) => onProgress?.(done, passes * ledger.checkpoints.length * n) });
  if (judges?.length) {
    const whole = ledger.checkpoints.length * (n + judges.length);
    await eachRow(model, ledger, judges, (_row, scores, length) => add(scores, length, -1), { signal, onProgress: (done) => onProgress?.(ledger.checkpoints.length * n + done, whole) });
  }
  const isOutlier = outliers(leverage);
  return Array.from({ length: n }, (_, k) => ({ influence: influence[k]!, noise: Math.sqrt(squares[k]!), leverage: leverage[k]!, outlier: isOutlier[k]! }));

  function add(scores: Float32Array, length: number, own: number): void {
    for (let k = 0; k < n; k++) {
      if (k === own) continue;
      influence[k]! += scores[k]!;
      squares[k]! += (ledger.noise[k]! * length) ** 2;
    }
  }
}

/** Scores of every text against every record, one text at a time, with the length of the text's gradient. */
async function eachRow(
  model: Model, ledger: CurvatureLedger, texts: readonly (readonly Sequence[])[], use: (text: number, scores: Float32Array, length: number) => void, { signal, onProgress }: { signal?: AbortSignal | undefined; onProgress: (done: number) => void },
): Promise<void> {
  const { backend } = model;
  const { width, checkpoints, sketchers, rows, records } = ledger;
  const columns = width * checkpoints.length;
  let done = 0;
  for (let first = 0; first < texts.length; first += BLOCK) {
    const which = Array.from({ length: Math.min(BLOCK, texts.length - first) }, (_, i) => first + i);
    const v = new Float32Array(which.length * columns);
    for (const [at, lora] of checkpoints.entries()) {
      const scope = new Scope(backend);
      try {
        const G = scope.create('texts.gradients', [which.length, width], 'f32');
        const before = done;
        await eachRecordGradients(model, lora, texts, which, (inner, gradients, from) => sketchers[at]!.add(inner, G, gradients, from), { signal, onProgress: (count) => onProgress(before + count) });
        done = before + which.length;
        const values = (await backend.read(G)) as Float32Array;
        which.forEach((_, q) => v.set(values.subarray(q * width, (q + 1) * width), q * columns + at * width));
      } finally {
        scope.release();
      }
    }
    const scope = new Scope(backend);
    try {
      const scores = (await backend.read(matrixNT(scope, 'curation', scope.upload('texts', [which.length, columns], v), rows))) as Float32Array;
      which.forEach((text, q) => {
        const own = v.subarray(q * columns, (q + 1) * columns);
        use(text, scores.subarray(q * records, (q + 1) * records), Math.sqrt(own.reduce((sum, value) => sum + value * value, 0)));
      });
    } finally {
      scope.release();
    }
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
