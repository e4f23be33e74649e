import { describe, expect, it } from 'vitest';
import { RECORDS, receiptOf, smallBase } from '../../tests/parity/receipt-of.ts';
import { createCpuBackend } from '../kernels/cpu/backend.ts';
import { CountingBackend } from '../kernels/counting/backend.ts';
import { Scope } from '../kernels/scope.ts';
import { packBatch } from '../model/batch.ts';
import { loss } from '../model/loss.ts';
import { DEFAULT_RECIPE, recipeOfRun } from '../model/recipe.ts';
import type { TrainCheckpoint } from '../model/train.ts';
import { floatToHex } from '../protocol/bytes.ts';
import { type Receipt, parseReceipt, receiptHash } from '../protocol/receipt.ts';
import { type CheckReport, type CheckSource, checkReceipt } from './check.ts';
import { Engine } from './engine.ts';
import { curvatureBytes, requireCurvatureMemory } from './curvature/curvature-ledger.ts';
import { CURVATURE } from './curvature/settings.ts';
import { buildLedger, freeLedger, ledgerBytes, requireLedgerMemory } from './ledger.ts';
import { ledgerShapes } from './ledger-shapes.ts';
import { makeReceipt } from './make-receipt.ts';
import { memoryFolder } from '../protocol/model-folder.ts';
import { parseRunFile } from '../protocol/run.ts';

const backend = await createCpuBackend();
const engine = await Engine.open(backend, { name: 'small', cid: 'bafysmallsmall' }, memoryFolder('small', smallBase()));
const recipe = { ...DEFAULT_RECIPE, rank: 4, alpha: 8, epochs: 2, batch: 3 };

