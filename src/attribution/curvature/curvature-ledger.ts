import { OpenLedgerError, throwIfAborted } from '../../errors.ts';
import type { Backend, Tensor } from '../../kernels/backend.ts';
import { type Matrix, createMatrix, freeMatrix, matrixBytes, writeRows } from '../../kernels/matrix/matrix.ts';
import { placeRows } from '../../kernels/rows/operation.ts';
import { Scope } from '../../kernels/scope.ts';
import type { Sequence } from '../../model/batch.ts';
import type { Lora } from '../../model/lora.ts';
import type { Model } from '../../model/model.ts';
import { memoryAllowed } from '../../model/weights/plan-weights.ts';
import { type Progress, adapterTensors, eachRecordGradients } from '../record-gradients.ts';
import { ChanceScores } from './noise.ts';
import { type Preconditioner, applyPreconditioner, makePreconditioner } from './preconditioner.ts';
import { type CurvatureSettings, MOST_DRAWS, ROW_FORMAT, checkSettings, drawPlan } from './settings.ts';
import { Sketcher } from './sketcher.ts';

/** Once per run: what every answer's gradient is multiplied with. One row a record, a few bits a number. */
export interface CurvatureLedger {
  records: number;
  settings: CurvatureSettings;
  /** States of the adapter, the last one itself; they belong to whoever loaded them. */
  checkpoints: readonly Lora[];
  /** Numbers of a row that belong to one checkpoint. */
  width: number;
  /** How gradients become rows, one for each checkpoint. */
  sketchers: readonly Sketcher[];
  /** [n, checkpoints · width] gradients of records with the curvature taken out, checkpoint after checkpoint, in ROW_FORMAT. */
  rows: Matrix;
  /** [n] standard deviation of a record's score by chance, for an answer whose gradient has length 1; see noise.ts. */
  noise: Float32Array;
}

/** Records whose gradients are held unrounded at a time. */
export const BLOCK_RECORDS = 256;

/** Numbers a checkpoint gets of a row. */
export function rowWidth(lora: Lora, { dimension, checkpoints }: CurvatureSettings): number {
  return Math.min(Math.floor(dimension / checkpoints), adapterTensors(lora).reduce((sum, { values }) => sum + values, 0));
}

/** Bytes of the ledger that stay, and the most while it is built: draws, their Gram matrix and its factor per checkpoint. */
export function curvatureBytes(records: number, values: number, settings: CurvatureSettings): { kept: number; building: number } {
  const width = Math.min(Math.floor(settings.dimension / settings.checkpoints), values);
  const m = Math.min(records * settings.draws, MOST_DRAWS);
  const kept = matrixBytes(records, width * settings.checkpoints, ROW_FORMAT) + settings.checkpoints * 4 * (width + 1 + values);
  const block = 4 * BLOCK_RECORDS * (3 * width + 3 * m);
  return { kept, building: kept + settings.checkpoints * 4 * (m * width + m * m) + 8 * m * m + block };
}

