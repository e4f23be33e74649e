/**
 * What cheating on attribution gains, by the product's own steps: clusters of copies, training, curvature ledger, influence
 * on each answer, payout rule. Cheaters put copies, near-copies or strings made to attract influence beside one record of
 * theirs, under other names; a gain is what that record and all that was put beside it earn over the answers asked, against
 * what the record earns when nobody cheats. `npx tsx scripts/eval/gaming.ts --help`
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { randomWord } from '../../src/arithmetic/random.ts';
import { curvatureInfluence } from '../../src/attribution/curvature/curvature-influence.ts';
import { buildCurvatureLedger, freeCurvatureLedger } from '../../src/attribution/curvature/curvature-ledger.ts';
import { CURVATURE, runPace } from '../../src/attribution/curvature/settings.ts';
import { Engine } from '../../src/attribution/engine.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import type { Hex } from '../../src/protocol/bytes.ts';
import { representativesOf } from '../../src/protocol/clusters/cluster-records.ts';
import { COPY_RULE } from '../../src/protocol/clusters/copy-rule.ts';
import { DEFAULT_PAYOUT_RULE, dividePayout } from '../../src/protocol/payout-rule.ts';
import { type DatanetRecord, normaliseRecord } from '../../src/protocol/record.ts';
import { nodeFolder } from '../../src/storage/models/node-folder.node.ts';
import { SAMPLES } from '../samples/recipes.ts';
import { SAMPLE_NAMES, type SampleName, buildEvaluation } from '../samples/records.ts';
import { readRecords } from '../start/samples.ts';
import { type Question, Subject } from './controls/subject.ts';
import { KINDS, nearCopy, vocabularyOf } from './gaming-kinds.ts';
import { table } from './report/tables.ts';

const { values: flags } = parseArgs({
  options: { help: { type: 'boolean' }, json: { type: 'boolean' }, datanet: { type: 'string', default: 'health' }, answers: { type: 'string', default: '95' }, epochs: { type: 'string' }, unclustered: { type: 'boolean' }, wording: { type: 'boolean' }, near: { type: 'boolean' }, missed: { type: 'boolean' } },
});
const name = flags.datanet as SampleName;
if (flags.help || !(SAMPLE_NAMES as readonly string[]).includes(name)) {
  console.log(`npx tsx scripts/eval/gaming.ts [--datanet ${SAMPLE_NAMES.join('|')}] [--answers 95] [--epochs N] [--unclustered | --wording] [--near | --missed] [--json]
Trains a sample Datanet's adapter with and without cheats and pays the same answers each time. --unclustered leaves copies
in, to show what the clusters are for; --wording finds them by their wording alone; --near tries near-copies only;
--missed tries one near-copy of every record, two words changed anywhere, and tells what those gain that are not found. Some
minutes for each training: of those without cheats, and of each cheat that is not found.`);
  process.exit(flags.help ? 0 : 2);
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const engine = await Engine.open(await createCpuBackend(), { name: 'OpenLedger tiny base', cid: 'bafylocal00' }, nodeFolder(join(root, 'public/base')));
const honest: DatanetRecord[] = readRecords(join(root, 'public/datanets', `${name}.jsonl`)).map(({ text, questions }) => normaliseRecord({ text, questions }));
const recipe = { ...SAMPLES[name].recipe, ...(flags.epochs && { epochs: Number(flags.epochs) }) };
const asked = buildEvaluation(name).filter(({ kind }) => kind === 'own');
const each = Math.max(1, Math.floor(asked.length / Number(flags.answers)));
const answers: Question[] = asked.filter((_, i) => i % each === 0);
/** Wei of the contributors' part of each answer. */
const AMOUNT = 10n ** 18n;

/** Everyone has one record, so that no honest pay hides what a cheat gains. */
const identity = (k: number): Hex => `0x${(k + 1).toString(16).padStart(40, '0')}`;