describe('the engine', () => {
  it('generates token by token what one pass over the whole text predicts', async () => {
    const prompt = engine.prompt('Who repairs clocks?');
    const answer = await engine.generate(undefined, prompt, { maxTokens: 12 });
    const ids = [...prompt, ...answer];
    const scope = new Scope(backend);
    const { logits } = loss(scope, engine.model, undefined, packBatch([[{ ids, start: prompt.length }]], () => 1), 'loss');
    const values = (await backend.read(logits!)) as Float32Array;
    const vocab = engine.model.config.vocab;
    answer.forEach((id, i) => {
      const row = values.subarray(i * vocab, (i + 1) * vocab);
      expect(row.indexOf(Math.max(...row))).toBe(id);
    });
    scope.release();
  });

  it('confirms its own greedy answer, and writes on from the first token that it would not have chosen', async () => {
    const prompt = engine.prompt('Who repairs clocks?');
    const own = await engine.answer(undefined, prompt, { maxTokens: 12 });
    expect(await engine.confirm(undefined, prompt, own.tokens, { maxTokens: 12 })).toEqual({ ...own, agreed: own.tokens.length });
    // Packed forms of the weights stay from here on.
    const before = backend.memory().bytes;
    const wrong = [...own.tokens];
    wrong[3] = (wrong[3]! + 7) % engine.model.config.vocab;
    expect(await engine.confirm(undefined, prompt, wrong, { maxTokens: 12 })).toEqual({ ...own, agreed: 3 });
    expect(backend.memory().bytes).toBe(before);
  });

  it('gives a record the same gradient alone and among others', async () => {
    const sequences = engine.sequences(RECORDS);
    const { adapter, ledger } = await engine.train('t', RECORDS, recipe);
    engine.freeLedger(ledger);
    const [all, alone] = [await buildLedger(engine.model, adapter.lora, sequences), await buildLedger(engine.model, adapter.lora, [sequences[2]!])];
    for (const [l, tensor] of all.tensors.entries()) {
      const every = (await backend.read(tensor.gradients)) as Float32Array;
      const one = (await backend.read(alone.tensors[l]!.gradients)) as Float32Array;
      expect(every.slice(2 * tensor.values, 3 * tensor.values)).toEqual(one);
    }
    expect(sequences[2]!.length).toBe(2);
    for (const held of [all, alone]) freeLedger(engine.model, held);
    engine.unloadAdapter(adapter);
  });

  it('trains the same bytes again, others with another seed, and frees what it used', async () => {
    const before = backend.memory().bytes;
    const run = async (seed: number) => {
      const { files, adapter, ledger } = await engine.train('t', RECORDS, { ...recipe, seed });
      engine.freeLedger(ledger);
      engine.unloadAdapter(adapter);
      return files['adapter_model.safetensors'];
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
    expect(backend.memory().bytes).toBe(before);
  });

  it('stops training when cancelled, and nothing stays behind', async () => {
    const before = backend.memory().bytes;
    const controller = new AbortController();
    await expect(engine.train('t', RECORDS, { ...recipe, epochs: 50 }, { signal: controller.signal, onStep: ({ step }) => step === 3 && controller.abort() })).rejects.toMatchObject({ code: 'cancelled' });
    expect(backend.memory().bytes).toBe(before);
  });

  it('goes on with a checkpoint to the same files, and writes the whole recipe into run.json', async () => {
    const given = { ...recipe, schedule: 'constant' as const, accumulate: 3, targets: ['q_proj' as const, 'up_proj' as const] };
    const run = async (options: Parameters<Engine['train']>[3] = {}) => {
      const { files, run, adapter, ledger } = await engine.train('t', RECORDS, given, options);
      engine.freeLedger(ledger);
      engine.unloadAdapter(adapter);
      return { files, run };
    };
    const whole = await run({ heldOut: [RECORDS[0]!] });
    expect(recipeOfRun(parseRunFile(whole.run).recipe)).toEqual(given);
    const controller = new AbortController();
    const kept: TrainCheckpoint[] = [];
    await expect(
      run({ signal: controller.signal, onStep: ({ step }) => step === 3 && controller.abort(), onCheckpoint: (checkpoint) => void kept.push(structuredClone(checkpoint)) }),
    ).rejects.toMatchObject({ code: 'cancelled' });
    const steps: number[] = [];
    expect(await run({ checkpoint: kept[0], onStep: ({ step }) => steps.push(step) })).toEqual(whole);
    expect(steps).toEqual([4]);
    expect(engine.runIdentity(RECORDS, given)).toBe(engine.runIdentity(RECORDS, { ...given }));
    expect(new Set([engine.runIdentity(RECORDS, given), engine.runIdentity(RECORDS, recipe), engine.runIdentity(RECORDS.slice(1), given), engine.runIdentity(RECORDS, { ...given, seed: 9 })]).size).toBe(4);
  });

  it('says clearly what cannot be asked', async () => {
    expect(() => engine.prompt(' \n')).toThrow('Type a question');
    await expect(engine.generate(undefined, engine.prompt('word '.repeat(400)))).rejects.toMatchObject({ code: 'model/prompt-too-long' });
    await expect(engine.train('t', [], recipe)).rejects.toMatchObject({ code: 'train/no-records' });
    await expect(engine.train('t', [{ text: 'word '.repeat(400), questions: [] }], recipe)).rejects.toMatchObject({ code: 'record/too-long' });
  });

  it('ends a run whose numbers leave the range, naming the tensor', async () => {
    await expect(engine.train('t', RECORDS, { ...recipe, rate: 1e6, epochs: 20 })).rejects.toMatchObject({ code: 'rf32/out-of-range' });
  });

  it('answers in any script', async () => {
    for (const question of ['Qu’est-ce que c’est ?', '谁写了这本书？', 'من كتب هذا؟', '🙂🙃 who?', '<|a|></s><s>']) {
      const prompt = engine.prompt(question);
      expect(prompt.filter((id) => id < 5)).toEqual([1, 3, 4]);
      expect((await engine.generate(undefined, prompt, { maxTokens: 4 })).length).toBeGreaterThan(0);
    }
  });
});

describe('a ledger’s memory', () => {
  it('is bounded in each pass, which changes no bit', async () => {
    const trained = await engine.train('t', RECORDS, recipe);
    const { adapter } = trained;
    engine.freeLedger(trained.ledger);
    const ledger = await buildLedger(engine.model, adapter.lora, engine.sequences(RECORDS));
    const values = async ({ tensors }: typeof ledger) => Promise.all(tensors.flatMap(({ gradients, gram }) => [backend.read(gradients), backend.read(gram)]));
    const record = 4 * ledger.tensors.reduce((sum, tensor) => sum + tensor.values, 0);
    const steps: number[] = [];
    const narrow = await buildLedger(engine.model, adapter.lora, engine.sequences(RECORDS), { passBytes: 2.5 * record, onProgress: (done) => steps.push(done) });
    expect(steps).toEqual([2, 4, 5]);
    expect(await values(narrow)).toEqual(await values(ledger));
    expect(ledgerShapes(engine.model.config, recipe)).toEqual(ledger.tensors.map(({ name, values }) => ({ name, values })));
    for (const one of [narrow, ledger]) freeLedger(engine.model, one);
    engine.unloadAdapter(adapter);
  });

  it('is refused with numbers before anything is allocated', async () => {
    const shapes = ledgerShapes(engine.model.config, recipe);
    const record = 4 * shapes.reduce((sum, { values }) => sum + values, 0);
    expect(ledgerBytes(shapes, 10)).toBe(20 * record + 400 * shapes.length);
    const full = Math.ceil(2 ** 32 / record);
    expect(() => requireLedgerMemory(backend, shapes, full)).toThrow(`${full} records, ${record / 4} numbers of the adapter each`);
    const values = record / 4;
    const { kept, building } = curvatureBytes(10, values, CURVATURE);
    expect(building).toBeGreaterThan(kept);
    const most = 2 ** 24;
    expect(() => requireCurvatureMemory(backend, most, values, CURVATURE)).toThrow(`${most} records take ${(curvatureBytes(most, values, CURVATURE).building / 2 ** 30).toFixed(2)} GiB`);
    expect(() => requireLedgerMemory(new CountingBackend({ maxBinding: 4 * shapes[0]!.values * 9 }), shapes.slice(0, 1), 10)).toThrow('one tensor may have');
  });
});

describe('checking a receipt', async () => {
  const { receipt } = await receiptOf(backend);
  const again = await Engine.open(backend, { name: 'small', cid: 'bafysmallsmall' }, memoryFolder('small', smallBase()));
  const made = await again.train('test', RECORDS, { ...DEFAULT_RECIPE, rank: 4, alpha: 8, epochs: 12, batch: 2 });
  const source: CheckSource = {
    engine: async () => again,
    adapter: async () => made.adapter,
    version: async () => ({ openledger: 'datanet-version/1', name: 'test', records: RECORDS }),
    ledger: async () => made.ledger,
  };
  const check = async (altered: Receipt) => {
    const reports: CheckReport[] = [];
    const equal = await checkReceipt(altered, source, { onReport: (report) => report.state !== 'working' && reports.push(report) });
    return { equal, last: reports[reports.length - 1]!, steps: reports.length };
  };

  it('finds the true one equal in all nine steps', async () => {
    expect(await check(receipt)).toMatchObject({ equal: true, steps: 9 });
  });

  const flip = (hex: string) => (hex.slice(0, -1) + ((parseInt(hex.slice(-1), 16) ^ 1).toString(16))) as `0x${string}`;
  const cases: [string, (r: Receipt) => void, string, string][] = [
    ['arithmetic version', (r) => (r.arithmetic = 'RF32/1'), 'receipt', 'arithmetic'],
    ['base root', (r) => (r.base.root = flip(r.base.root)), 'base', 'base'],
    ['adapter root', (r) => (r.adapter.root = flip(r.adapter.root)), 'adapter', 'adapter'],
    ['Datanet root', (r) => (r.datanet.root = flip(r.datanet.root)), 'datanet', 'Datanet'],
    ['checkpoints root', (r) => (r.ledger.checkpointsRoot = flip(r.ledger.checkpointsRoot)), 'ledger', 'checkpoints'],
    ['ledger root', (r) => (r.ledger.root = flip(r.ledger.root)), 'ledger', 'ledger'],
    ['the last bit of one score’s noise', (r) => (r.noise[2] = flip(r.noise[2]!)), 'influence', 'chance of record 3'],
    ['a parameter of the payout rule', (r) => (r.prices.payout.clusterCap -= 1000), 'shares', 'fee'],
    ['a token', (r) => (r.answer.tokens[1] = (r.answer.tokens[1]! + 1) % 2048), 'answer', 'token 2'],
    ['the question', (r) => (r.prompt.text += '?'), 'answer', 'question'],
    ['the loss', (r) => (r.loss = flip(r.loss)), 'influence', 'loss'],
    ['the last bit of one score', (r) => (r.scores[3] = flip(r.scores[3]!)), 'influence', 'record 4'],
    ['a missing score', (r) => r.scores.pop(), 'influence', 'record 5'],
    ['program', (r) => (r.trace.program = flip(r.trace.program)), 'trace', 'program'],
    ['trace root', (r) => (r.trace.root = flip(r.trace.root)), 'trace', 'root of the trace'],
    ['scores root', (r) => (r.scoresRoot = flip(r.scoresRoot)), 'influence', 'root of the scores'],
    ['one wei of the fee', (r) => (r.fee.owner = String(BigInt(r.fee.owner) + 1n)), 'shares', 'owner'],
    ['a payout', (r) => (r.payouts[0]!.amount = String(BigInt(r.payouts[0]!.amount) + 1n)), 'shares', 'payout 1'],
    ['a payout’s receiver', (r) => (r.payouts[0]!.contributor = `0x${'9'.repeat(40)}`), 'shares', 'payout 1'],
    ['the split', (r) => (r.prices.split.owner += 1), 'shares', 'split'],
    ['payout root', (r) => (r.payoutRoot = flip(r.payoutRoot)), 'shares', 'root of the payouts'],
    ['root of the payouts’ workings', (r) => (r.workingsRoot = flip(r.workingsRoot)), 'shares', 'workings'],
  ];
  it.each(cases)('finds an altered %s, and where', async (_, alter, step, where) => {
    const altered = structuredClone(receipt);
    alter(altered);
    const { equal, last } = await check(altered);
    expect(equal).toBe(false);
    expect(last.step).toBe(step);
    expect(last.difference!.where).toContain(where);
    expect(last.difference!.claimed).not.toBe(last.difference!.computed);
  });

  it('draws a sampled answer again from the seed that the receipt names', async () => {
    const sampling = { temperature: 1.3, topK: 50, topP: 0.9, repetitionPenalty: 1.1, seed: 9 };
    const prompt = again.prompt(receipt.prompt.text);
    const tokens = await again.generate(made.adapter, prompt, { maxTokens: 6, sampling });
    const { loss, scores, noise } = await again.influence(made.adapter, made.ledger, prompt, tokens);
    const { program, root } = await again.trace(made.ledger, prompt, tokens);
    const { receipt: sampled } = makeReceipt({
      nonce: receipt.nonce, base: receipt.base, adapter: receipt.adapter, datanet: { ...receipt.datanet, records: RECORDS }, ledger: receipt.ledger, trace: { program, root, cid: receipt.trace.cid }, sampling,
      prompt: receipt.prompt, answer: { text: again.tokenizer.decode(tokens).trim(), tokens }, loss, scores, noise, clusters: made.run.datanet.clusters, prices: receipt.prices,
    });
    const read = parseReceipt(JSON.parse(JSON.stringify(sampled)));
    expect(read.sampling).toEqual({ temperature: '1.3', topK: 50, topP: '0.9', repetitionPenalty: '1.1', seed: 9 });
    expect(await check(read)).toMatchObject({ equal: true, steps: 9 });
    for (const change of [{ seed: 10 }, { temperature: '9.5' }]) {
      const { equal, last } = await check({ ...read, sampling: { ...read.sampling!, ...change } });
      expect(equal).toBe(false);
      expect(last.step).toBe('answer');
    }
    // Said to be greedy, it is not.
    const { sampling: _, ...greedy } = read;
    expect(await check(greedy)).toMatchObject({ equal: false, last: { step: 'answer' } });
    expect(() => parseReceipt({ ...read, sampling: { ...read.sampling, topP: '-1' } })).toThrow(/not a valid receipt/);
  });

  it('names the rounding of a base, and another rounding is another base', async () => {
    expect(await check({ ...receipt, base: { ...receipt.base, format: 'q4' } })).toMatchObject({ equal: false, last: { step: 'base', difference: { where: expect.stringContaining('rounding') } } });
    const rounded = await Engine.open(backend, { name: 'small', cid: 'bafysmallsmall' }, memoryFolder('small', smallBase()), { format: 'q4' });
    expect(rounded.root).not.toBe(again.root);
    expect(rounded.fileRoot).toBe(again.fileRoot);
    expect(rounded.format).toBe('q4');
    expect(again.format).toBeUndefined();
    rounded.close();
  });

  it('is another receipt with another nonce: the same question asked again can be paid again', async () => {
    const again = { ...receipt, nonce: `0x${'1'.repeat(32)}` as const };
    expect(receiptHash(again)).not.toBe(receiptHash(receipt));
    expect(await check(again)).toMatchObject({ equal: true });
  });

  it('shares nothing and pays nobody when no record helped', async () => {
    const none = makeReceipt({
      nonce: receipt.nonce,
      base: receipt.base, adapter: receipt.adapter, datanet: { ...receipt.datanet, records: RECORDS }, ledger: receipt.ledger, trace: receipt.trace,
      prompt: receipt.prompt, answer: receipt.answer, loss: 1, scores: Float32Array.of(-1, 0, -2, 0, -3), noise: Float32Array.of(1, 1, 1, 1, 1), clusters: undefined, prices: receipt.prices,
    });
    expect(none.receipt.payouts).toEqual([]);
    expect(none.receipt.fee.contributors).toBe('0');
    expect(none.receipt.loss).toBe(floatToHex(1));
  });
});
