import { describe, expect, it } from 'vitest';
import { randomNormal } from '../../arithmetic/random.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { ReferenceBackend } from '../../kernels/reference/backend.ts';
import type { Backend } from '../../kernels/backend.ts';
import { decodeRows } from '../../kernels/matrix/decode.ts';
import { freeMatrix } from '../../kernels/matrix/matrix.ts';
import { Scope } from '../../kernels/scope.ts';
import { DEFAULT_RECIPE } from '../../model/recipe.ts';
import { memoryFolder } from '../../protocol/model-folder.ts';
import { parseRunFile } from '../../protocol/run.ts';
import { RECORDS, smallBase } from '../../../tests/parity/receipt-of.ts';
import { Engine } from '../engine.ts';
import { type GradientSource, buildCurvatureLedger, buildRows, freeCurvatureLedger } from './curvature-ledger.ts';
import { applyPreconditioner, makePreconditioner } from './preconditioner.ts';
import { CURVATURE, checkSettings, checkpointSteps, drawPlan, runPace } from './settings.ts';

const backend = await createCpuBackend();
const engine = await Engine.open(backend, { name: 'small', cid: 'bafysmallsmall' }, memoryFolder('small', smallBase()));
const recipe = { ...DEFAULT_RECIPE, rank: 4, alpha: 8, epochs: 12, batch: 2 };
const made = await engine.train('test', RECORDS, recipe);
const prompt = engine.prompt(RECORDS[0]!.questions[0]!.question);
const answer = await engine.generate(made.adapter, prompt, { maxTokens: 6 });

/** Row-major matrix of normal numbers, a few directions of it a hundred times stronger. */
function rough(rows: number, columns: number, seed: number): Float32Array {
  return Float32Array.from({ length: rows * columns }, (_, i) => randomNormal(seed, 1, i) * (i % columns < 3 ? 10 : 0.1));
}

/** (FᵀF/m + λI)⁻¹ applied to rows of G, by Gaussian elimination in float64. */
function inFloat64(F: Float32Array, m: number, G: Float32Array, n: number, d: number, lambda: number): Float64Array {
  const H = new Float64Array(d * d);
  for (let r = 0; r < m; r++) {
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < d; j++) H[i * d + j]! += (F[r * d + i]! * F[r * d + j]!) / m;
    }
  }
  for (let i = 0; i < d; i++) H[i * d + i]! += lambda;
  const X = Float64Array.from({ length: d * n }, (_, at) => G[(at % n) * d + Math.floor(at / n)]!);
  for (let p = 0; p < d; p++) {
    for (let i = 0; i < d; i++) {
      if (i === p) continue;
      const factor = H[i * d + p]! / H[p * d + p]!;
      for (let j = p; j < d; j++) H[i * d + j]! -= factor * H[p * d + j]!;
      for (let k = 0; k < n; k++) X[i * n + k]! -= factor * X[p * n + k]!;
    }
  }
  return Float64Array.from({ length: n * d }, (_, at) => X[(at % d) * n + Math.floor(at / d)]! / H[(at % d) * d + (at % d)]!);
}

describe('taking the curvature out', () => {
  const [m, n, d] = [70, 5, 90];
  it.each([[0.05], [2]])('is the inverse of the damped Fisher matrix, λ %f, the same bits on both backends', async (lambda) => {
    const [F, G] = [rough(m, d, 1), rough(n, d, 2)];
    const results: Float32Array[] = [];
    for (const on of [backend, new ReferenceBackend()]) {
      const scope = new Scope(on);
      const curvature = makePreconditioner(scope, scope.upload('F', [m, d], F), lambda);
      results.push((await on.read(applyPreconditioner(scope, curvature, scope.upload('G', [n, d], G)))) as Float32Array);
      scope.release();
    }
    expect(results[1]).toEqual(results[0]);
    const expected = inFloat64(F, m, G, n, d, lambda);
    const greatest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    results[0]!.forEach((value, i) => expect(Math.abs(value - expected[i]!) / greatest).toBeLessThan(2e-4));
  });

  it('gives zeros where every gradient is zero, and duplicates do not stop it', async () => {
    const scope = new Scope(backend);
    const nothing = makePreconditioner(scope, scope.create('F', [6, 8], 'f32'), 0.1);
    expect([...((await backend.read(applyPreconditioner(scope, nothing, scope.create('G', [3, 8], 'f32')))) as Float32Array)]).toEqual(new Array(24).fill(0));
    const one = rough(1, 40, 3);
    const same = new Float32Array(20 * 40);
    for (let i = 0; i < 20; i++) same.set(one, i * 40);
    const copies = makePreconditioner(scope, scope.upload('F', [20, 40], same), 0.2);
    const rows = (await backend.read(applyPreconditioner(scope, copies, scope.upload('G', [1, 40], one)))) as Float32Array;
    expect(rows.every(Number.isFinite)).toBe(true);
    scope.release();
  });
});

