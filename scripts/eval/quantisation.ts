/** `npx tsx scripts/eval/quantisation.ts`: what holding the shipped base's weights in fewer bits costs in quality. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { type Format, type Matrix, createMatrix, matrixBytes, writeRows } from '../../src/kernels/matrix/matrix.ts';
import { bfloat16Value } from '../../src/kernels/matrix/float16.ts';
import { quantiseGroup } from '../../src/kernels/matrix/quantise.ts';
import { Scope } from '../../src/kernels/scope.ts';
import type { Tensor } from '../../src/kernels/backend.ts';
import { type Sequence, packBatch } from '../../src/model/batch.ts';
import { parseConfig } from '../../src/model/config.ts';
import { type Lora, freeLora, parseLoraConfig, uploadLora } from '../../src/model/lora.ts';
import { loss } from '../../src/model/loss.ts';
import { type Model, assembleModel, fitWeights, freeModel } from '../../src/model/model.ts';
import { parseSafetensors } from '../../src/model/safetensors.ts';
import { questionAnswerFormat } from '../../src/model/prompt-format.ts';
import { recordSequences } from '../../src/model/record-sequences.ts';
import { train } from '../../src/model/train.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { SAMPLES } from '../samples/recipes.ts';
import { SAMPLE_NAMES, type SampleName, buildEvaluation } from '../samples/records.ts';
import { readFolder, readRecords } from '../start/samples.ts';
import { end } from '../../src/serve/cli/end.ts';

const { values: flags } = parseArgs({ options: { help: { type: 'boolean' }, json: { type: 'boolean' }, questions: { type: 'string', default: '200' }, train: { type: 'string' } } });
if (flags.help) {
  console.log(`npx tsx scripts/eval/quantisation.ts [--questions 200] [--train NAME] [--json]
Holds the shipped base in each weight format, with each sample adapter (trained on the unquantised base), and reads
held-out questions with their right answers: loss of the answers, logits against f32, tokens and answers that are right.
Before it, the error of the weights themselves for several sizes of a group.
  --questions N  of each Datanet, in phrasings the adapter was not trained on
  --train NAME   also trains that Datanet's adapter on the base in q8 and q4, by its recipe (minutes), and reads with it
  --json         one JSON object a line, without the table`);
  process.exit(0);
}
const most = Number(flags.questions);
if (!Number.isSafeInteger(most) || most < 1) throw new RangeError(`--questions is ${flags.questions}`);

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = readFolder(join(root, 'public/base'));
const json = (name: string): object => JSON.parse(new TextDecoder().decode(files[name])) as object;
const config = parseConfig(json('config.json'));
const format = questionAnswerFormat(Tokenizer.fromJson(json('tokenizer.json'), json('tokenizer_config.json')));
const tensors = parseSafetensors(files['model.safetensors']!);
const backend = await createCpuBackend();

/** Formats of the linear layers, and of the embedding, which is the head too. */
const HELD: readonly { name: string; linear: Format; embedding: Format }[] = [
  { name: 'f32', linear: 'f32', embedding: 'f32' },
  { name: 'f16', linear: 'f16', embedding: 'f16' },
  { name: 'bf16', linear: 'bf16', embedding: 'bf16' },
  { name: 'q8', linear: 'q8', embedding: 'q8' },
  { name: 'q4, embedding f16', linear: 'q4', embedding: 'f16' },
  { name: 'q4, embedding q8', linear: 'q4', embedding: 'q8' },
  { name: 'q4, embedding q4', linear: 'q4', embedding: 'q4' },
];

function hold({ linear, embedding }: (typeof HELD)[number]): { model: Model; bytes: number } {
  const matrices = new Map<string, Matrix>();
  const vectors = new Map<string, Tensor>();
  let bytes = 0;
  for (const { name, shape, tensor } of fitWeights(config, tensors)) {
    if (shape.length === 1) vectors.set(name, backend.upload(name, shape, tensor.values, true));
    else {
      const held = name.startsWith('layers.') ? linear : embedding;
      const matrix = createMatrix(backend, name, shape[0], shape[1], held);
      writeRows(backend, matrix, 0, tensor.values);
      matrices.set(name, matrix);
      bytes += matrixBytes(shape[0], shape[1], held);
    }
  }
  return { model: assembleModel(backend, config, matrices, vectors), bytes };
}

/** Held-out questions of a Datanet with the right answers, at most `most`, spread over all. */
function heldOut(name: SampleName): Sequence[] {
  const all = buildEvaluation(name).filter(({ kind }) => kind === 'unseen');
  const count = Math.min(most, all.length);
  return Array.from({ length: count }, (_, i) => {
    const { question, answer } = all[Math.floor((i * all.length) / count)]!;
    return format.answered(question, answer);
  });
}

interface Reading {
  losses: Float32Array;
  logits: Float32Array;
}

const loadAdapter = (adapter: Record<string, Uint8Array>): Lora =>
  uploadLora(backend, config, parseLoraConfig(JSON.parse(new TextDecoder().decode(adapter['adapter_config.json']))), parseSafetensors(adapter['adapter_model.safetensors']!));

