import { OpenLedgerError, throwIfAborted } from '../../errors.ts';
import type { Backend, Tensor } from '../../kernels/backend.ts';
import { GROUP } from '../../kernels/matrix/format.ts';
import { type Matrix, createMatrix, freeMatrix, matrixBytes } from '../../kernels/matrix/matrix.ts';
import { matmulNT } from '../../kernels/matmul/operation.ts';
import { Scope } from '../../kernels/scope.ts';
import { requireCurvatureTest } from '../../kernels/self-test.ts';
import type { Sequence } from '../../model/batch.ts';
import type { Lora } from '../../model/lora.ts';
import type { Model } from '../../model/model.ts';
import { memoryAllowed } from '../../model/weights/plan-weights.ts';
import { PASS_BYTES, type Progress, adapterTensors } from '../record-gradients.ts';
import { lambdaOf } from './ledger-constants.ts';
import { BLOCK_RECORDS, type LabelPlan, LedgerPasses } from './ledger-passes.ts';
import { chanceDeviations, squaresOf } from './noise.ts';
import { type Preconditioner, applyPreconditioner, makePreconditioner } from './preconditioner.ts';
import { type CurvatureSettings, MOST_CHANCE_DRAWS, MOST_DRAWS, ROW_FORMAT, type RunPace, checkSettings, drawPlan } from './settings.ts';
import { PassedGradients } from './passed-gradients.ts';
import { roundRows, writeRounded } from './round-rows.ts';
import { GradientScale } from './scale.ts';
import { Sketcher } from './sketcher.ts';

/** Once per run: what every answer's gradient is multiplied with. One row a record, a few bits a number. */
export interface CurvatureLedger {
  records: number;
  settings: CurvatureSettings;
  /** States of the adapter along its run; they belong to whoever loaded them. */
  checkpoints: readonly Lora[];
  /** How gradients at each checkpoint become rows; they hold the scale of the adapter's numbers. */
  sketchers: readonly Sketcher[];
  /** [n, checkpoints · width] gradients of records with the curvature taken out, checkpoint after checkpoint, in ROW_FORMAT. */
  rows: Matrix;
  /** [n] standard deviation of a record's score by chance, for an answer whose gradient has length 1; see noise.ts. */
  noise: Float32Array;
}

/** Numbers a checkpoint has of a row, for an adapter of `values` numbers: whole groups of ROW_FORMAT. */
export const rowWidth = (values: number, { dimension, checkpoints }: CurvatureSettings): number => Math.min(Math.floor(dimension / checkpoints / GROUP) * GROUP, values);

export const adapterValues = (lora: Lora): number => adapterTensors(lora).reduce((sum, { values }) => sum + values, 0);