/** Throws `ledger/too-large` with the numbers where a ledger cannot be built on this device, before anything is allocated. */
export function requireCurvatureMemory(backend: Backend, records: number, values: number, settings: CurvatureSettings): void {
  const text = (bytes: number) => (bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`);
  const { building } = curvatureBytes(records, values, settings);
  const allowed = memoryAllowed(backend);
  if (building <= allowed) return;
  throw new OpenLedgerError({
    code: 'ledger/too-large',
    what: 'The ledger of these records does not fit into the memory of this device.',
    why: `${records} records take ${text(building)} while it is built; ${text(Math.max(0, allowed))} are left.`,
    next: 'Use fewer records, or another device.',
  });
}

interface BuildOptions {
  signal?: AbortSignal | undefined;
  onProgress?: Progress | undefined;
}

/**
 * Builds the ledger of a run. `checkpoints` are states of the adapter, the last one itself, fewer than the settings say where a run had few steps; `records[k]` the sequences of
 * record k. Cost: (1 + draws) backward passes over all records per checkpoint, m³/3 for its Gram matrix of m draws, and
 * n·m·(m + 2·width) for the records. `onProgress` counts records passed. Throws `ledger/too-large`, `ledger/bad-settings`,
 * `ledger/no-records`, `cancelled`, `rf32/out-of-range`.
 */
export async function buildCurvatureLedger(
  model: Model,
  checkpoints: readonly Lora[],
  records: readonly (readonly Sequence[])[],
  settings: CurvatureSettings,
  { signal, onProgress }: BuildOptions = {},
): Promise<CurvatureLedger> {
  const { backend } = model;
  const lora = checkpoints[checkpoints.length - 1]!;
  const n = records.length;
  const { owners, numbers } = drawPlan(n, settings.draws);
  const all = checkpoints.length * (owners.length + n);
  let done = 0;
  // Sequences of a draw's record, under the draw's own number.
  const gradientsOf = async (scope: Scope, at: number, sketcher: Sketcher, which: readonly number[], draw?: number) => {
    const G = scope.create('gradients', [which.length, sketcher.dimension], 'f32');
    const before = done;
    await eachRecordGradients(model, checkpoints[at]!, records, which, (inner, gradients, first) => sketcher.add(inner, G, gradients, first), {
      drawn: draw === undefined ? undefined : { seed: settings.seed, draw },
      signal,
      onProgress: (count) => onProgress?.(before + count, all),
    });
    done = before + which.length;
    return G;
  };
  const sources: GradientSource[] = checkpoints.map((_, at) => ({
    draws: async (scope, sketcher) => {
      const F = scope.create('draws', [owners.length, sketcher.dimension], 'f32');
      for (let draw = 0; draw < settings.draws; draw++) {
        const from = numbers.indexOf(draw);
        const which = owners.filter((_record, i) => numbers[i] === draw);
        const inner = new Scope(backend);
        try {
          if (which.length) inner.run(placeRows, 'draws', [F, await gradientsOf(inner, at, sketcher, which, draw)], { at: from });
        } finally {
          inner.release();
        }
      }
      return F;
    },
    records: (scope, sketcher, first, count) => gradientsOf(scope, at, sketcher, Array.from({ length: count }, (_, i) => first + i)),
  }));
  requireCurvatureMemory(backend, n, adapterTensors(lora).reduce((sum, { values }) => sum + values, 0), settings);
  const sketchers = makeSketchers(backend, checkpoints, settings);
  try {
    const { rows, noise } = await buildRows(backend, sources, sketchers, owners, n, settings, signal);
    return { records: n, settings, checkpoints, width: sketchers[0]!.dimension, sketchers, rows, noise };
  } catch (error) {
    for (const sketcher of sketchers) sketcher.free();
    throw error;
  }
}

export function makeSketchers(backend: Backend, checkpoints: readonly Lora[], settings: CurvatureSettings): Sketcher[] {
  const lora = checkpoints[checkpoints.length - 1]!;
  return checkpoints.map((_, at) => new Sketcher(backend, lora, rowWidth(lora, settings), settings.seed, at));
}

/** Where a checkpoint's gradients come from: passes through the model, or numbers made up to measure growth. */
export interface GradientSource {
  /** [m,width] draws. */
  draws(scope: Scope, sketcher: Sketcher): Promise<Tensor>;
  /** [count,width] gradients of records first, …, first + count − 1. */
  records(scope: Scope, sketcher: Sketcher, first: number, count: number): Promise<Tensor>;
}

/** The rows and noise of a ledger, block of records after block, so that of all only rows of few bits are held. */
export async function buildRows(
  backend: Backend, sources: readonly GradientSource[], sketchers: readonly Sketcher[], owners: readonly number[], n: number, settings: CurvatureSettings, signal?: AbortSignal,
): Promise<{ rows: Matrix; noise: Float32Array }> {
  checkSettings(settings);
  if (n === 0) throw new OpenLedgerError({ code: 'ledger/no-records', what: 'There are no records whose influence could be told.', next: 'Choose a version with records.' });
  const width = sketchers[0]!.dimension;
  const columns = sources.length * width;
  const rows = createMatrix(backend, 'ledger.rows', n, columns, ROW_FORMAT);
  const noise = new Float32Array(n);
  const held = new Scope(backend);
  try {
    const curvatures: Preconditioner[] = [];
    for (const [at, source] of sources.entries()) curvatures.push(await makePreconditioner(held, await source.draws(held, sketchers[at]!), settings.damping));
    for (let first = 0; first < n; first += BLOCK_RECORDS) {
      throwIfAborted(signal);
      const count = Math.min(BLOCK_RECORDS, n - first);
      const values = new Float32Array(count * columns);
      const chance = new ChanceScores(owners, first, count);
      for (const [at, source] of sources.entries()) {
        const scope = new Scope(backend);
        try {
          const { rows: part, W } = applyPreconditioner(scope, curvatures[at]!, await source.records(scope, sketchers[at]!, first, count));
          const read = (await backend.read(part)) as Float32Array;
          for (let k = 0; k < count; k++) values.set(read.subarray(k * width, (k + 1) * width), k * columns + at * width);
          chance.add(curvatures[at]!, (await backend.read(W)) as Float32Array);
        } finally {
          scope.release();
        }
      }
      writeRows(backend, rows, first, values);
      noise.set(chance.deviations(), first);
    }
    return { rows, noise };
  } catch (error) {
    freeMatrix(backend, rows);
    throw error;
  } finally {
    held.release();
  }
}

export function freeCurvatureLedger(backend: Backend, ledger: CurvatureLedger): void {
  freeMatrix(backend, ledger.rows);
  for (const sketcher of ledger.sketchers) sketcher.free();
}