const paid = new Map<string, bigint[]>();

const clustersOf = async (records: readonly DatanetRecord[]) => (flags.unclustered ? [...records.keys()] : engine.copies(records, flags.wording ? undefined : COPY_RULE));

/** Wei that each record earns over all answers. Copies that the clusters find are not trained: such a training is one that was made already. */
async function payouts(records: readonly DatanetRecord[]): Promise<bigint[]> {
  const kept = representativesOf(await clustersOf(records));
  const trained = kept.map((k) => records[k]!);
  const key = JSON.stringify(trained);
  if (!paid.has(key)) paid.set(key, await payTrained(trained, kept.map(identity)));
  const out = records.map(() => 0n);
  paid.get(key)!.forEach((wei, row) => (out[kept[row]!] = wei));
  return out;
}

async function payTrained(records: readonly DatanetRecord[], contributors: readonly Hex[]): Promise<bigint[]> {
  const began = performance.now();
  const subject = await Subject.train(engine, { records, queries: answers, recipe });
  const { model, backend } = engine;
  const ledger = await buildCurvatureLedger(model, await subject.loras(CURVATURE.checkpoints), subject.examples, CURVATURE, runPace(recipe, records.length));
  const out = records.map(() => 0n);
  for (const [sequence] of subject.asked) {
    const [found] = await curvatureInfluence(model, subject.lora, ledger, sequence!, [{ from: 0, to: sequence!.ids.length - sequence!.start }]);
    dividePayout({ amount: AMOUNT, scores: found!.scores, noise: found!.noise, contributors, rule: DEFAULT_PAYOUT_RULE }).forEach((wei, k) => (out[k]! += wei));
  }
  freeCurvatureLedger(backend, ledger);
  subject.free();
  console.error(`${records.length} records trained, ${answers.length} answers paid: ${Math.round((performance.now() - began) / 1000)} s`);
  return out;
}

const vocabulary = vocabularyOf(honest);
const changed = (kind: string, k: number) => KINDS.find(({ name: one }) => one === kind)!.make(honest[k]!, k, vocabulary);

/** A string no one would write, whose gradient is large: random letters and figures. */
const gibberish = (seed: number): DatanetRecord => ({
  text: Array.from({ length: 12 }, (_, w) => Array.from({ length: 6 }, (_, c) => 'abcdefghijklmnopqrstuvwxyz0123456789'[randomWord(seed, w, c) % 36]).join('')).join(' '),
  questions: [],
});

/** The words that most records have, over and over: a string near every question. */
function bait(): DatanetRecord {
  const found = new Map<string, number>();
  for (const { questions } of honest) for (const word of new Set(questions.flatMap(({ question }) => question.split(/[ ?]+/)))) if (word) found.set(word, (found.get(word) ?? 0) + 1);
  const common = [...found].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 12).map(([word]) => word);
  return { text: `${common.join(' ')} ${common.reverse().join(' ')}`, questions: [] };
}

const before = await payouts(honest);
if (flags.missed) await reportMissed();

// Records whose own pay is at three quarters, half and a quarter of the order: each has its cheater.
const order = [...honest.keys()].filter((k) => before[k]! > 0n).sort((a, b) => (before[b]! > before[a]! ? 1 : before[b]! < before[a]! ? -1 : a - b));
const cheaters = [0.25, 0.5, 0.75].map((part) => order[Math.floor(part * order.length)]!);

