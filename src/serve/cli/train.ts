import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OpenLedgerError } from '../../errors.ts';
import { type Tensors, writeSafetensors } from '../../model/safetensors.ts';
import { DEFAULT_RECIPE, type TrainRecipe } from '../../model/recipe.ts';
import { readRecordFile } from './content.ts';
import { SHARED_HELP, parseCommand, required, withSession } from './session.ts';

export const HELP = `npm run serve -- train --records FILE --out DIR
Fine-tunes a LoRA adapter on a JSONL or CSV file of records; writes a PEFT folder with run.json, and the ledger.
  --records FILE      one record a line: {"text": …, "questions": [{"question": …, "answer": …}]}
  --out DIR           folder to write; the ledger goes into DIR/ledger
  --name NAME         name of the Datanet in run.json
  --rank N --alpha N --epochs N --batch N --seed N --rate X    (defaults ${DEFAULT_RECIPE.rank}, ${DEFAULT_RECIPE.alpha}, ${DEFAULT_RECIPE.epochs}, ${DEFAULT_RECIPE.batch}, ${DEFAULT_RECIPE.seed}, ${DEFAULT_RECIPE.rate})
  --no-ledger         do not write the gradients and Gram matrices (their roots stand in run.json all the same)
${SHARED_HELP}`;

const NUMBERS = ['rank', 'alpha', 'epochs', 'batch', 'seed', 'rate'] as const;

/** A recipe from text, bounded; throws `train/bad-recipe` naming the field. */
export function recipeFrom(values: Partial<Record<(typeof NUMBERS)[number], string | undefined>>): TrainRecipe {
  const recipe: TrainRecipe = { ...DEFAULT_RECIPE };
  for (const name of NUMBERS) {
    const given = values[name];
    if (given === undefined) continue;
    const number = Number(given);
    const whole = name !== 'rate' && name !== 'alpha';
    const least = name === 'seed' ? 0 : Number.MIN_VALUE;
    if (!Number.isFinite(number) || number < least || number > 1e9 || (whole && !Number.isInteger(number))) {
      throw new OpenLedgerError({ code: 'train/bad-recipe', what: `${name} cannot be ${given}.`, next: 'Give a positive number.' });
    }
    recipe[name] = number;
  }
  return recipe;
}

export async function trainCommand(args: string[]): Promise<unknown> {
  const { values } = parseCommand(args, {
    records: { type: 'string' }, out: { type: 'string' }, name: { type: 'string' }, 'no-ledger': { type: 'boolean' },
    rank: { type: 'string' }, alpha: { type: 'string' }, epochs: { type: 'string' }, batch: { type: 'string' }, seed: { type: 'string' }, rate: { type: 'string' },
  });
  if (values.help) return HELP;
  const out = required(values.out, '--out');
  const records = await readRecordFile(required(values.records, '--records'));
  const recipe = recipeFrom(values);
  return withSession(values, async ({ engine, say }) => {
    const began = performance.now();
    let last = 0;
    const { files, run, ledger } = await engine.train(values.name ?? '', records, recipe, {
      onStep: ({ step, steps, loss }) => {
        if (step !== steps && performance.now() - last < 2000) return;
        last = performance.now();
        say(`step ${step}/${steps}  loss ${loss.toFixed(4)}`);
      },
    });
    mkdirSync(out, { recursive: true });
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(out, name), bytes);
    if (!values['no-ledger']) {
      const tensors: Tensors = new Map();
      for (const tensor of ledger.tensors) {
        tensors.set(`${tensor.name}.gradients`, { shape: [ledger.records, tensor.values], values: (await engine.backend.read(tensor.gradients)) as Float32Array });
        tensors.set(`${tensor.name}.gram`, { shape: [ledger.records, ledger.records], values: (await engine.backend.read(tensor.gram)) as Float32Array });
      }
      mkdirSync(join(out, 'ledger'), { recursive: true });
      writeFileSync(join(out, 'ledger/ledger.safetensors'), writeSafetensors(tensors, 'F32'));
    }
    const seconds = (performance.now() - began) / 1000;
    say(`${records.length} records, ${seconds.toFixed(1)} s, written to ${out}`);
    return { out, records: records.length, seconds, run };
  });
}
