import { join } from 'node:path';
import { Engine } from '../../../src/attribution/engine.ts';
import type { Backend } from '../../../src/kernels/backend.ts';
import { measureTrainingStep } from '../../../src/model/measure-training.ts';
import { stepRecords } from '../../../src/model/train.ts';
import { memoryFolder } from '../../../src/protocol/model-folder.ts';
import { SAMPLES } from '../../samples/recipes.ts';
import { buildEvaluation } from '../../samples/records.ts';
import { readFolder, readRecords } from '../../start/samples.ts';
import { publicFolder } from '../machine.ts';
import { type Report, NODE_CPU } from '../report.ts';
import { median, timed } from '../timing.ts';

const TOKENS = 40;

export function openEngine(backend: Backend): Promise<Engine> {
  return Engine.open(backend, { name: 'OpenLedger tiny base', cid: 'bafylocalbase' }, memoryFolder('public/base', readFolder(join(publicFolder, 'base'))));
}

const exploits = (engine: Engine) => engine.loadAdapter(readFolder(join(publicFolder, 'adapters/exploits')));
const records = (name: string) => readRecords(join(publicFolder, 'datanets', `${name}.jsonl`));

/** What a person waits for: the first token, the answer. */
export async function reportAnswers(report: Report, engine: Engine): Promise<void> {
  const adapter = exploits(engine);
  const questions = buildEvaluation('exploits').filter(({ kind }) => kind === 'own');
  const firsts: number[] = [];
  const rates: number[] = [];
  for (let i = 0; i < 12; i++) {
    const prompt = engine.prompt(questions[i * 7]!.question);
    let first = 0;
    let count = 0;
    const began = performance.now();
    // Forty tokens whether or not the model would have ended: asked again where it ended sooner.
    while (count < TOKENS) count += (await engine.generate(adapter, prompt, { maxTokens: TOKENS - count, onToken: () => (first ||= performance.now() - began) })).length;
    if (i < 2) continue;
    firsts.push(first);
    rates.push(count / ((performance.now() - began) / 1000));
  }
  engine.unloadAdapter(adapter);
  report.add('first token of an answer', median(firsts) / 1000, 's', NODE_CPU, { atMost: 0.3 });
  report.add(`answer of ${TOKENS} tokens, prompts included`, median(rates), 'tokens/s', NODE_CPU, { atLeast: 100 });
}

/** What attribution costs: the ledger once per adapter, then each answer. */
export async function reportAttribution(report: Report, engine: Engine): Promise<void> {
  const adapter = exploits(engine);
  const all = records('exploits');
  await engine.loadCheckpoints(adapter, readFolder(join(publicFolder, 'adapters/exploits'))['checkpoints.safetensors']);
  const began = performance.now();
  const ledger = await engine.buildLedger(adapter, all);
  report.add(`ledger of ${all.length} records, once per adapter`, (performance.now() - began) / 1000, 's', NODE_CPU);
  const prompt = engine.prompt(all[0]!.questions[0]!.question);
  const answer = await engine.generate(adapter, prompt);
  const times: number[] = [];
  for (let i = 0; i < 9; i++) times.push(await timed(() => engine.influence(adapter, ledger, prompt, answer)));
  report.add(`attribution of one answer over ${all.length} records`, median(times) / 1000, 's', NODE_CPU, { atMost: 1 });
  engine.freeLedger(ledger);
  engine.unloadAdapter(adapter);
}

/** One step of fine-tuning against twice its forward pass plus the update. */
export async function reportTrainingStep(report: Report, engine: Engine, repeats: number): Promise<void> {
  const recipe = SAMPLES.exploits.recipe;
  const sequences = engine.sequences(records('exploits'));
  const step = stepRecords(recipe, sequences.length, 3).map((k) => sequences[k]!);
  const times = await measureTrainingStep(engine.model, step, recipe, repeats);
  report.add(`LoRA training step, ${step.length} records`, times.step, 'ms', NODE_CPU);
  report.add('LoRA training step against 2 × forward + update', times.ratio, '×', NODE_CPU, { atMost: 1.6 }, `forward ${times.forward.toFixed(1)} ms, update ${times.update.toFixed(1)} ms`);
}

/** The sample Datanets' fine-tunes, ledgers included. */
export async function reportFineTunes(report: Report, engine: Engine): Promise<void> {
  for (const name of ['exploits', 'legal', 'health'] as const) {
    const began = performance.now();
    const made = await engine.train(name, records(name), SAMPLES[name].recipe);
    report.add(`fine-tune of the sample Datanet ${name}, ledger included`, (performance.now() - began) / 1000, 's', NODE_CPU, { atMost: 60 });
    engine.freeLedger(made.ledger);
    engine.unloadAdapter(made.adapter);
  }
}
