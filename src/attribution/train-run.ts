import { ARITHMETIC } from '../arithmetic/rf32.ts';
import { OpenLedgerError } from '../errors.ts';
import { downloadLora, freeLora, loraConfigJson, uploadLora } from '../model/lora.ts';
import { type TrainRecipe, checkRecipe, recipeJson } from '../model/recipe.ts';
import { writeSafetensors } from '../model/safetensors.ts';
import { type Snapshot, type TrainOptions, train } from '../model/train.ts';
import { COPY_RULE } from '../protocol/clusters/copy-rule.ts';
import { type DatanetRecord, normaliseRecord, recordsRoot } from '../protocol/record.ts';
import type { RunFile } from '../protocol/run.ts';
import { tensorsRoot } from '../protocol/tensors.ts';
import { type LoadedAdapter, representatives } from './adapters.ts';
import * as curvature from './curvature/curvature.ts';
import type { CurvatureLedger } from './curvature/curvature-ledger.ts';
import type { CurvatureSettings } from './curvature/settings.ts';
import type { Engine } from './engine.ts';
import type { Files } from './folder-files.ts';
import { ledgerShapes } from './ledger-shapes.ts';
import type { Progress } from './record-gradients.ts';
import { rowsOf } from './tensor-rows.ts';

export interface TrainRunOptions extends Omit<TrainOptions, 'heldOut' | 'snapshotSteps' | 'onSnapshot'> {
  heldOut?: readonly DatanetRecord[] | undefined;
  onLedger?: Progress | undefined;
  /** Of the ledger; CURVATURE where undefined. */
  settings?: CurvatureSettings | undefined;
}

export interface TrainedRun {
  files: Files;
  run: RunFile;
  adapter: LoadedAdapter;
  ledger: CurvatureLedger;
}

/**
 * Trains an adapter and builds its ledger. Copies among the records (protocol/clusters) are found first: one of each
 * cluster is trained. Returns the PEFT folder with run.json, checkpoints and ledger: the same base, records, recipe and
 * settings give the same bytes on every backend, interrupted or not. `heldOut` are further records, whose loss is
 * reported. Throws what training throws, `train/no-records`, and `ledger/too-large` before it begins.
 */
export async function trainRun(
  engine: Engine,
  datanet: string,
  all: readonly DatanetRecord[],
  recipe: TrainRecipe,
  { heldOut = [], onLedger, settings: given, ...options }: TrainRunOptions,
): Promise<TrainedRun> {
  const records = all.map(normaliseRecord);
  if (!records.length) throw new OpenLedgerError({ code: 'train/no-records', what: 'There is nothing to learn from.', why: 'This Datanet version has no records.', next: 'Choose a version with records.' });
  checkRecipe(recipe);
  const settings = given ?? curvature.CURVATURE;
  curvature.checkSettings(settings);
  const clusters = await engine.copies(records, COPY_RULE, { signal: options.signal });
  const trained = representatives(clusters).map((k) => records[k]!);
  curvature.requireCurvatureMemory(engine.backend, trained.length, ledgerShapes(engine.model.config, recipe).reduce((sum, { values }) => sum + values, 0), settings);
  const sequences = engine.sequences(trained);
  const snapshots: Snapshot[] = [];
  const made = await train(engine.model, sequences, recipe, {
    ...options, heldOut: engine.sequences(heldOut),
    snapshotSteps: curvature.keptSteps(recipe, trained.length, settings.checkpoints), onSnapshot: (snapshot) => void snapshots.push(snapshot),
  });
  const tensors = await downloadLora(engine.backend, made);
  freeLora(engine.backend, made);
  // From here on the factors are constants: what is published is what is attributed.
  const { config } = engine.model;
  const lora = uploadLora(engine.backend, config, recipe, tensors);
  const root = tensorsRoot(rowsOf(tensors));
  const kept = curvature.checkpointsFile(snapshots);
  const adapter: LoadedAdapter = { lora, root, run: undefined as unknown as RunFile, checkpoints: snapshots.map((one) => uploadLora(engine.backend, config, recipe, one.tensors)) };
  const ledger = await curvature.buildCurvatureLedger(engine.model, adapter.checkpoints!, sequences, settings, curvature.runPace(recipe, trained.length), { signal: options.signal, onProgress: onLedger }).catch((error: unknown) => {
    engine.unloadAdapter(adapter);
    throw error;
  });
  const { damping, ...rest } = settings;
  const run: RunFile = {
    openledger: 'run/1', arithmetic: ARITHMETIC, method: curvature.METHOD,
    base: { name: engine.identity.name, cid: engine.identity.cid, root: engine.root, ...(engine.format === undefined ? {} : { format: engine.format }) },
    datanet: { name: datanet, recordsRoot: recordsRoot(records), records: records.length, copies: COPY_RULE, ...(trained.length < records.length && { clusters }) },
    recipe: recipeJson(recipe),
    adapter: { root },
    ledger: { ...rest, damping: String(damping), checkpointsRoot: kept.root, root: await engine.ledgerRoot(ledger), program: (await engine.tracer(ledger, { signal: options.signal })).programHash },
  };
  adapter.run = run;
  const text = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
  const files: Files = {
    'adapter_config.json': text(loraConfigJson(recipe, engine.identity.name)),
    'adapter_model.safetensors': writeSafetensors(tensors, 'F32', { format: 'pt' }),
    'run.json': text(run),
    'checkpoints.safetensors': kept.bytes,
    'ledger.safetensors': await curvature.writeLedgerFile(engine.backend, ledger),
  };
  return { files, run, adapter, ledger };
}