/** Losses and logits of every answer token, the right tokens before it given. */
async function read(model: Model, lora: Lora | undefined, questions: readonly Sequence[]): Promise<Reading> {
  const parts: Reading[] = [];
  for (let from = 0; from < questions.length; from += 32) {
    const scope = new Scope(backend);
    const batch = packBatch([questions.slice(from, from + 32)], () => 1, config.window);
    const { losses, logits } = loss(scope, model, lora, batch, 'loss', { logitBytes: Infinity });
    parts.push({ losses: (await backend.read(losses)) as Float32Array, logits: (await backend.read(logits!)) as Float32Array });
    scope.release();
  }
  const joined = (pick: (part: Reading) => Float32Array) => Float32Array.from(parts.flatMap((part) => [...pick(part)]));
  return { losses: joined(({ losses }) => losses), logits: joined(({ logits }) => logits) };
}

function best(logits: Float32Array, row: number): number {
  const first = row * config.vocab;
  let at = 0;
  for (let v = 1; v < config.vocab; v++) if (logits[first + v]! > logits[first + at]!) at = v;
  return at;
}

const sets = SAMPLE_NAMES.map((name) => ({ name, adapter: readFolder(join(root, 'public/adapters', name)), questions: heldOut(name) }));
const exact = new Map<string, Reading>();
const rows: Record<string, string | number>[] = [];
const percent = (part: number, all: number) => Math.round((1000 * part) / all) / 10;

async function judge(held: string, bytes: number, model: Model, lora: Lora | undefined, name: string, adapterName: string, questions: readonly Sequence[]): Promise<void> {
  const reading = await read(model, lora, questions);
  if (held === 'f32') exact.set(name, reading);
  const reference = exact.get(name)!;
  const tokens = reading.losses.length;
  let [same, rightTokens, rightAnswers, row] = [0, 0, 0, 0];
  for (const { ids, start } of questions) {
    let right = true;
    for (let at = start; at < ids.length; at++, row++) {
      const chosen = best(reading.logits, row);
      if (chosen === best(reference.logits, row)) same++;
      if (chosen === ids[at]) rightTokens++;
      else right = false;
    }
    if (right) rightAnswers++;
  }
  let [error, squares] = [0, 0];
  reading.logits.forEach((x, i) => {
    error += (x - reference.logits[i]!) ** 2;
    squares += reference.logits[i]! ** 2;
  });
  const result = {
    format: held, adapter: adapterName, questions: questions.length, tokens,
    matricesKiB: Math.round(bytes / 1024),
    loss: Math.round((10000 * reading.losses.reduce((a, b) => a + b, 0)) / tokens) / 10000,
    sameTokenPercent: percent(same, tokens),
    rightTokenPercent: percent(rightTokens, tokens),
    rightAnswerPercent: percent(rightAnswers, questions.length),
    logitError: Number(Math.sqrt(error / squares).toExponential(2)),
  };
  rows.push(result);
  console.log(JSON.stringify(result));
}

/** Root mean square error of the quantised weights, relative to the weights. */
function weightError(held: 'q8' | 'q4', group: number): number {
  const codes = new Int8Array(group);
  let [error, squares] = [0, 0];
  for (const { shape, tensor: { values } } of fitWeights(config, tensors)) {
    if (shape.length === 1) continue;
    for (let row = 0; row < shape[0]; row++) {
      for (let from = 0; from < shape[1]; from += group) {
        const count = Math.min(group, shape[1] - from);
        const scale = bfloat16Value(quantiseGroup(held, values, row * shape[1] + from, count, codes));
        for (let i = 0; i < count; i++) {
          const x = values[row * shape[1] + from + i]!;
          error += (x - scale * codes[i]!) ** 2;
          squares += x * x;
        }
      }
    }
  }
  return Number(Math.sqrt(error / squares).toExponential(3));
}

const weights = [16, 32, 64].flatMap((group) =>
  (['q8', 'q4'] as const).map((held) => ({ format: held, group, bitsPerWeight: (held === 'q8' ? 8 : 4) + 16 / group, weightError: weightError(held, group) })),
);
for (const row of weights) console.log(JSON.stringify(row));

for (const held of HELD) {
  const { model, bytes } = hold(held);
  for (const { name, adapter, questions } of [...sets, { name: 'none', adapter: undefined, questions: sets[0]!.questions }]) {
    const lora = adapter && loadAdapter(adapter);
    await judge(held.name, bytes, model, lora, name, name, questions);
    if (lora) freeLora(backend, lora);
  }
  freeModel(model);
}
if (flags.train !== undefined) {
  const set = sets.find(({ name }) => name === flags.train);
  if (!set) throw new RangeError(`--train is ${flags.train}; there are ${SAMPLE_NAMES.join(', ')}`);
  const records = readRecords(join(root, `public/datanets/${set.name}.jsonl`)).map((record) => recordSequences(format, record, config.context));
  for (const held of HELD.filter(({ name }) => name === 'q8' || name === 'q4, embedding q8')) {
    const { model, bytes } = hold(held);
    const lora = await train(model, records, SAMPLES[set.name].recipe);
    await judge(held.name, bytes, model, lora, set.name, `${set.name}, trained in this format`, set.questions);
    freeLora(backend, lora);
    freeModel(model);
  }
}
if (!flags.json) {
  console.table(weights);
  console.table(rows);
}
await end(0);
