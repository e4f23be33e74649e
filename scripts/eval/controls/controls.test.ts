import { describe, expect, it } from 'vitest';
import { initialWeights } from '../../pretrain/initial-weights.ts';
import { configJson } from '../../pretrain/recipe.ts';
import { randomNormal } from '../../../src/arithmetic/random.ts';
import { buildLedger, freeLedger } from '../../../src/attribution/ledger.ts';
import { LOSS_SCALE } from '../../../src/attribution/record-gradients.ts';
import { influence } from '../../../src/attribution/datainf.ts';
import { createCpuBackend } from '../../../src/kernels/cpu/backend.ts';
import type { Sequence } from '../../../src/model/batch.ts';
import { parseConfig } from '../../../src/model/config.ts';
import { uploadModel } from '../../../src/model/model.ts';
import { DEFAULT_RECIPE, type TrainRecipe } from '../../../src/model/recipe.ts';
import { type TrainCheckpoint, meanLoss, train } from '../../../src/model/train.ts';
import { spearman } from '../statistics.ts';
import { adamScaling, cosine, gradientProduct, random, tfidf, tracIn } from './controls.ts';
import { type Rows, adapterSpans, drawLabels, gradientRows, hiddenRows, loraAt, meanLosses, predictedTokens, tokenOutputs } from './gradients.ts';
import { cholesky, products, solve } from './host-matrix.ts';
import { curvatureReference, dataInfReference, earlyStoppingReference } from './reference.ts';

const rows = (values: number[][]): Rows => ({ count: values.length, width: values[0]!.length, values: Float32Array.from(values.flat()) });
const randomRows = (count: number, width: number, stream: number) => rows(Array.from({ length: count }, (_, i) => Array.from({ length: width }, (_, j) => randomNormal(9, stream + i, j))));

const config = parseConfig(configJson(32, 2, 48, 96));
const backend = await createCpuBackend();
const model = uploadModel(backend, config, initialWeights(config, 1));
const example = (seed: number, ...lengths: number[]): Sequence[] =>
  lengths.map((length, s) => ({ ids: Array.from({ length }, (_, i) => 1 + ((seed * 31 + s * 17 + i * 7) % 90)), start: 1 + (seed % 3) }));
const records = [example(1, 8), example(2, 6, 9), example(3, 12), example(4, 5, 5), example(5, 7)];
const recipe: TrainRecipe = { ...DEFAULT_RECIPE, rank: 2, alpha: 4, epochs: 3, batch: 3 };
const checkpoints: TrainCheckpoint[] = [];
const lora = await train(model, records, recipe, { checkpointEvery: 2, onCheckpoint: (one) => void checkpoints.push(one) });

