/** `npm run bench`: the speeds that the README states, each a ratio or a time taken in this one run. */
import { readdirSync, readFileSync, existsSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { randomUnit } from '../../src/arithmetic/random.ts';
import { Engine } from '../../src/attribution/engine.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { matmulNT } from '../../src/kernels/matmul/operation.ts';
import { SAMPLES } from '../samples/recipes.ts';
import { buildEvaluation } from '../samples/records.ts';
import { nodeFolder } from '../../src/storage/models/node-folder.node.ts';
import { readFolder, readRecords } from '../start/samples.ts';
import { plainMatmulNT } from './plain-matmul.ts';

const { values: flags } = parseArgs({ options: { help: { type: 'boolean' }, json: { type: 'boolean' }, small: { type: 'boolean' } } });
if (flags.help) {
  console.log(`npm run bench -- [--small] [--json]
Times the engine on the CPU backend: matrix products against plain TypeScript, answers, attribution, fine-tuning,
and the size of the app's first load (where dist/ is built).
  --small  within a minute: no fine-tune
  --json   one JSON object a line, without the table`);
  process.exit(0);
}
const root = fileURLToPath(new URL('../..', import.meta.url));
const rows: { what: string; value: number; unit: string; reach: string }[] = [];
function report(what: string, value: number, unit: string, reach: string): void {
  rows.push({ what, value: Math.round(value * 1000) / 1000, unit, reach });
  console.log(JSON.stringify(rows[rows.length - 1]));
}
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;

console.log(JSON.stringify({ machine: `${cpus().length} × ${cpus()[0]?.model}`, node: process.version }));
const backend = await createCpuBackend();

{
  const [n, k, m] = [256, 256, 256];
  const values = (seed: number, count: number) => Float32Array.from({ length: count }, (_, i) => randomUnit(seed, 1, i) - 0.5);
  const x = values(1, n * k);
  const w = values(2, m * k);
  const [a, b] = [backend.upload('x', [n, k], x), backend.upload('w', [m, k], w)];
  const plain: number[] = [];
  const fast: number[] = [];
  for (let round = 0; round < 9; round++) {
    let start = performance.now();
    plainMatmulNT(x, w, n, m, k);
    plain.push(performance.now() - start);
    start = performance.now();
    for (let i = 0; i < 8; i++) backend.free(backend.run(matmulNT, 'y', [a, b])[0]!);
    fast.push((performance.now() - start) / 8);
  }
  const flops = 2 * n * k * m;
  report('matrix product 256³, WebAssembly, one thread', flops / median(fast) / 1e6, 'GFLOP/s', '');
  report('matrix product 256³, plain TypeScript', flops / median(plain) / 1e6, 'GFLOP/s', '');
  report('CPU matrix product against plain TypeScript', median(plain) / median(fast), '×', 'at least 10');
}

const engine = await Engine.open(backend, { name: 'OpenLedger tiny base', cid: 'bafylocalbase' }, nodeFolder(join(root, 'public/base')));
const records = readRecords(join(root, 'public/datanets/exploits.jsonl'));
const adapter = engine.loadAdapter(readFolder(join(root, 'public/adapters/exploits')));
{
  const firsts: number[] = [];
  const rates: number[] = [];
  const questions = buildEvaluation('exploits').filter(({ kind }) => kind === 'own');
  for (let i = 0; i < 12; i++) {
    const prompt = engine.prompt(questions[i * 7]!.question);
    // Forty tokens whether or not the model would have ended: the end token does not stop this run.
    const began = performance.now();
    let first = 0;
    let count = 0;
    let next: number[] = prompt;
    while (count < 40) {
      const part = await engine.generate(adapter, next, { maxTokens: 40 - count, onToken: () => (first ||= performance.now() - began) });
      count += part.length;
      next = prompt;
    }
    if (i > 1) {
      firsts.push(first);
      rates.push(count / ((performance.now() - began) / 1000));
    }
  }
  report('first token of an answer, CPU backend', median(firsts) / 1000, 's', 'at most 0.3');
  report('answer of 40 tokens, CPU backend', median(rates), 'tokens/s', 'at least 100');
}
{
  const began = performance.now();
  const ledger = await engine.buildLedger(adapter, records);
  report(`ledger of ${records.length} records built on this machine (once per adapter)`, (performance.now() - began) / 1000, 's', '');
  const prompt = engine.prompt(records[0]!.questions[0]!.question);
  const answer = await engine.generate(adapter, prompt);
  const times: number[] = [];
  for (let i = 0; i < 9; i++) {
    const start = performance.now();
    await engine.influence(adapter, ledger, prompt, answer);
    times.push(performance.now() - start);
  }
  report(`attribution of one answer over ${records.length} records`, median(times) / 1000, 's', 'at most 1');
  engine.freeLedger(ledger);
}
if (!flags.small) {
  for (const name of ['exploits', 'legal', 'health'] as const) {
    const began = performance.now();
    const made = await engine.train(name, readRecords(join(root, `public/datanets/${name}.jsonl`)), SAMPLES[name].recipe);
    report(`fine-tune of the sample Datanet ${name}, ledger included`, (performance.now() - began) / 1000, 's', 'at most 60');
    engine.freeLedger(made.ledger);
    engine.unloadAdapter(made.adapter);
  }
}
{
  const dist = join(root, 'dist');
  if (existsSync(join(dist, 'index.html'))) {
    // What a first visit fetches before anything is clicked: index.html, what it names and imports, the page Ask, the
    // model worker, the font.
    const html = readFileSync(join(dist, 'index.html'), 'utf8');
    const seen = new Set<string>();
    const visit = (path: string) => {
      if (seen.has(path) || !existsSync(join(dist, path)) || !statSync(join(dist, path)).isFile()) return;
      seen.add(path);
      if (!path.endsWith('.js')) return;
      // Static imports only: `import x from"./y.js"`, `import"./y.js"`, `export … from"./y.js"`.
      const text = readFileSync(join(dist, path), 'utf8');
      for (const [, name] of text.matchAll(/(?:from|import)\s*["']\.\/([^"']+)["']/g)) visit(join('assets', name!));
    };
    for (const [, path] of html.matchAll(/(?:src|href)="\.?\/?([^"]+)"/g)) visit(path!);
    for (const name of readdirSync(join(dist, 'assets'))) {
      if (/^(Ask|engine\.worker|engine\.client|inter-latin-wght-normal)-/.test(name)) visit(join('assets', name));
    }
    const size = (path: string) => (path.endsWith('.woff2') ? statSync(join(dist, path)).size : gzipSync(readFileSync(join(dist, path))).length);
    const bytes = [...seen].reduce((sum, path) => sum + size(path), gzipSync(html).length);
    report('app’s first load without models, gzipped (scripts, styles, worker, font)', bytes / 1024, 'KiB', 'at most 350');
    const all = readdirSync(join(dist, 'assets')).filter((name) => name.endsWith('.js')).reduce((sum, name) => sum + gzipSync(readFileSync(join(dist, 'assets', name))).length, 0);
    report('all scripts of the app, gzipped', all / 1024, 'KiB', '');
  }
}
if (!flags.json) console.table(rows);
process.exit(0);
