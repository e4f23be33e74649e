/**
 * `npm run pretrain`: makes the shipped base from nothing, on the CPU backend, in two threads. The same recipe gives
 * the same bytes. A run that was interrupted goes on from its last checkpoint.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { parseConfig } from '../../src/model/config.ts';
import { weightShapes } from '../../src/model/model.ts';
import { type Tensors, writeSafetensors } from '../../src/model/safetensors.ts';
import { canonicalJson } from '../../src/protocol/canonical.ts';
import { RECIPE, SHARDS, SMALL } from './recipe.ts';
import type { ShardStart } from './shard.worker.ts';
import { buildTokenizer } from './tokenizer/build.ts';

const { values: flags } = parseArgs({
  options: { help: { type: 'boolean' }, json: { type: 'boolean' }, small: { type: 'boolean' }, fresh: { type: 'boolean' }, out: { type: 'string' } },
});
if (flags.help) {
  console.log(`npm run pretrain -- [--small] [--fresh] [--out DIR] [--json]
Trains the base model from nothing and writes it as a Hugging Face folder.
  --small   a few steps of a smaller model, within a minute; written to .cache/pretrain/small
  --fresh   ignore the checkpoint of an interrupted run
  --out     folder to write (default public/base)
  --json    print the figures as one JSON object`);
  process.exit(0);
}

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const recipe = flags.small ? SMALL : RECIPE;
const out = flags.out ?? join(root, flags.small ? '.cache/pretrain/small' : 'public/base');
const say = (line: string) => (flags.json ? console.error(line) : console.log(line));
const began = Date.now();

say('Building the tokenizer from generated text …');
const { tokenizer, config: tokenizerConfig } = buildTokenizer();
const config = parseConfig(recipe.config);
const shapes = weightShapes(config);
const parameters = [...shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);

const cache = join(root, '.cache/pretrain');
mkdirSync(cache, { recursive: true });
const key = createHash('sha256').update(JSON.stringify([recipe, tokenizer])).digest('hex').slice(0, 16);
const checkpoint = join(cache, `${key}.state`);
if (flags.fresh) rmSync(checkpoint, { force: true });
let resume: ShardStart['resume'];
if (existsSync(checkpoint)) {
  const bytes = readFileSync(checkpoint);
  const step = bytes.readUInt32LE(0);
  resume = { step, state: new Float32Array(bytes.buffer.slice(bytes.byteOffset + 4, bytes.byteOffset + bytes.length)) };
  say(`Continuing from step ${step}.`);
}

say(`${parameters} parameters, ${recipe.steps} steps of ${recipe.examples} examples, ${SHARDS} threads.`);
const shared = { gradients: new SharedArrayBuffer(4 * SHARDS * (parameters + 1)), barrier: new SharedArrayBuffer(4) };
let tokens = 0;
let recent: number[] = [];
const state = await new Promise<Float32Array>((resolve, reject) => {
  const workers = Array.from({ length: SHARDS }, (_, shard) => {
    const data: ShardStart = { module: new URL('./shard.worker.ts', import.meta.url).href, shard, recipe, tokenizer, tokenizerConfig, ...shared, checkpointEvery: 100, ...(resume ? { resume } : {}) };
    return new Worker(new URL('../build/ts-worker.mjs', import.meta.url), { workerData: data });
  });
  const stop = (error: unknown) => {
    for (const worker of workers) void worker.terminate();
    reject(error instanceof Error ? error : new Error(String(error)));
  };
  for (const worker of workers) worker.on('error', stop);
  workers[0]!.on('message', (message: { step: number; loss: number; tokens: number; state?: Float32Array }) => {
    tokens += message.tokens;
    recent.push(message.loss);
    if (message.step % 50 === 0 || message.step === recipe.steps) {
      const seconds = (Date.now() - began) / 1000;
      say(`step ${message.step}/${recipe.steps}  loss ${(recent.reduce((a, b) => a + b, 0) / recent.length).toFixed(4)}  ${Math.round(seconds)} s`);
      recent = [];
    }
    if (!message.state) return;
    const header = Buffer.alloc(4);
    header.writeUInt32LE(message.step);
    writeFileSync(`${checkpoint}.new`, Buffer.concat([header, Buffer.from(message.state.buffer)]));
    renameSync(`${checkpoint}.new`, checkpoint);
    if (message.step === recipe.steps) resolve(message.state);
  });
});

const tensors: Tensors = new Map();
let at = 0;
for (const [name, shape] of shapes) {
  const count = shape.reduce((a, b) => a * b, 1);
  tensors.set(`model.${name}`, { shape, values: state.subarray(at, at + count) });
  at += 3 * count;
}
mkdirSync(out, { recursive: true });
const weights = writeSafetensors(tensors, 'F16', { format: 'pt' });
writeFileSync(join(out, 'model.safetensors'), weights);
writeFileSync(join(out, 'config.json'), `${JSON.stringify(recipe.config, null, 2)}\n`);
writeFileSync(join(out, 'tokenizer.json'), JSON.stringify(tokenizer));
writeFileSync(join(out, 'tokenizer_config.json'), `${JSON.stringify(tokenizerConfig, null, 2)}\n`);
const figures = {
  command: 'pretrain', parameters, steps: recipe.steps, predictedTokens: tokens, seconds: Math.round((Date.now() - began) / 1000),
  bytes: weights.length, sha256: createHash('sha256').update(weights).digest('hex'), out,
};
if (flags.json) console.log(canonicalJson(figures));
else say(JSON.stringify(figures, null, 2));
process.exit(0);
