/** `npx tsx scripts/eval/lanes.ts`: does the fast lane choose the exact lane's tokens, given the same tokens before? */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Engine } from '../../src/attribution/engine.ts';
import { agreement } from '../../src/fast/agreement.ts';
import { FastLane } from '../../src/fast/lane.ts';
import { modelTensors } from '../../src/fast/model-tensors.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { memoryFolder } from '../../src/protocol/model-folder.ts';
import { parseLoraConfig } from '../../src/model/lora.ts';
import { parseSafetensors } from '../../src/model/safetensors.ts';
import { SAMPLE_NAMES, buildEvaluation } from '../samples/records.ts';
import { readFolder } from '../start/samples.ts';

const { values: flags } = parseArgs({ options: { help: { type: 'boolean' }, json: { type: 'boolean' }, prompts: { type: 'string', default: '200' } } });
if (flags.help) {
  console.log(`npx tsx scripts/eval/lanes.ts [--prompts 200] [--json]
Asks the shipped base and the sample adapters on the exact lane (CPU backend), and lets the fast lane (ONNX Runtime on
WebAssembly) predict every token of those answers. Ends with 1 where fewer than 99.5 % are the same.`);
  process.exit(0);
}
const root = fileURLToPath(new URL('../..', import.meta.url));
const prompts = Number(flags.prompts);
if (!Number.isSafeInteger(prompts) || prompts < 1) throw new RangeError(`--prompts is ${flags.prompts}`);
const folder = readFolder(join(root, 'public/base'));
const engine = await Engine.open(await createCpuBackend(), { name: 'OpenLedger tiny base', cid: 'bafylocal00' }, memoryFolder('the shipped base', folder));

const fast = await FastLane.open({ config: engine.model.config, tensors: modelTensors(engine.model.config, memoryFolder('the shipped base', folder)), provider: 'wasm' });

const asked = [undefined, ...SAMPLE_NAMES];
const rows = [];
const total = { same: 0, tokens: 0, prompts: 0 };
for (const [slot, name] of asked.entries()) {
  const files = name === undefined ? undefined : readFolder(join(root, 'public/adapters', name));
  const adapter = files && engine.loadAdapter(files);
  if (files) {
    const config: unknown = JSON.parse(new TextDecoder().decode(files['adapter_config.json']));
    fast.loadAdapter(slot, parseLoraConfig(config), parseSafetensors(files['adapter_model.safetensors']!));
  }
  // The base alone is asked what the first sample is asked.
  const questions = buildEvaluation(name ?? SAMPLE_NAMES[0]!);
  const count = Math.floor(((slot + 1) * prompts) / asked.length) - Math.floor((slot * prompts) / asked.length);
  const row = { adapter: name ?? '(none)', prompts: 0, tokens: 0, same: 0, sameAnswers: 0 };
  for (let i = 0; i < count; i++) {
    const prompt = engine.prompt(questions[Math.floor((i * questions.length) / count)]!.question);
    const answer = await engine.generate(adapter, prompt, { maxTokens: 48 });
    const same = await agreement(fast, files && slot, prompt, answer);
    row.prompts++;
    row.tokens += answer.length;
    row.same += same;
    if (same === answer.length) row.sameAnswers++;
  }
  total.prompts += row.prompts;
  total.tokens += row.tokens;
  total.same += row.same;
  rows.push({ ...row, percent: percent(row.same, row.tokens) });
  if (adapter) engine.unloadAdapter(adapter);
}
const summary = { ...total, percent: percent(total.same, total.tokens), reach: 99.5 };
if (flags.json) console.log(JSON.stringify({ command: 'lanes', rows, summary }));
else {
  console.table(rows);
  console.log(`${summary.same} of ${summary.tokens} tokens the same (${summary.percent} %) over ${summary.prompts} prompts; at least ${summary.reach} % are wanted.`);
}
await fast.close();
process.exit(summary.percent >= summary.reach ? 0 : 1);

function percent(part: number, whole: number): number {
  return Math.round((1e5 * part) / Math.max(whole, 1)) / 1000;
}