describe('gradients on the host', () => {
  it('are the ledger’s', async () => {
    const ledger = await buildLedger(model, lora, records);
    const own = await gradientRows(model, lora, records);
    const spans = adapterSpans(lora);
    for (const { name, gradients } of ledger.tensors) {
      const { from, to } = spans.find((span) => span.name === name)!;
      const values = (await backend.read(gradients)) as Float32Array;
      for (let k = 0; k < records.length; k++) {
        expect(own.values.slice(k * own.width + from, k * own.width + to)).toEqual(values.slice(k * (to - from), (k + 1) * (to - from)).map((x) => x / LOSS_SCALE));
      }
    }
    // DataInf by the reference form is the product's.
    const query = records[2]!;
    const expected = (await influence(model, lora, ledger, query[0]!)).scores;
    const got = dataInfReference(own, await gradientRows(model, lora, [query]), spans)[0]!;
    got.forEach((value, k) => expect(Math.abs(value - expected[k]!)).toBeLessThan(1e-4 * Math.max(...got.map(Math.abs))));
    freeLedger(model, ledger);
  });
  it('take other labels and weights: a token of weight 0 counts for nothing', async () => {
    const outputs = await tokenOutputs(model, lora, records);
    expect(meanLosses(records, outputs).reduce((a, b) => a + b, 0) / 5).toBeCloseTo(await meanLoss(model, lora, records), 5);
    const usual = await gradientRows(model, lora, records);
    const nothing = await gradientRows(model, lora, records, { weight: () => 0 });
    expect(nothing.values.some((x) => x !== 0)).toBe(false);
    const others = await gradientRows(model, lora, records, { target: (k, t) => drawLabels(outputs[k]!.logits, 96, 1, 0, k)[t]! });
    expect(others.values).not.toEqual(usual.values);
    const same = await gradientRows(model, lora, records, { target: (k, t) => records[k]!.flatMap(({ ids, start }) => ids.slice(start))[t]! });
    expect(same.values).toEqual(usual.values);
    expect(predictedTokens(records[1]!)).toBe(outputs[1]!.losses.length);
  });
  it('labels are drawn as often as the model says', () => {
    const logits = Float32Array.of(0, Math.log(3), -Infinity, 0);
    const counts = [0, 0, 0, 0];
    for (let draw = 0; draw < 2000; draw++) counts[drawLabels(logits, 4, 1, draw, 0)[0]!]!++;
    [0.2, 0.6, 0, 0.2].forEach((part, v) => expect(counts[v]! / 2000).toBeCloseTo(part, 1));
  });
  it('hidden states are means over the predicting positions', async () => {
    const { width, values } = await hiddenRows(model, lora, records);
    expect(width).toBe(32);
    expect((await hiddenRows(model, lora, [records[3]!])).values).toEqual(values.slice(3 * 32, 4 * 32));
  });
  it('an adapter is as it was at a checkpoint', async () => {
    const before = loraAt(model, recipe, checkpoints[0]!);
    const [name] = before.pairs.keys();
    expect(await backend.read(before.pairs.get(name!)!.a)).toEqual(checkpoints[0]!.parameters.find((one) => one.name === `${name}.lora_A`)!.values);
  });
});