describe('the rows of a ledger', () => {
  const [d, checkpoints, draws, lambda] = [64, 2, 30, 0.5];
  const columns = checkpoints * d;

  /** Rows, decoded, and noise of made-up gradients: `own[at]` [n,d]; draws and chance are always the same. */
  async function made(on: Backend, own: readonly Float32Array[], owners: readonly number[], F: (at: number) => Float32Array = (at) => rough(draws, d, 20 + at)) {
    const upload = (scope: Scope, rows: Float32Array) => Promise.resolve(scope.upload('made up', [rows.length / d, d], rows));
    const source: GradientSource = {
      draws: (scope, at) => upload(scope, F(at)),
      chance: () => Promise.resolve(rough(owners.length, columns, 30)),
      records: (scope, at, first, count) => upload(scope, own[at]!.slice(first * d, (first + count) * d)),
    };
    const { rows, noise } = await buildRows(on, source, checkpoints, own[0]!.length / d, d, owners, lambda);
    const [part] = rows.parts;
    const [codes, scales] = [await on.read(part!.codes), await on.read(part!.scales!)];
    freeMatrix(on, rows);
    return { values: decodeRows('q4', codes, scales, columns), codes, noise };
  }

  it('are those of float64 to half a step of their 4 bits, and the noise to float32’s accuracy; the same bits on both backends', async () => {
    const n = 6;
    const owners = Array.from({ length: 40 }, (_, i) => i % n);
    const own = [rough(n, d, 40), rough(n, d, 41)];
    // Record 3 is record 0 again, record 4 has no gradient.
    for (const one of own) one.copyWithin(3 * d, 0, d).fill(0, 4 * d, 5 * d);
    const { values, noise, codes } = await made(backend, own, owners);
    expect(await made(new ReferenceBackend(), own, owners)).toEqual({ values, noise, codes });
    const exact = own.map((G, at) => inFloat64(rough(draws, d, 20 + at), draws, G, n, d, lambda));
    const row = (k: number) => exact.flatMap((one) => [...one.subarray(k * d, (k + 1) * d)]);
    const N = rough(owners.length, columns, 30);
    for (let k = 0; k < n; k++) {
      for (let from = 0; from < columns; from += 32) {
        const group = row(k).slice(from, from + 32);
        const greatest = Math.max(...group.map(Math.abs));
        // Steps of an eighth of the greatest; as far as 7.5 of them on the other side, with bfloat16's error.
        group.forEach((x, i) => expect(Math.abs(values[k * columns + from + i]! - x)).toBeLessThanOrEqual(greatest * (x * group.find((y) => Math.abs(y) === greatest)! < 0 ? 0.13 : 0.066)));
      }
      const others = owners.flatMap((owner, i) => (owner === k ? [] : [i]));
      const mean = others.reduce((sum, i) => {
        const draw = [...N.subarray(i * columns, (i + 1) * columns)];
        const product = (other: readonly number[]) => draw.reduce((total, x, t) => total + x * other[t]!, 0);
        return sum + product(row(k)) ** 2 / product(draw) / others.length;
      }, 0);
      expect(Math.abs(noise[k]! - Math.sqrt(mean))).toBeLessThanOrEqual(1e-3 * Math.sqrt(mean));
    }
    const words = columns / 8;
    expect(codes.slice(3 * words, 4 * words)).toEqual(codes.slice(0, words));
    expect(values.subarray(4 * columns, 5 * columns).every((x) => x === 0)).toBe(true);
    expect(noise[4]).toBe(0);
  });

  it('of many records are made block by block, with the bits that each has among few', async () => {
    const n = 259;
    const own = [rough(n, d, 50), rough(n, d, 51)];
    const whole = await made(backend, own, [0, 1, 257]);
    const last = await made(backend, own.map((one) => one.slice(254 * d)), [300, 300, 300]);
    expect(whole.values.slice(254 * columns)).toEqual(last.values);
    // Of record 257 its own draw does not count; of the others here all do.
    expect([254, 255, 256, 258].map((k) => whole.noise[k])).toEqual([0, 1, 2, 4].map((k) => last.noise[k]));
    expect(whole.noise[257]).not.toBe(last.noise[3]);
  });

  it('are zeros without any gradient, those of one record have no noise, and what is out of range is refused', async () => {
    const nothing = await made(backend, [new Float32Array(2 * d), new Float32Array(2 * d)], [0, 1], () => new Float32Array(draws * d));
    expect([...nothing.values, ...nothing.noise].every((x) => Object.is(x, 0))).toBe(true);
    const one = await made(backend, [rough(1, d, 60), rough(1, d, 61)], [0]);
    expect([...one.noise]).toEqual([0]);
    expect(one.values.some((x) => x !== 0)).toBe(true);
    for (const value of [Infinity, NaN, 2 ** 51]) await expect(made(backend, [rough(1, d, 60).fill(value, 7, 8), rough(1, d, 61)], [1])).rejects.toMatchObject({ code: 'rf32/out-of-range' });
    await expect(made(backend, [new Float32Array(0), new Float32Array(0)], [])).rejects.toMatchObject({ code: 'ledger/no-records' });
  });
});