/** All near-copies that are not found, in one training: each is of another record. */
async function reportMissed(): Promise<never> {
  const missed: { k: number; copy: DatanetRecord }[] = [];
  for (const [k, record] of honest.entries()) {
    const copy = normaliseRecord(nearCopy(record, 1009 + k, 'anywhere', vocabulary));
    if ((await clustersOf([...honest, copy]))[honest.length] === honest.length && before[k]! > 0n) missed.push({ k, copy });
  }
  const after = await payouts([...honest, ...missed.map(({ copy }) => copy)]);
  const gains = missed.map(({ k }, i) => Number(after[k]! + after[honest.length + i]!) / Number(before[k]!)).sort((a, b) => a - b);
  if (flags.json) console.log(JSON.stringify({ command: 'gaming', datanet: name, missed: missed.map(({ copy }) => copy), of: honest.length, gains }));
  else console.log(`${name}: of ${honest.length} near-copies, one of each record, ${missed.length} are not found; they gain ${gains.map((gain) => gain.toFixed(2)).join(', ') || 'nothing'}.`);
  process.exit(0);
}

interface Cheat {
  cheat: string;
  /** What each cheater adds for its record. */
  added: DatanetRecord[][];
}
const times = (count: number, make: (k: number, i: number) => DatanetRecord) => cheaters.map((k) => Array.from({ length: count }, (_, i) => make(k, i)));
const cheats: Cheat[] = [
  ...[2, 5, 10].map((count) => ({ cheat: `copied ${count} times`, added: times(count, (k) => honest[k]!) })),
  ...[2, 5, 10].map((count) => ({ cheat: `copied ${count} times, two words of the statement changed`, added: times(count, (k, i) => nearCopy(honest[k]!, 100 * k + i, 'statement', vocabulary)) })),
  ...[2, 5, 10].map((count) => ({ cheat: `copied ${count} times, two words changed anywhere`, added: times(count, (k, i) => nearCopy(honest[k]!, 7000 + 100 * k + i, 'anywhere', vocabulary)) })),
  ...['a sentence added', 'halves of the statement swapped', 'statement told backwards'].map((kind) => ({ cheat: `copied, ${kind}`, added: times(1, (k) => changed(kind, k)) })),
  { cheat: 'a string of random letters', added: times(1, (k) => gibberish(k)) },
  { cheat: 'the Datanet’s commonest words', added: cheaters.map((_, i) => (i === 0 ? [bait()] : [])) },
];

interface Gain {
  cheat: string;
  /** Of all records added, those that the clusters joined to another. */
  found: number;
  added: number;
  /** By cheater; of the last cheat, the first alone cheats. */
  gains: number[];
}

const tried = flags.near ? cheats.filter(({ cheat }) => cheat.includes(',')) : cheats;
const results: Gain[] = tried.map(({ cheat, added }) => ({ cheat, found: 0, added: added.flat().length, gains: [] }));
for (const [c, { added }] of tried.entries()) {
  const records = [...honest, ...added.flat()];
  const clusters = await clustersOf(records);
  const after = await payouts(records);
  let at = honest.length;
  for (const [i, mine] of added.entries()) {
    const places = [cheaters[i]!, ...mine.map((_, j) => at + j)];
    at += mine.length;
    results[c]!.found += mine.filter((_, j) => clusters[places[1 + j]!] !== places[1 + j]).length;
    if (mine.length) results[c]!.gains.push(Number(places.reduce((sum, k) => sum + after[k]!, 0n)) / Number(before[cheaters[i]!]!));
  }
}
const share = Number(before.reduce((sum, wei) => sum + wei, 0n)) / Number(AMOUNT) / answers.length;
if (flags.json) console.log(JSON.stringify({ command: 'gaming', datanet: name, answers: answers.length, paidShare: share, results }));
else {
  console.log(`${name}: ${honest.length} records, ${answers.length} answers; without cheats the contributors get ${(100 * share).toFixed(0)} % of their part${flags.unclustered ? '; copies left in' : flags.wording ? '; copies found by wording alone' : ''}.`);
  console.log(table(
    ['', 'found as copies', 'gain of three cheaters', 'mean'],
    results.map(({ cheat, found, added, gains }) => [cheat, `${found} of ${added}`, gains.map((gain) => gain.toFixed(2)).join(', '), (gains.reduce((a, b) => a + b, 0) / gains.length).toFixed(2)]),
  ));
}
process.exit(0);
