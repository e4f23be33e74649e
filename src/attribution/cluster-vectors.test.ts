import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RECORDS, smallBase } from '../../tests/parity/receipt-of.ts';
import { createCpuBackend } from '../kernels/cpu/backend.ts';
import { DEFAULT_RECIPE } from '../model/recipe.ts';
import { clusterRecords } from '../protocol/clusters/cluster-records.ts';
import { COPY_RULE } from '../protocol/clusters/copy-rule.ts';
import { rewordedPairs } from '../protocol/clusters/reworded.ts';
import { memoryFolder } from '../protocol/model-folder.ts';
import type { DatanetRecord } from '../protocol/record.ts';
import { DEFAULT_PAYOUT_RULE } from '../protocol/payout-rule.ts';
import { NO_NONCE } from '../protocol/receipt.ts';
import { type RunFile, parseRunFile } from '../protocol/run.ts';
import { nodeFolder } from '../storage/models/node-folder.node.ts';
import { type CheckReport, checkReceipt } from './check.ts';
import { gradientRows } from './cluster-vectors.ts';
import { Engine } from './engine.ts';
import { makeReceipt } from './make-receipt.ts';

const backend = await createCpuBackend();
const tiny = await Engine.open(backend, { name: 'tiny', cid: 'bafytinytiny00' }, nodeFolder('public/base'));
const small = await Engine.open(backend, { name: 'small', cid: 'bafysmallsmall' }, memoryFolder('small', smallBase()));
const health = readFileSync('public/datanets/health.jsonl', 'utf8').trim().split('\n').map((line) => JSON.parse(line) as DatanetRecord);
const tibia = health.find(({ text }) => text.includes('tibia'))!;

/** The statement padded, so that wording alone does not find it. */
const padded = (record: DatanetRecord): DatanetRecord => ({ ...record, text: `${record.text} This is widely known and has been reported many times.` });

