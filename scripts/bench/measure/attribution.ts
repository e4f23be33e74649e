import { join } from 'node:path';
import { randomNormal } from '../../../src/arithmetic/random.ts';
import type { Engine } from '../../../src/attribution/engine.ts';
import type { Backend, Tensor } from '../../../src/kernels/backend.ts';
import { choleskyFactor, choleskySolve } from '../../../src/kernels/cholesky/cholesky.ts';
import { addDiagonal } from '../../../src/kernels/cholesky/operation.ts';
import { matmulNT } from '../../../src/kernels/matmul/operation.ts';
import { Scope } from '../../../src/kernels/scope.ts';
import { type PackedBatch, packBatch } from '../../../src/model/batch.ts';
import { freeLora } from '../../../src/model/lora.ts';
import { loss } from '../../../src/model/loss.ts';
import { recordWeight } from '../../../src/model/record-loss.ts';
import { initialLora } from '../../../src/model/train.ts';
import { SAMPLES } from '../../samples/recipes.ts';
import { readRecords } from '../../start/samples.ts';
import { publicFolder } from '../machine.ts';
import { type Report, NODE_CPU } from '../report.ts';
import { inTurns, median, medians, timed } from '../timing.ts';

/** Records of a pass. */
const BATCH = 24;

/** Gradients of every record against those of the whole batch: the same rows, with a segment for each record or one in all. */
export async function reportRecordGradients(report: Report, engine: Engine, rounds: number): Promise<void> {
  const { model } = engine;
  const { backend } = model;
  const lora = initialLora(backend, model.config, SAMPLES.legal.recipe, 1);
  const chosen = engine.sequences(readRecords(join(publicFolder, 'datanets/legal.jsonl')).slice(0, BATCH));
  const each = packBatch(chosen, (g, s) => recordWeight(chosen[g]!, s), model.config.window);
  const pass = async (batch: PackedBatch) => {
    const scope = new Scope(backend);
    try {
      await backend.read(loss(scope, model, lora, batch, 'adapter').total);
    } finally {
      scope.release();
    }
  };
  const whole: PackedBatch = { ...each, segments: Uint32Array.of(0, each.ids.length) };
  const times = medians(await inTurns({ each: () => pass(each), whole: () => pass(whole) }, { rounds }));
  freeLora(backend, lora);
  report.add(`gradients of ${BATCH} records, ${each.ids.length} tokens`, times.each, 'ms', NODE_CPU);
  report.add('gradients by record against one backward pass', times.each / times.whole, '×', NODE_CPU, { atMost: 1.4 }, `one pass ${times.whole.toFixed(1)} ms`);
}

const ANSWERS = 100;
const RECORDS = 900;

/** Dot products of 100 answers' gradients with 900 records', against this backend's matrix product where it is fastest. */
export async function reportInfluence(report: Report, backend: Backend, rounds: number): Promise<void> {
  const rate = async (n: number, m: number, k: number) => {
    const [a, b] = [matrix(backend, n, k, 1), matrix(backend, m, k, 2)];
    const ms: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const took = await timed(async () => {
        const y = backend.run(matmulNT, 'y', [a, b])[0]!;
        await backend.read(y);
        backend.free(y);
      });
      if (round > 0) ms.push(took);
    }
    backend.free(a);
    backend.free(b);
    return (2 * n * m * k) / median(ms) / 1e6;
  };
  let [best, side] = [0, 0];
  for (const size of [256, 512, 1024]) {
    const reached = await rate(size, size, size);
    if (reached > best) [best, side] = [reached, size];
  }
  report.add(`matrix product ${side}³, the fastest of three sizes`, best, 'GFLOP/s', NODE_CPU);
  for (const values of [4096, 100_000]) {
    const reached = await rate(ANSWERS, RECORDS, values);
    report.add(`influence of ${ANSWERS} answers × ${RECORDS} records, ${values} numbers each`, reached, 'GFLOP/s', NODE_CPU);
    report.add(`the same against the matrix product (${values})`, reached / best, '×', NODE_CPU, { atLeast: 0.5 });
  }
}

/** The solve of the curvature method: factor once per run, solve per batch of answers. */
export async function reportSolve(report: Report, backend: Backend, sizes: readonly number[]): Promise<void> {
  for (const m of sizes) {
    const scope = new Scope(backend);
    const rows = scope.adopt(matrix(backend, m, 256, 3));
    const K = scope.one(matmulNT, 'K', [rows, rows]);
    // A tenth of the mean eigenvalue, which is that of 256 squares of normal numbers.
    scope.run(addDiagonal, 'damped', [K], { shift: 25.6 });
    const C = scope.adopt(matrix(backend, ANSWERS, m, 4));
    let L: Tensor | undefined;
    const factor = await timed(async () => {
      L = choleskyFactor(scope, 'L', K);
      await backend.read(C);
    });
    const solve = await timed(async () => backend.read(choleskySolve(scope, 'W', L!, C)));
    scope.release();
    report.add(`Cholesky factor of order ${m}, once per run`, factor / 1000, 's', NODE_CPU);
    report.add(`solves of ${ANSWERS} answers by it`, solve / 1000, 's', NODE_CPU);
  }
}

function matrix(backend: Backend, rows: number, columns: number, seed: number): Tensor {
  // One row's values serve all rows, shifted: random numbers would take longer than what is measured.
  const values = Float32Array.from({ length: columns + rows }, (_, i) => randomNormal(seed, 0, i));
  const all = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) all.set(values.subarray(i, i + columns), i * columns);
  return backend.upload('bench', [rows, columns], all);
}
