import { randomNormal, randomUnit } from '../../../arithmetic/random.ts';
import { store } from '../../../arithmetic/rf32.ts';
import type { Backend } from '../../../kernels/backend.ts';
import { type Format, createMatrix, writeRows } from '../../../kernels/matrix/matrix.ts';
import { type LoraConfig, uploadLora } from '../../../model/lora.ts';
import type { Model } from '../../../model/model.ts';
import { factorsOf } from '../../../model/testing/factors.ts';
import { randomModel, smallConfig } from '../../../model/testing/random-model.ts';
import { type CurvatureLedger, adapterValues, makeSketchers, rowWidth } from '../../curvature/curvature-ledger.ts';
import { CURVATURE, ROW_FORMAT } from '../../curvature/settings.ts';
import { LoadedConstants } from '../constants.ts';
import type { TraceInputs } from '../instruction.ts';
import { type TraceProgram, layersOf, traceProgram } from '../program.ts';
import { type Matrix, type RunOptions, runProgram } from '../run.ts';

export interface SmallTrace {
  model: Model;
  ledger: CurvatureLedger;
  program: TraceProgram;
  constants: Matrix[];
}

export interface SmallOptions {
  config?: Record<string, unknown>;
  lora?: Partial<LoraConfig>;
  format?: Format;
  checkpoints?: number;
  dimension?: number;
  records?: number;
}

/** A random model, adapter and ledger with every awkward size, their program and its constants; for tests. */
export async function smallTrace(backend: Backend, { config: change = {}, lora: given = {}, format = 'f32', checkpoints = 2, dimension = 2 * 640, records = 5 }: SmallOptions = {}): Promise<SmallTrace> {
  const config = smallConfig({ max_position_embeddings: 64, ...change });
  const model = randomModel(backend, config, 3, format);
  const lora: LoraConfig = { rank: 3, alpha: 6, targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'], ...given } as LoraConfig;
  const states = Array.from({ length: checkpoints }, (_, at) => uploadLora(backend, config, lora, factorsOf(config, lora, at + 1)));
  const settings = { ...CURVATURE, checkpoints, dimension };
  const all = adapterValues(states[0]!);
  const scale = Float32Array.from({ length: all }, (_, i) => Math.fround(0.1 + randomUnit(9, 1, i)));
  const width = rowWidth(all, settings);
  const rows = createMatrix(backend, 'ledger.rows', records, checkpoints * width, ROW_FORMAT);
  writeRows(backend, rows, 0, Float32Array.from({ length: records * checkpoints * width }, (_, i) => store(Math.fround(randomNormal(9, 2, i)))));
  const ledger: CurvatureLedger = {
    records, settings, checkpoints: states, rows,
    sketchers: makeSketchers(backend, states, settings, scale),
    noise: Float32Array.from({ length: records }, (_, k) => Math.fround(0.5 + randomUnit(9, 3, k))),
  };
  const program = traceProgram({ config, positions: model.positions, layers: layersOf(states[0]!), checkpoints, width: ledger.sketchers[0]!.dimension, records });
  const loaded = new LoadedConstants(program, model, ledger);
  return { model, ledger, program, constants: await Promise.all(program.constants.map((_, k) => loaded.matrix(k))) };
}

export function randomInputs(vocab: number, tokens: number, answer: number, seed = 1): TraceInputs {
  return { tokens: Array.from({ length: tokens }, (_, i) => Math.floor(randomUnit(seed, 4, i) * vocab)), answer };
}

/** Every matrix of a run. */
export async function runAll(backend: Backend, { program, constants }: Pick<SmallTrace, 'program' | 'constants'>, inputs: TraceInputs, options: RunOptions = {}): Promise<Matrix[]> {
  const source = { matrix: (k: number) => Promise.resolve(constants[k]!) };
  return (await runProgram(backend, program, source, inputs, { ...options, keep: () => true })) as Matrix[];
}
