/** `npm run samples`: writes the sample Datanets and trains their adapters into public/, the same bytes each time. */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Engine } from '../../src/attribution/engine.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { MemoryBlocks } from '../../src/storage/block-store.ts';
import { ContentStore } from '../../src/storage/content-store.ts';
import { readFolder } from '../start/samples.ts';
import { SAMPLES } from './recipes.ts';
import { SAMPLE_NAMES, type SampleName, buildRecords, toJsonLines } from './records.ts';
import { memoryFolder } from '../../src/protocol/model-folder.ts';
import { writeStatement } from './statements.ts';

const { values: flags } = parseArgs({
  options: { help: { type: 'boolean' }, json: { type: 'boolean' }, only: { type: 'string' }, out: { type: 'string' }, epochs: { type: 'string' }, rate: { type: 'string' }, batch: { type: 'string' }, rank: { type: 'string' } },
});
if (flags.help) {
  console.log(`npm run samples -- [--only exploits|legal|health] [--out DIR] [--json]
Writes the sample Datanets (public/datanets), trains one adapter for each (public/adapters) on the CPU backend, and makes each run
once more for what its owner vouches for (public/runs).
  --epochs N --rate X --batch N --rank N   other recipes, for trials (with --out)`);
  process.exit(0);
}
const root = fileURLToPath(new URL('../..', import.meta.url));
const out = flags.out ?? join(root, 'public');
const say = (line: string) => (flags.json ? console.error(line) : console.log(line));

const base = readFolder(join(root, 'public/base'));
const cid = await new ContentStore({ gateways: [], cache: new MemoryBlocks() }).addDirectory(base);
const engine = await Engine.open(await createCpuBackend(), { name: 'OpenLedger tiny base', cid }, memoryFolder('base', base));
const figures: Record<string, unknown>[] = [];
mkdirSync(join(out, 'datanets'), { recursive: true });
for (const name of SAMPLE_NAMES as readonly SampleName[]) {
  if (flags.only && flags.only !== name) continue;
  const records = buildRecords(name);
  writeFileSync(join(out, 'datanets', `${name}.jsonl`), toJsonLines(records));
  const { title, recipe: shipped } = SAMPLES[name];
  const recipe = { ...shipped };
  for (const key of ['epochs', 'rate', 'batch', 'rank'] as const) if (flags[key]) recipe[key] = Number(flags[key]);
  if (flags.rank) recipe.alpha = 2 * recipe.rank;
  const began = performance.now();
  let finalLoss = 0;
  const { files, run, adapter, ledger } = await engine.train(title, records, recipe, {
    onStep: ({ step, steps, loss }) => {
      finalLoss = loss;
      if (step % 50 === 0 || step === steps) say(`${name}: step ${step}/${steps}  loss ${loss.toFixed(4)}  ${((performance.now() - began) / 1000).toFixed(1)} s`);
    },
  });
  const seconds = (performance.now() - began) / 1000;
  const folder = join(out, 'adapters', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, file), bytes);
  engine.freeLedger(ledger);
  engine.unloadAdapter(adapter);
  let told = 0;
  const statement = await writeStatement(out, name, engine, run, records, {
    onProgress: (done, total) => {
      if (performance.now() - told < 5000) return;
      told = performance.now();
      say(`${name}: unit ${done}/${total} of its run`);
    },
  });
  const sha256 = createHash('sha256').update(files['adapter_model.safetensors']!).digest('hex');
  figures.push({ name, records: records.length, seconds: Math.round(seconds * 10) / 10, finalLoss, sha256, adapterRoot: run.adapter.root, ledgerRoot: run.ledger.root, ...statement });
  say(`${name}: ${records.length} records, ${seconds.toFixed(1)} s, adapter ${sha256.slice(0, 16)}…`);
}
const index = SAMPLE_NAMES.map((name) => {
  const { recipe: _recipe, ...sample } = SAMPLES[name];
  return { name, ...sample };
});
writeFileSync(join(out, 'datanets/index.json'), `${JSON.stringify(index, null, 2)}\n`);
if (flags.json) console.log(JSON.stringify({ command: 'samples', figures }));
process.exit(0);