describe('reference forms', () => {
  const f = randomRows(7, 12, 0), g = randomRows(4, 12, 100), v = randomRows(3, 12, 200);
  const row = (rows: Rows, i: number) => Array.from(rows.values.slice(i * rows.width, (i + 1) * rows.width));

  it('Woodbury is the inverse of the whole matrix, for one block and for two', () => {
    const direct = (from: number, to: number) => {
      const p = to - from;
      const matrix = Array.from({ length: p }, (_, a) => Float64Array.from({ length: p }, (_, b) => {
        let sum = 0;
        for (let i = 0; i < 7; i++) sum += f.values[i * 12 + from + a]! * f.values[i * 12 + from + b]!;
        return sum / 7;
      }));
      const lambda = (0.3 * matrix.reduce((sum, line, i) => sum + line[i]!, 0)) / p;
      for (let i = 0; i < p; i++) matrix[i]![i]! += lambda;
      const l = cholesky(matrix);
      return [0, 1, 2].map((q) => [0, 1, 2, 3].map((k) => solve(l, row(v, q).slice(from, to)).reduce((sum, x, i) => sum + x * row(g, k).slice(from, to)[i]!, 0)));
    };
    const whole = direct(0, 12);
    curvatureReference(f, g, v, 0.3).forEach((line, q) => line.forEach((value, k) => expect(value).toBeCloseTo(whole[q]![k]!, 9)));
    const [left, right] = [direct(0, 5), direct(5, 12)];
    curvatureReference(f, g, v, 0.3, [{ name: 'a', from: 0, to: 5 }, { name: 'b', from: 5, to: 12 }]).forEach((line, q) =>
      line.forEach((value, k) => expect(value).toBeCloseTo(left[q]![k]! + right[q]![k]!, 9)),
    );
  });
  it('much damping gives the order of the gradient product', () => {
    const product = gradientProduct(g, v);
    curvatureReference(f, g, v, 1e6).forEach((line, q) => expect(spearman(line, product[q]!)).toBeCloseTo(1, 9));
  });
  it('early stopping: one point is the inverse in the metric of the gradients’ size, points add up', () => {
    const squares = Array.from({ length: 12 }, (_, i) => [0, 1, 2, 3].reduce((sum, k) => sum + row(g, k)[i]! ** 2, 0));
    const d = squares.map((sum) => Math.sqrt(sum / 4 / 8));
    const matrix = Array.from({ length: 12 }, (_, a) => Float64Array.from({ length: 12 }, (_, b) => {
      let sum = a === b ? 0.7 * d[a]! : 0;
      for (let i = 0; i < 7; i++) sum += (row(f, i)[a]! * row(f, i)[b]!) / 7;
      return sum;
    }));
    const l = cholesky(matrix);
    const by = (rows: Rows, q: number, k: number) => solve(l, row(rows, q)).reduce((sum, x, i) => sum + x * row(g, k)[i]!, 0);
    const point = { records: g, queries: v, labels: f };
    earlyStoppingReference([point], 8, 0.7).forEach((line, q) => line.forEach((value, k) => expect(value).toBeCloseTo(2 * by(v, q, k), 5)));
    // Each point reads the query with its own gradient and the last one's: v + w, then w + w.
    const w = randomRows(3, 12, 500);
    earlyStoppingReference([point, { ...point, queries: w }], 8, 0.7).forEach((line, q) => line.forEach((value, k) => expect(value).toBeCloseTo(by(v, q, k) + 3 * by(w, q, k), 5)));
  });
  it('zero gradients score zero', () => {
    const zero: Rows = { count: 2, width: 12, values: new Float32Array(24) };
    expect(curvatureReference(zero, zero, v, 1)).toEqual([[0, 0], [0, 0], [0, 0]]);
    expect(earlyStoppingReference([{ records: zero, queries: v, labels: zero }], 2, 1)).toEqual([[0, 0], [0, 0], [0, 0]]);
    expect(dataInfReference(zero, v, [{ name: 'a', from: 0, to: 12 }])).toEqual([[0, 0], [0, 0], [0, 0]]);
  });
  it('products of many rows in pieces', () => {
    const a = randomRows(3, 2100, 300), b = randomRows(6, 2100, 400);
    const lines = [0, 1, 2, 3, 4, 5].map((j) => row(b, j));
    const by = (i: number, j: number) => row(a, i).reduce((sum, x, t) => sum + x * lines[j]![t]!, 0);
    products(a, b).forEach((line, i) => line.forEach((value, j) => expect(value).toBeCloseTo(by(i, j), 9)));
    const gram = products(b, b);
    expect(gram[1]![4]).toBe(gram[4]![1]);
  });
});

describe('controls', () => {
  it('gradient product and cosine by hand', () => {
    const r = rows([[1, 2], [0, -3]]), q = rows([[2, 1], [0, 0]]);
    expect(gradientProduct(r, q)).toEqual([[4, -3], [0, 0]]);
    expect(cosine(r, q)[0]![0]).toBeCloseTo(4 / 5, 7);
    expect(cosine(r, q)[1]).toEqual([0, 0]);
  });
  it('TracIn weighs by rate and by Adam’s scaling', () => {
    const one = { records: rows([[1, 1]]), queries: rows([[2, 3]]), rate: 0.5, scaling: Float64Array.of(1, 10) };
    expect(tracIn([one, { ...one, rate: 0.25 }])).toEqual([[0.75 * 32]]);
    // v = 0.04 · (1 − 0.98) after one step of a gradient of 0.2.
    expect(adamScaling([0.04 * (1 - 0.98)], 1, 0.98, 0)[0]).toBeCloseTo(5, 9);
  });
  it('TF-IDF: rare words shared count most, nothing shared nothing', () => {
    const [scores] = tfidf(['the cat sat', 'the dog sat', 'a zebra'], ['the zebra'])!;
    expect(scores![2]).toBeGreaterThan(scores![0]!);
    expect(scores![0]).toBeCloseTo(scores![1]!, 12);
    expect(tfidf(['one', 'two'], ['three'])).toEqual([[0, 0]]);
    expect(tfidf(['the same'], ['The SAME'])[0]![0]).toBeCloseTo(1, 12);
  });
  it('random is the same twice', () => {
    expect(random(3, 2, 1)).toEqual(random(3, 2, 1));
  });
});
