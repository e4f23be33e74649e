import { planTrainingRun } from '../attribution/plan-training.ts';
import type { Engine } from '../attribution/engine.ts';
import { OpenLedgerError } from '../errors.ts';
import { splitHeldOut } from '../model/held-out.ts';
import { stepCount } from '../model/recipe.ts';
import { COPY_RULE } from '../protocol/clusters/copy-rule.ts';
import type { KeptRun, LoadProgress, LossPoint, TrainInput, TrainStep, TrainingPlan } from './engine.api.ts';
import { KeptRuns } from './kept-runs.ts';

/** Seconds between checkpoints: what a crash costs at most. The first is taken at once. */
const CHECKPOINT_SECONDS = 10;

const kept = new KeptRuns();

export interface TrainHooks {
  signal: AbortSignal;
  /** Asked after every step whether a checkpoint is wanted now. */
  wanted: () => boolean;
  onStep: (step: TrainStep) => void;
  onProgress: (progress: LoadProgress) => void;
}

const indices = (input: Pick<TrainInput, 'records' | 'heldOut' | 'recipe'>) => splitHeldOut(input.records.map((_, k) => k), input.heldOut ?? 0, input.recipe.seed);

export async function planRun(engine: Engine, input: TrainInput): Promise<TrainingPlan> {
  const { weights, training, ledger, allowed, recipe } = await planTrainingRun(engine, indices(input).trained.map((k) => input.records[k]!), input.recipe);
  return { weightBytes: weights, trainingBytes: training, ledgerBytes: ledger, allowedBytes: allowed, accumulate: recipe.accumulate };
}

/**
 * Trains, and keeps on this machine what is needed to go on after any interruption. A run that was kept goes on where it
 * stopped: by `resume`, or because it is the same run. Throws what `Engine.train` and `planTrainingRun` throw,
 * `train/bad-checkpoint` for a kept run of another base or of other records, `train/under-way`.
 */
export async function runTraining(engine: Engine, input: TrainInput, { signal, wanted, onStep, onProgress }: TrainHooks) {
  const before = input.resume === undefined ? undefined : await kept.read(input.resume);
  if (input.resume !== undefined && !before) throw badCheckpoint('Nothing of it is kept on this machine any more.');
  const asked = before ? { ...input, recipe: before.entry.recipe, heldOut: before.entry.heldOut } : input;
  const split = indices(asked);
  const [records, heldOut] = [split.trained, split.heldOut].map((list) => list.map((k) => input.records[k]!)) as [typeof input.records, typeof input.records];
  // A kept run has its number of parts already: it belongs to its bits.
  const recipe = before ? before.entry.recipe : (await planTrainingRun(engine, records, asked.recipe)).recipe;
  const id = engine.runIdentity(records, recipe);
  if (before && before.entry.id !== id) {
    throw badCheckpoint(before.entry.base.root === engine.root ? 'The records are not those of the run.' : `It was begun on the base ${before.entry.base.name}; loaded is ${engine.identity.name}.`);
  }
  const from = before ?? (input.keep && (await kept.read(id)));
  // Of copies one is trained.
  const steps = stepCount(recipe, new Set(await engine.copies(records, COPY_RULE, { signal })).size);
  const curve: LossPoint[] = from?.entry.curve.slice() ?? [];
  const began = performance.now() - 1000 * (from?.entry.seconds ?? 0);
  const seconds = () => (performance.now() - began) / 1000;
  let keptStep = from?.entry.step;
  let lasting: boolean | undefined;
  let last = -Infinity;
  if (from) {
    last = performance.now();
    onStep({ run: id, step: from.entry.step, steps, loss: curve.at(-1)?.loss ?? 0, tokens: from.checkpoint.tokens, seconds: seconds(), keptStep, lasting, earlier: curve.slice() });
  }
  const keeping = input.keep !== undefined || before !== undefined;
  const about = input.keep?.about ?? from?.entry.about;
  return alone(id, async () => {
    const result = await engine.train(input.name, records, recipe, {
      signal, heldOut, checkpoint: from?.checkpoint,
      checkpointEvery: ({ step }) => keeping && (wanted() || step === steps || performance.now() - last >= CHECKPOINT_SECONDS * 1000),
      onCheckpoint: !keeping ? undefined : async (checkpoint) => {
        // Stopped before the first step: there is nothing to keep.
        if (!checkpoint.step) return;
        const base = { name: engine.identity.name, root: engine.root };
        lasting = await kept.write({ id, about, base, recipe, heldOut: asked.heldOut ?? 0, step: checkpoint.step, steps, seconds: seconds(), curve: curve.slice(0, checkpoint.step), at: Date.now() }, checkpoint);
        keptStep = checkpoint.step;
        last = performance.now();
      },
      onStep: ({ step, loss, tokens, heldOut: heldOutLoss }) => {
        curve.push({ step, loss, ...(heldOutLoss === undefined ? {} : { heldOut: heldOutLoss }) });
        onStep({ run: id, step, steps, loss, tokens, seconds: seconds(), keptStep, lasting, ...(heldOutLoss === undefined ? {} : { heldOut: heldOutLoss }) });
      },
      onLedger: (done, total) => onProgress({ what: 'Gradients of the records', done, total, unit: 'records' }),
    });
    return { id, result, heldOut: split.heldOut, seconds: seconds(), finalLoss: curve.at(-1)?.loss ?? NaN };
  });
}

export async function listKeptRuns(): Promise<KeptRun[]> {
  const held = new Set((await locks()?.query())?.held?.map(({ name }) => name));
  return (await kept.list()).map((entry) => ({ ...entry, running: held.has(lockOf(entry.id)) }));
}

export function dropKeptRun(id: string): Promise<void> {
  return kept.drop(id);
}

const lockOf = (id: string) => `openledger-run:${id}`;
/** Not there on pages without a secure origin, nor in Node. */
const locks = () => (globalThis.navigator as Partial<Navigator> | undefined)?.locks;

/** One tab at a time computes a run, or two would write over each other. */
async function alone<T>(id: string, work: () => Promise<T>): Promise<T> {
  const manager = locks();
  if (!manager) return work();
  return manager.request(lockOf(id), { ifAvailable: true }, (lock) => {
    if (lock) return work();
    throw new OpenLedgerError({ code: 'train/under-way', what: 'This run is under way in another tab.', next: 'Look there, or close that tab and go on here.' });
  });
}

function badCheckpoint(why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'train/bad-checkpoint', what: 'Training cannot go on from what was kept.', why, next: 'Choose the base it was begun on, or discard it and begin again.' });
}