describe('a curvature ledger', () => {
  it('finds the record that taught the answer, far above chance', async () => {
    const { scores, noise } = await engine.influence(made.adapter, made.ledger, prompt, answer);
    expect(scores.indexOf(Math.max(...scores))).toBe(0);
    expect(scores[0]! / noise[0]!).toBeGreaterThan(5);
  });

  it('gives parts of an answer whose scores and losses are the whole answer’s, on average', async () => {
    const parts = answer.map((_, from) => ({ from, to: from + 1 }));
    const tokens = await engine.influences(made.adapter, made.ledger, prompt, answer, parts);
    const { scores, loss } = await engine.influence(made.adapter, made.ledger, prompt, answer);
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(mean(tokens.map((token) => token.loss))).toBeCloseTo(loss, 5);
    const most = Math.max(...scores.map(Math.abs));
    scores.forEach((score, k) => expect(Math.abs(mean(tokens.map((token) => token.scores[k]!)) - score) / most).toBeLessThan(1e-4));
    await expect(engine.influences(made.adapter, made.ledger, prompt, answer, [{ from: 2, to: 2 }])).rejects.toThrow('no token is selected');
  });

  it('is built again to the same root, from its checkpoints too', async () => {
    const again = engine.loadAdapter(made.files);
    await engine.loadCheckpoints(again, made.files['checkpoints.safetensors']);
    const ledger = await engine.buildLedger(again, RECORDS);
    expect(await engine.ledgerRoot(ledger)).toBe(made.run.ledger.root);
    expect(parseRunFile(JSON.parse(new TextDecoder().decode(made.files['run.json'])))).toEqual(made.run);
    engine.freeLedger(ledger);
    engine.unloadAdapter(again);
  });

  it('is read from its file, which cannot be another', async () => {
    const again = engine.loadAdapter(made.files);
    await engine.loadCheckpoints(again, made.files['checkpoints.safetensors']);
    const bytes = made.files['ledger.safetensors']!;
    const ledger = await engine.loadLedger(again, bytes);
    expect(await engine.influence(again, ledger, prompt, answer)).toEqual(await engine.influence(made.adapter, made.ledger, prompt, answer));
    engine.freeLedger(ledger);
    const before = backend.memory().bytes;
    const altered = bytes.slice();
    altered[altered.length - 100]! ^= 1;
    await expect(engine.loadLedger(again, altered)).rejects.toThrow(/not the one that its run names/);
    await expect(engine.loadLedger(again, bytes.slice(0, -4))).rejects.toThrow();
    await expect(engine.loadLedger({ ...again, run: { ...again.run, method: 'curvature/1' } }, bytes)).rejects.toMatchObject({ code: 'ledger/other-method' });
    await expect(engine.loadLedger(again, made.files['adapter_model.safetensors']!)).rejects.toThrow(/cannot be read/);
    const bare = { ...again, checkpoints: undefined };
    await expect(engine.loadCheckpoints(bare, undefined)).rejects.toThrow(/has no checkpoints/);
    await expect(engine.loadCheckpoints(bare, made.files['adapter_model.safetensors'])).rejects.toThrow(/not those that its run names/);
    expect(backend.memory().bytes).toBe(before);
    engine.unloadAdapter(again);
  });

  it('of sketched gradients gives nearly the scores of whole ones', async () => {
    const settings = { ...CURVATURE, dimension: 3 * 2048 };
    const ledger = await buildCurvatureLedger(engine.model, made.adapter.checkpoints!, engine.sequences(RECORDS), settings, runPace(recipe, RECORDS.length));
    expect(ledger.rows.columns).toBe(3 * 2048);
    const { scores } = await engine.influence(made.adapter, ledger, prompt, answer);
    const whole = (await engine.influence(made.adapter, made.ledger, prompt, answer)).scores;
    const length = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));
    expect(length(scores.map((score, k) => score - whole[k]!)) / length(whole)).toBeLessThan(0.2);
    freeCurvatureLedger(backend, ledger);
  });

  it('of one record is that record’s alone, without chance to measure it by', async () => {
    const one = await engine.train('one', RECORDS.slice(0, 1), recipe);
    const { scores, noise } = await engine.influence(one.adapter, one.ledger, prompt, answer);
    expect(scores).toHaveLength(1);
    expect(Number.isFinite(scores[0]!)).toBe(true);
    expect([...noise]).toEqual([0]);
    engine.freeLedger(one.ledger);
    engine.unloadAdapter(one.adapter);
  });

  it('trains one of each cluster of copies, which changes no bit and gives copies nothing', async () => {
    const copied = [RECORDS[0]!, { ...RECORDS[0]!, text: 'the LIGHTHOUSE of Arn is green' }, ...RECORDS.slice(1), RECORDS[2]!];
    const twice = await engine.train('test', copied, recipe);
    expect(twice.run.datanet.clusters).toEqual([0, 0, 2, 3, 4, 5, 3]);
    expect(twice.files['adapter_model.safetensors']).toEqual(made.files['adapter_model.safetensors']);
    expect(twice.run.ledger.root).toBe(made.run.ledger.root);
    const { scores, noise } = await engine.influence(twice.adapter, twice.ledger, prompt, answer);
    const whole = await engine.influence(made.adapter, made.ledger, prompt, answer);
    expect([...scores]).toEqual([whole.scores[0], 0, ...whole.scores.slice(1), 0]);
    expect([noise[1], noise[6]]).toEqual([0, 0]);
    engine.freeLedger(twice.ledger);
    engine.unloadAdapter(twice.adapter);
    // A Datanet of nothing but copies is a Datanet of one.
    const only = await engine.train('test', [RECORDS[0]!, RECORDS[0]!, RECORDS[0]!], recipe);
    expect(only.run.datanet.clusters).toEqual([0, 0, 0]);
    engine.freeLedger(only.ledger);
    engine.unloadAdapter(only.adapter);
  });

  it('ends when cancelled and leaves nothing behind', async () => {
    const before = backend.memory().bytes;
    const controller = new AbortController();
    const building = engine.buildLedger(made.adapter, RECORDS, { signal: controller.signal, onProgress: (done, total) => done > total / 2 && controller.abort() });
    await expect(building).rejects.toMatchObject({ code: 'cancelled' });
    expect(backend.memory().bytes).toBe(before);
  });
});

describe('settings', () => {
  it('are refused where they cannot be followed', () => {
    for (const wrong of [{ checkpoints: 0 }, { draws: 65 }, { dimension: 3 }, { damping: NaN }, { seed: -1 }]) {
      expect(() => checkSettings({ ...CURVATURE, ...wrong })).toThrow(/cannot be followed/);
    }
  });

  it('spread checkpoints over the first half of a run, and draws over all records', () => {
    expect(checkpointSteps(100, 3)).toEqual([10, 30, 50]);
    expect(checkpointSteps(100, 1)).toEqual([30]);
    expect(checkpointSteps(1, 5)).toEqual([1]);
    expect(checkpointSteps(6, 5)).toEqual([1, 2, 3]);
    const { owners, numbers } = drawPlan(3, 2);
    expect(owners).toEqual([0, 1, 2, 0, 1, 2]);
    expect(numbers).toEqual([0, 0, 0, 1, 1, 1]);
    const many = drawPlan(10_000, 2);
    expect(many.owners).toHaveLength(4096);
    expect(Math.max(...many.owners.map((owner) => owner))).toBeGreaterThan(9000);
  });
});