/** Bytes of the ledger that stay, and the most while it is built: draws, their Gram matrix and its factor per checkpoint. */
export function curvatureBytes(records: number, values: number, settings: CurvatureSettings): { kept: number; building: number } {
  const width = rowWidth(values, settings);
  const m = Math.min(records * settings.draws, MOST_DRAWS);
  const kept = matrixBytes(records, settings.checkpoints * width, ROW_FORMAT) + settings.checkpoints * 4 * (width + 1 + 3 * values);
  const chance = Math.min(records, MOST_CHANCE_DRAWS);
  // Gradients of a pass, their scaled copies, and what is kept of them until it ends.
  const pass = Math.min(4 * records * values, Math.max(4 * values, PASS_BYTES));
  const block = 4 * Math.min(records, BLOCK_RECORDS) * ((3 + 2 * settings.checkpoints) * width + 3 * m);
  return { kept, building: kept + settings.checkpoints * 4 * (m * width + m * m + 2 * chance * width) + 8 * m * m + block + 4 * pass };
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
 * Builds the ledger of a run. `checkpoints` are states of the adapter along it, fewer than the settings say where a run had
 * few steps; `records[k]` the sequences of record k. Cost: (2 + draws) backward passes over all records per
 * checkpoint and one to two forward passes, m³/6 for its Gram matrix of m draws, and n·m·(m + 2·width) for the records; where
 * gradients are not kept between (ledger-passes.ts) one more of each. `onProgress` counts backward passes of records. Throws `ledger/too-large`, `ledger/bad-settings`, `ledger/no-records`, `cancelled`, `rf32/out-of-range`.
 */
export async function buildCurvatureLedger(
  model: Model,
  checkpoints: readonly Lora[],
  records: readonly (readonly Sequence[])[],
  settings: CurvatureSettings,
  pace: RunPace,
  { signal, onProgress }: BuildOptions = {},
): Promise<CurvatureLedger> {
  const { backend } = model;
  const n = records.length;
  checkSettings(settings);
  requireCurvatureMemory(backend, n, adapterValues(checkpoints[0]!), settings);
  await requireCurvatureTest(backend);
  const passes = new LedgerPasses(model, checkpoints, records, labelPlans(n, settings), { signal, onProgress });
  const scale = new GradientScale(checkpoints[0]!);
  await passes.measure((gradients) => scale.add(gradients));
  const sketchers = makeSketchers(backend, checkpoints, settings, scale.of(checkpoints.length * n, pace.batch));
  const source = new PassedGradients(backend, passes, sketchers);
  try {
    const { rows, noise } = await buildRows(backend, source, checkpoints.length, n, sketchers[0]!.dimension, chanceOwners(n), lambdaOf(settings, pace), signal);
    return { records: n, settings, checkpoints, sketchers, rows, noise };
  } catch (error) {
    for (const sketcher of sketchers) sketcher.free();
    throw error;
  } finally {
    source.free();
  }
}

/** The records of the draws that measure chance. */
export const chanceOwners = (n: number) => drawPlan(n, 1, MOST_CHANCE_DRAWS).owners;

/** Own labels of all records, then the curvature's draws, then one that measures chance: a number that no draw of the curvature has. */
export function labelPlans(n: number, { draws, seed }: Pick<CurvatureSettings, 'draws' | 'seed'>): LabelPlan[] {
  const { owners, numbers } = drawPlan(n, draws);
  return [
    { labels: 'own', which: Array.from({ length: n }, (_, k) => k) },
    ...Array.from({ length: draws }, (_, draw): LabelPlan => ({ labels: { seed, draw }, which: owners.filter((_owner, i) => numbers[i] === draw) })),
    { labels: { seed, draw: draws }, which: chanceOwners(n) },
  ];
}

export function makeSketchers(backend: Backend, checkpoints: readonly Lora[], settings: CurvatureSettings, scale: Float32Array): Sketcher[] {
  return checkpoints.map((lora, at) => new Sketcher(backend, lora, rowWidth(scale.length, settings), settings.seed, at, scale));
}

/** Where gradients [·,width] come from: passes through the model, or numbers made up to measure growth. */
export interface GradientSource {
  /** Draws of checkpoint `at`, [m,width]. */
  draws(scope: Scope, at: number): Promise<Tensor>;
  /** Draws that measure chance, as answers are read (reading-rows.ts), [q, checkpoints · width]. */
  chance(): Promise<Float32Array>;
  /** Records first, …, first + count − 1 at checkpoint `at`, [count,width]. */
  records(scope: Scope, at: number, first: number, count: number): Promise<Tensor>;
}

/** The rows and noise of a ledger, block of records after block, so that of all only rows of few bits are held. */
export async function buildRows(
  backend: Backend, source: GradientSource, checkpoints: number, n: number, width: number, chanceOwners: readonly number[], lambda: number, signal?: AbortSignal,
): Promise<{ rows: Matrix; noise: Float32Array }> {
  if (n === 0) throw new OpenLedgerError({ code: 'ledger/no-records', what: 'There are no records whose influence could be told.', next: 'Choose a version with records.' });
  const columns = checkpoints * width;
  const rows = createMatrix(backend, 'ledger.rows', n, columns, ROW_FORMAT);
  const noise = new Float32Array(n);
  const held = new Scope(backend);
  /** Checkpoint `at` of rows that are as long as the ledger's. */
  const place = async (all: Float32Array, at: number, part: Tensor) => {
    const values = (await backend.read(part)) as Float32Array;
    for (let k = 0; k * width < values.length; k++) all.set(values.subarray(k * width, (k + 1) * width), k * columns + at * width);
  };
  try {
    const curvatures: Preconditioner[] = [];
    for (let at = 0; at < checkpoints; at++) curvatures.push(makePreconditioner(held, await source.draws(held, at), lambda));
    const chance = await source.chance();
    const N = held.upload('chance', [chanceOwners.length, columns], chance);
    const squares = squaresOf(chance, columns);
    for (let first = 0; first < n; first += BLOCK_RECORDS) {
      throwIfAborted(signal);
      const count = Math.min(BLOCK_RECORDS, n - first);
      const values = new Float32Array(count * columns);
      const scope = new Scope(backend);
      try {
        for (const [at, curvature] of curvatures.entries()) {
          const G = await source.records(scope, at, first, count);
          const part = applyPreconditioner(scope, curvature, G);
          await place(values, at, part);
          scope.free(G, part);
        }
        writeRounded(backend, rows, first, roundRows(values, columns));
        const products = (await backend.read(scope.one(matmulNT, 'ledger.chance', [scope.upload('rows', [count, columns], values), N]))) as Float32Array;
        noise.set(chanceDeviations(products, squares, chanceOwners, first, count), first);
      } finally {
        scope.release();
      }
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