describe('copies by their gradient', () => {
  it('finds a copy that its wording hides, and keeps another fact told in the same words', async () => {
    const fibula = JSON.parse(JSON.stringify(tibia).replaceAll('tibia', 'fibula')) as DatanetRecord;
    const records = [...health.slice(0, 20), fibula, padded(tibia)];
    const at = health.indexOf(tibia);
    expect(clusterRecords(records)).toEqual([...records.keys()]);
    expect(await tiny.copies(records, COPY_RULE)).toEqual([...[...records.keys()].slice(0, -1), at]);
    expect(await tiny.copies(records, undefined)).toEqual([...records.keys()]);
  });

  it('keeps a record that says another fact in nearly the same words: there the gradient decides', async () => {
    const asked = (where: string, what: string): DatanetRecord => ({
      text: '', questions: [
        { question: 'In which part of the body do doctors find the bone that they call tibia?', answer: where },
        { question: 'What kind of tissue is the part of the body that doctors call tibia?', answer: what },
        { question: 'Is the tibia a part of the body?', answer: 'yes' },
      ],
    });
    const records = [...health.slice(0, 10), asked('leg', 'bone'), asked('neck', 'muscle')];
    expect(rewordedPairs(records, clusterRecords(records))).toEqual([[10, 11]]);
    expect(await tiny.copies(records, COPY_RULE)).toEqual([...records.keys()]);
    expect((await tiny.copies(records, { ...COPY_RULE, cosine: '0.1' }))[11]).toBe(10);
  });

  it('gives a record the same row alone and among others, frees what it used, and can be cancelled', async () => {
    const sequences = tiny.sequences(health.slice(0, 40));
    const first = await gradientRows(tiny.model, sequences, COPY_RULE);
    const before = backend.memory().bytes;
    const alone = await gradientRows(tiny.model, [sequences[33]!], COPY_RULE);
    expect(alone).toEqual(first.slice(33 * COPY_RULE.width, 34 * COPY_RULE.width));
    expect(alone.some((value) => value !== 0)).toBe(true);
    await expect(gradientRows(tiny.model, sequences, COPY_RULE, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
    expect(backend.memory().bytes).toBe(before);
  });

  it('keeps cosines in sketches, the closer the wider', async () => {
    const sequences = tiny.sequences([tibia, padded(tibia), ...health.slice(1, 6)]);
    const cosines = async (width: number) => {
      const rows = await gradientRows(tiny.model, sequences, { ...COPY_RULE, width });
      const dot = (a: number, b: number) => rows.subarray(a * width, (a + 1) * width).reduce((sum, value, i) => sum + value * rows[b * width + i]!, 0);
      return [...sequences.keys()].map((k) => dot(0, k) / Math.sqrt(dot(0, 0) * dot(k, k)));
    };
    const wide = await cosines(2 ** 14);
    expect(wide[1]).toBeGreaterThan(0.95);
    for (const far of wide.slice(2)) expect(far).toBeLessThan(0.3);
    (await cosines(COPY_RULE.width)).forEach((value, k) => expect(Math.abs(value - wide[k]!), `record ${k}`).toBeLessThan(4 / Math.sqrt(COPY_RULE.width)));
  });
});

describe('a run over records with a hidden copy', async () => {
  const records = [...RECORDS.map(({ text, questions }) => ({ text, questions })), padded(RECORDS[2]!)];
  const recipe = { ...DEFAULT_RECIPE, rank: 4, alpha: 8, epochs: 2, batch: 3 };
  const made = await small.train('hidden', records, recipe);

  it('trains one of both, and says in run.json by what they were found', async () => {
    expect(clusterRecords(records)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(made.run.datanet).toMatchObject({ records: 6, clusters: [0, 1, 2, 3, 4, 2], copies: COPY_RULE });
    expect(parseRunFile(JSON.parse(new TextDecoder().decode(made.files['run.json'])))).toEqual(made.run);
    const honest = await small.train('hidden', records.slice(0, 5), recipe);
    expect(honest.run.adapter).toEqual(made.run.adapter);
    expect(honest.run.ledger).toEqual(made.run.ledger);
    expect(honest.run.datanet.clusters).toBeUndefined();
  });

  it('is found again from text and base by whoever checks; a run that names no rule is checked by wording', async () => {
    expect(await small.copies(records, made.run.datanet.copies)).toEqual(made.run.datanet.clusters);
    expect(await small.copies(records, undefined)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('a run.json that keeps a copy as a record, or joins what its rule does not, is told from the true one', async () => {
    const version = records.map((record, k) => ({ ...record, contributor: `0x${String(k + 1).padStart(40, '0')}` as const, contribution: String(k + 1) }));
    const prompt = small.prompt(records[0]!.questions[0]!.question);
    const tokens = await small.generate(made.adapter, prompt, { maxTokens: 4 });
    const { loss, scores, noise } = await small.influence(made.adapter, made.ledger, prompt, tokens);
    expect([scores[5], noise[5]]).toEqual([0, 0]);
    const { program, root } = await small.trace(made.ledger, prompt, tokens);
    const { receipt } = makeReceipt({
      nonce: NO_NONCE, base: { cid: 'bafysmallsmall', root: small.root }, adapter: { id: '1', cid: 'bafyadapteradapter', root: made.adapter.root },
      datanet: { id: '1', version: 1, cid: 'bafyversionversion', records: version }, ledger: made.run.ledger, trace: { program, root, cid: 'bafytracetrace' },
      prompt: { text: records[0]!.questions[0]!.question, tokens: prompt }, answer: { text: small.tokenizer.decode(tokens).trim(), tokens }, loss, scores, noise, clusters: made.run.datanet.clusters,
      prices: { rateIn: '1', rateOut: '1', platformFee: '1000', split: { platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 }, payout: DEFAULT_PAYOUT_RULE },
    });
    const check = async (datanet: RunFile['datanet']) => {
      const reports: CheckReport[] = [];
      const equal = await checkReceipt(receipt, {
        engine: async () => small, adapter: async () => ({ ...made.adapter, run: { ...made.run, datanet } }), ledger: async () => made.ledger,
        version: async () => ({ openledger: 'datanet-version/1', name: 'hidden', records: version }),
      }, { onReport: (report) => report.state !== 'working' && reports.push(report) });
      return { equal, ...reports.at(-1) };
    };
    const { datanet } = made.run;
    const { clusters: _, ...kept } = datanet;
    const { copies: __, ...unruled } = datanet;
    expect(await check(datanet)).toMatchObject({ equal: true });
    const where = { equal: false, step: 'ledger', difference: { where: 'what record 6 is' } };
    expect(await check(kept)).toMatchObject({ ...where, difference: { claimed: 'no copy', computed: 'a copy of record 3' } });
    expect(await check(unruled)).toMatchObject({ ...where, difference: { claimed: 'a copy of record 3', computed: 'no copy' } });
  });
});
