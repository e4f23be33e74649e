/**
 * Which near-copies the clusters find, by wording alone and with gradients, and which different records they join: the three
 * sample Datanets and the two task families, each record copied once, in every way of gaming-kinds.ts. Nothing is trained.
 * `npx tsx scripts/eval/gaming-copies.ts --help`
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gradientRows } from '../../src/attribution/cluster-vectors.ts';
import { Engine } from '../../src/attribution/engine.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { clusterRecords } from '../../src/protocol/clusters/cluster-records.ts';
import { COPY_RULE } from '../../src/protocol/clusters/copy-rule.ts';
import { rewordedPairs } from '../../src/protocol/clusters/reworded.ts';
import { type DatanetRecord, normaliseRecord } from '../../src/protocol/record.ts';
import { nodeFolder } from '../../src/storage/models/node-folder.node.ts';
import { SAMPLE_NAMES } from '../samples/records.ts';
import { readRecords } from '../start/samples.ts';
import { ensureBase } from './base/open-base.ts';
import { FAMILIES, makeSet } from './families/make-set.ts';
import { KINDS, vocabularyOf } from './gaming-kinds.ts';
import { table } from './report/tables.ts';

const { values: flags } = parseArgs({ options: { help: { type: 'boolean' }, json: { type: 'boolean' }, only: { type: 'string' }, seeds: { type: 'string', default: '1' } } });
if (flags.help) {
  console.log(`npx tsx scripts/eval/gaming-copies.ts [--only SET,…] [--seeds 1] [--json]
Which near-copies are found, by kind. Sets: ${[...SAMPLE_NAMES, ...Object.keys(FAMILIES)].join(', ')}. Some minutes.`);
  process.exit(0);
}
const root = fileURLToPath(new URL('../..', import.meta.url));
const backend = await createCpuBackend();
const only = flags.only?.split(',');

/** A question that says nothing of a record, as Datanets made by a program have it: it must not make records copies. */
const GENERIC = { question: 'Is this a fact?', answer: 'yes' };
const WITH_GENERIC: readonly [string, (record: DatanetRecord) => DatanetRecord][] = [
  ['as they are', (record) => record],
  ['each with one question more, the same', ({ text, questions }) => ({ text, questions: [...questions, GENERIC] })],
  ['statements, and that question', ({ text }) => ({ text, questions: [GENERIC] })],
  ['one question each, and that question', ({ questions }) => ({ text: '', questions: [questions[0]!, GENERIC] })],
];

async function* sets(): AsyncGenerator<{ name: string; engine: Engine; records: DatanetRecord[] }> {
  const wanted = (name: string) => !only || only.includes(name);
  if (SAMPLE_NAMES.some(wanted)) {
    const engine = await Engine.open(backend, { name: 'OpenLedger tiny base', cid: 'bafylocal00' }, nodeFolder(join(root, 'public/base')));
    for (const name of SAMPLE_NAMES.filter(wanted)) yield { name, engine, records: readRecords(join(root, 'public/datanets', `${name}.jsonl`)).map(({ text, questions }) => normaliseRecord({ text, questions })) };
    engine.close();
  }
  for (const [name, family] of Object.entries(FAMILIES).filter(([one]) => wanted(one))) {
    const engine = await Engine.open(backend, { name: 'evaluation base', cid: 'bafylocal00' }, nodeFolder(await ensureBase()));
    yield { name, engine, records: makeSet(family, 1).records };
    engine.close();
  }
}

interface Found {
  set: string;
  kind: string;
  copy: boolean;
  changed: number;
  byWording: number;
  found: number;
}
const found: Found[] = [];
const joined: { set: string; records: string; different: number; byWording: number; joined: number }[] = [];
const cosines: { set: string; pairs: number; median: number; most99: number; most: number }[] = [];
for await (const { name, engine, records } of sets()) {
  const vocabulary = vocabularyOf(records);
  for (const { name: kind, copy, make } of KINDS) {
    const copies = [];
    for (let seed = 1; seed <= Number(flags.seeds); seed++) copies.push(...records.map((record, k) => ({ k, record: normaliseRecord(make(record, 1009 * seed + k, vocabulary)) })));
    const changed = copies.filter(({ k, record }) => JSON.stringify(record) !== JSON.stringify(records[k]));
    const one: Found = { set: name, kind, copy, changed: changed.length, byWording: 0, found: 0 };
    for (const { k, record } of changed) {
      const all = [...records, record];
      if (clusterRecords(all)[records.length] === k) one.byWording++;
      if ((await engine.copies(all, COPY_RULE))[records.length] === k) one.found++;
    }
    found.push(one);
    console.error(`${name}, ${kind}: ${one.byWording} and ${one.found} of ${one.changed}`);
  }
  for (const [what, make] of WITH_GENERIC) {
    const all = records.map(make);
    if (all.some(({ text, questions }) => !text && questions.every((one) => one === GENERIC))) continue;
    const count = (clusters: readonly number[]) => clusters.filter((of, k) => of !== k).length;
    joined.push({ set: name, records: what, different: all.length, byWording: count(clusterRecords(all)), joined: count(await engine.copies(all, COPY_RULE)) });
  }
  cosines.push({ set: name, ...(await cosinesOf(engine, records)) });
}

/** Of every two different records, what the rule would see if it compared them. */
async function cosinesOf(engine: Engine, records: readonly DatanetRecord[]) {
  const { width } = COPY_RULE;
  const rows = await gradientRows(engine.model, engine.sequences(records), COPY_RULE);
  const dot = (a: number, b: number) => {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += rows[a * width + i]! * rows[b * width + i]!;
    return sum;
  };
  const length = records.map((_, k) => Math.sqrt(dot(k, k)));
  const all = records.flatMap((_, b) => Array.from({ length: b }, (_, a) => dot(a, b) / (length[a]! * length[b]!))).sort((a, b) => a - b);
  if (rewordedPairs(records, [...records.keys()]).length) console.error('Different records are compared here.');
  return { pairs: all.length, median: all[all.length >> 1]!, most99: all[Math.floor(0.99 * all.length)]!, most: all.at(-1)! };
}

if (flags.json) console.log(JSON.stringify({ command: 'gaming-copies', rule: COPY_RULE, found, joined, cosines }));
else {
  const names = [...new Set(found.map(({ set }) => set))];
  const cell = (set: string, kind: string) => {
    const one = found.find((each) => each.set === set && each.kind === kind)!;
    return one.changed ? `${one.byWording} → ${one.found} of ${one.changed}` : '–';
  };
  console.log('Joined to the record that was changed: by wording → with gradients');
  console.log(table(['changed', ...names], KINDS.map(({ name: kind, copy }) => [copy ? kind : `*another fact:* ${kind}`, ...names.map((set) => cell(set, kind))])));
  console.log('\nDifferent records joined to others: by wording → with gradients');
  const whats = [...new Set(joined.map(({ records }) => records))];
  console.log(table(['different records', ...names], whats.map((what) => [what, ...names.map((set) => {
    const one = joined.find((each) => each.set === set && each.records === what);
    return one ? `${one.byWording} → ${one.joined} of ${one.different}` : '–';
  })])));
  console.log('\nCosines of every two different records');
  console.log(table(['', 'pairs', 'median', '99 %', 'most'], cosines.map(({ set, pairs, median, most99, most }) => [set, String(pairs), median.toFixed(2), most99.toFixed(2), most.toFixed(2)])));
}
process.exit(0);
