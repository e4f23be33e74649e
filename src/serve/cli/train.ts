import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { planTrainingRun } from '../../attribution/plan-training.ts';
import { OpenLedgerError } from '../../errors.ts';
import { splitHeldOut } from '../../model/held-out.ts';
import { TARGETS, type Target } from '../../model/lora.ts';
import { DEFAULT_ACCUMULATE, DEFAULT_RECIPE, type TrainRecipe, checkRecipe } from '../../model/recipe.ts';
import { type KeptTraining, readCheckpoint, writeCheckpoint } from './checkpoint-file.ts';
import { readRecordFile } from './content.ts';
import { SHARED_HELP, parseCommand, required, withSession } from './session.ts';

const CHECKPOINT_SECONDS = 10;

export const HELP = `npm run serve -- train --records FILE --out DIR
Fine-tunes a LoRA adapter on a JSONL or CSV file of records; writes a PEFT folder with run.json, checkpoints and ledger.
  --records FILE      one record a line: {"text": …, "questions": [{"question": …, "answer": …}]}
  --out DIR           folder to write
  --name NAME         name of the Datanet in run.json
  --rank N --alpha N --epochs N --batch N --seed N --rate X    (defaults ${DEFAULT_RECIPE.rank}, ${DEFAULT_RECIPE.alpha}, ${DEFAULT_RECIPE.epochs}, ${DEFAULT_RECIPE.batch}, ${DEFAULT_RECIPE.seed}, ${DEFAULT_RECIPE.rate})
  --targets LIST      layers to adapt, such as q_proj,v_proj; all-linear (default) for all seven kinds
  --rslora            scale by alpha / √rank instead of alpha / rank
  --schedule NAME     cosine (default): down to a tenth of the rate; constant: as it is after the warm-up
  --accumulate N      parts in which a step is computed, whose gradients are added (default ${DEFAULT_ACCUMULATE}; more where the
                      memory asks for it): more take less memory
  --held-out X        share of the records, up to 0.5, that is not trained on: its loss is told after every round
  --resume auto|FILE  go on with the checkpoint DIR.checkpoint if it is there, or with FILE: the adapter is the
                      same, byte for byte. Checkpoints are written every ${CHECKPOINT_SECONDS} seconds and on Ctrl-C
${SHARED_HELP}`;

const NUMBERS = ['rank', 'alpha', 'epochs', 'batch', 'seed', 'rate', 'accumulate'] as const;
type Flags = Partial<Record<(typeof NUMBERS)[number] | 'targets' | 'schedule', string | undefined>> & { rslora?: boolean | undefined };

const badRecipe = (name: string, given: string, next: string) => new OpenLedgerError({ code: 'train/bad-recipe', what: `${name} cannot be ${given.slice(0, 80)}.`, next });

/** A recipe from text, bounded; throws `train/bad-recipe` naming the field. */
export function recipeFrom(values: Flags): TrainRecipe {
  const recipe: TrainRecipe = { ...DEFAULT_RECIPE };
  for (const name of NUMBERS) {
    const given = values[name];
    if (given === undefined) continue;
    const number = Number(given);
    const whole = name !== 'rate' && name !== 'alpha';
    const least = name === 'seed' ? 0 : Number.MIN_VALUE;
    if (given.trim() === '' || !Number.isFinite(number) || number < least || number > 2 ** 32 - 1 || (whole && !Number.isInteger(number))) throw badRecipe(name, given, 'Give a positive number.');
    recipe[name] = number;
  }
  if (values.rslora) recipe.rslora = true;
  if (values.targets !== undefined && values.targets !== 'all-linear') {
    const named = values.targets.split(',').map((name) => name.trim());
    const unknown = named.find((name) => !TARGETS.includes(name as Target));
    if (unknown !== undefined) throw badRecipe('targets', values.targets, `Give some of ${TARGETS.join(', ')}, or all-linear.`);
    // In one order, whatever was typed: the recipe's text belongs to the run.
    recipe.targets = TARGETS.filter((target) => named.includes(target));
  }
  if (values.schedule !== undefined) {
    if (values.schedule !== 'cosine' && values.schedule !== 'constant') throw badRecipe('schedule', values.schedule, 'Give cosine or constant.');
    if (values.schedule === 'constant') recipe.schedule = 'constant';
  }
  checkRecipe(recipe);
  return recipe;
}

/** Aborts at the first Ctrl-C, so that a checkpoint can be written; a later one ends the program. */
function onInterrupt(stop: () => void): () => void {
  let first: number | undefined;
  const listen = () => {
    // A terminal and npm may both pass on the same key press.
    if (first !== undefined && performance.now() - first > 500) process.exit(130);
    first ??= performance.now();
    stop();
  };
  process.on('SIGINT', listen);
  return () => process.off('SIGINT', listen);
}

const mebibytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;

export async function trainCommand(args: string[]): Promise<unknown> {
  const { values } = parseCommand(args, {
    records: { type: 'string' }, out: { type: 'string' }, name: { type: 'string' }, 
    rank: { type: 'string' }, alpha: { type: 'string' }, epochs: { type: 'string' }, batch: { type: 'string' }, seed: { type: 'string' }, rate: { type: 'string' },
    targets: { type: 'string' }, rslora: { type: 'boolean' }, schedule: { type: 'string' }, accumulate: { type: 'string' },
    'held-out': { type: 'string' }, resume: { type: 'string' },
  });
  if (values.help) return HELP;
  const out = required(values.out, '--out');
  const all = await readRecordFile(required(values.records, '--records'));
  const asked = recipeFrom(values);
  const { trained: records, heldOut } = splitHeldOut(all, values['held-out'] === undefined ? 0 : Number(values['held-out'].trim() || NaN), asked.seed);
  const checkpointFile = `${resolve(out)}.checkpoint`;
  const resumeFile = values.resume === 'auto' ? (existsSync(checkpointFile) ? checkpointFile : undefined) : values.resume;
  const kept = resumeFile === undefined ? undefined : readCheckpoint(resumeFile);
  return withSession(values, async ({ engine, say }) => {
    const began = performance.now();
    const { recipe, training, ledger: ledgerPeak, allowed } = await planTrainingRun(engine, records, kept && values.accumulate === undefined ? withAccumulate(asked, kept.accumulate) : asked);
    const identity = engine.runIdentity(records, recipe);
    if (kept && kept.run !== identity) {
      throw new OpenLedgerError({
        code: 'train/bad-checkpoint', what: `${resumeFile} is of another run.`, why: 'Its base, records or recipe are others.', next: 'Give the same as then, or begin again without --resume.',
      });
    }
    say(`memory: ${mebibytes(training)} to learn, ${mebibytes(ledgerPeak)} for the gradients of the records${allowed === undefined ? '' : `, of ${mebibytes(allowed)}`}`);
    if (recipe.accumulate !== asked.accumulate && !kept) say(`each step is computed in ${recipe.accumulate} parts, so that it fits`);
    if (kept) say(`going on after step ${kept.checkpoint.step}`);
    else if (existsSync(checkpointFile)) say(`${checkpointFile} of an earlier run will be overwritten; --resume auto goes on with it`);

    const controller = new AbortController();
    const release = onInterrupt(() => controller.abort());
    let shown = 0;
    let written = performance.now();
    let step = 0;
    try {
      const { files, run } = await engine.train(values.name ?? '', records, recipe, {
        signal: controller.signal, checkpoint: kept?.checkpoint, heldOut,
        checkpointEvery: () => performance.now() - written >= CHECKPOINT_SECONDS * 1000,
        onCheckpoint: (checkpoint) => {
          const keep: KeptTraining = { run: identity, accumulate: recipe.accumulate, checkpoint };
          writeCheckpoint(checkpointFile, keep);
          written = performance.now();
          step = checkpoint.step;
        },
        onStep: (report) => {
          if (report.step !== report.steps && report.heldOut === undefined && performance.now() - shown < 2000) return;
          shown = performance.now();
          say(`step ${report.step}/${report.steps}  loss ${report.loss.toFixed(4)}${report.heldOut === undefined ? '' : `  held out ${report.heldOut.toFixed(4)}`}`);
        },
      });
      mkdirSync(out, { recursive: true });
      for (const [name, bytes] of Object.entries(files)) writeFileSync(join(out, name), bytes);
      rmSync(checkpointFile, { force: true });
      const seconds = (performance.now() - began) / 1000;
      say(`${records.length} records${heldOut.length ? ` (${heldOut.length} held out)` : ''}, ${seconds.toFixed(1)} s, written to ${out}`);
      return { out, records: records.length, heldOut: heldOut.length, seconds, run };
    } catch (error) {
      if (!controller.signal.aborted || !existsSync(checkpointFile)) throw error;
      throw new OpenLedgerError({ code: 'cancelled', what: 'Stopped.', why: step ? `Step ${step} is kept in ${checkpointFile}.` : undefined, next: 'The same command with --resume auto goes on.', cause: error });
    } finally {
      release();
    }
  });
}

function withAccumulate({ accumulate: _asked, ...recipe }: TrainRecipe, accumulate: number | undefined): TrainRecipe {
  return accumulate === undefined ? recipe : { ...recipe, accumulate };
}
