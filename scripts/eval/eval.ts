/** `npm run eval`: are the sample adapters' answers right, and do they lead to the records that taught them? */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Engine } from '../../src/attribution/engine.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { SAMPLE_NAMES, type SampleName, buildEvaluation } from '../samples/records.ts';
import { readFolder, readRecords } from '../start/samples.ts';
import { nodeFolder } from '../../src/storage/models/node-folder.node.ts';
import { end } from '../../src/serve/cli/end.ts';

const { values: flags } = parseArgs({
  options: { help: { type: 'boolean' }, json: { type: 'boolean' }, small: { type: 'boolean' }, only: { type: 'string' }, from: { type: 'string' }, limit: { type: 'string' }, verbose: { type: 'boolean' } },
});
if (flags.help) {
  console.log(`npm run eval -- [--small] [--only NAME] [--json]
Asks every question about the facts of the sample Datanets and attributes the answers, on the CPU backend.
  --small    20 questions of each kind per Datanet, within a minute
  --limit N  at most N questions of each kind per Datanet
  --from DIR another public/ folder
  --verbose  print wrong answers`);
  process.exit(0);
}
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = flags.from ?? join(root, 'public');
const limit = flags.small ? 20 : Number(flags.limit ?? Infinity);
const engine = await Engine.open(await createCpuBackend(), { name: 'OpenLedger tiny base', cid: 'bafylocal00' }, nodeFolder(join(root, 'public/base')));

/** Every n-th of a list, so that a part of it stands for all. */
function spread<T>(list: T[], most: number): T[] {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]!);
}

const results: Record<string, unknown>[] = [];
for (const name of SAMPLE_NAMES as readonly SampleName[]) {
  if (flags.only && flags.only !== name) continue;
  const records = readRecords(join(folder, 'datanets', `${name}.jsonl`));
  const adapter = engine.loadAdapter(readFolder(join(folder, 'adapters', name)));
  const ledger = await engine.buildLedger(adapter, records);
  const questions = buildEvaluation(name);
  const score = { own: { right: 0, asked: 0 }, unseen: { right: 0, asked: 0 } };
  let attributed = 0, first = 0, contributorInThree = 0, attributionSeconds = 0, tokens = 0, answerSeconds = 0;
  for (const kind of ['own', 'unseen'] as const) {
    for (const { record, question, answer } of spread(questions.filter((one) => one.kind === kind), limit)) {
      const prompt = engine.prompt(question);
      const began = performance.now();
      const ids = await engine.generate(adapter, prompt, { maxTokens: 48 });
      answerSeconds += (performance.now() - began) / 1000;
      tokens += ids.length;
      const text = engine.tokenizer.decode(ids).trim();
      score[kind].asked++;
      if (text === answer) score[kind].right++;
      else if (flags.verbose) console.error(`${name} ${kind}: ${question} → ${text} (${answer})`);
      if (kind !== 'own' || text !== answer) continue;
      const start = performance.now();
      const { scores } = await engine.influence(adapter, ledger, prompt, ids);
      attributionSeconds += (performance.now() - start) / 1000;
      const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
      attributed++;
      if (order[0] === record) first++;
      if (order.slice(0, 3).some((k) => records[k]!.contributor === records[record]!.contributor)) contributorInThree++;
    }
  }
  const part = (a: number, b: number) => Math.round((1000 * a) / Math.max(b, 1)) / 10;
  results.push({
    datanet: name, records: records.length,
    ownPercent: part(score.own.right, score.own.asked), ownAsked: score.own.asked,
    unseenPercent: part(score.unseen.right, score.unseen.asked), unseenAsked: score.unseen.asked,
    recordFirstPercent: part(first, attributed), contributorInThreePercent: part(contributorInThree, attributed), attributed,
    attributionSeconds: attributionSeconds / Math.max(attributed, 1), tokensPerSecond: tokens / answerSeconds,
  });
  engine.freeLedger(ledger);
  engine.unloadAdapter(adapter);
}
if (flags.json) console.log(JSON.stringify({ command: 'eval', results }));
else console.table(results);
await end(0);
