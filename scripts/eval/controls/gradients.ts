/**
 * Gradients of losses with respect to all of an adapter's numbers, one row per record or query, on the host. For the
 * evaluation's small models: a row of the base used here has about ten thousand numbers. The ledger of the product
 * (src/attribution) never leaves the device.
 */
import { hostExp } from '../../../src/arithmetic/host.ts';
import { randomUnit } from '../../../src/arithmetic/random.ts';
import { ledgerNames } from '../../../src/attribution/ledger.ts';
import { LEDGER_ROWS, LOSS_SCALE } from '../../../src/attribution/record-gradients.ts';
import type { Tensor } from '../../../src/kernels/backend.ts';
import { breathe } from '../../../src/kernels/breathe.ts';
import { size } from '../../../src/kernels/operation.ts';
import { Scope } from '../../../src/kernels/scope.ts';
import { type PackedBatch, packBatch } from '../../../src/model/batch.ts';
import { decode, lowestAdapted } from '../../../src/model/decoder.ts';
import type { Lora } from '../../../src/model/lora.ts';
import { loss } from '../../../src/model/loss.ts';
import type { Model } from '../../../src/model/model.ts';
import type { TrainRecipe } from '../../../src/model/recipe.ts';
import { recordWeight } from '../../../src/model/record-loss.ts';
import { type Example, type TrainCheckpoint, fedTokens, initialLora } from '../../../src/model/train.ts';

/** `count` rows of `width` numbers, one after the other. */
export interface Rows {
  count: number;
  width: number;
  values: Float32Array;
}

/** Where each adapter tensor lies in a row. */
export interface Span {
  name: string;
  from: number;
  to: number;
}

export function adapterSpans(lora: Lora): Span[] {
  let at = 0;
  return ledgerNames(lora).map((name) => {
    const pair = lora.pairs.get(name.slice(0, -'.lora_A'.length))!;
    const from = at;
    at += size((name.endsWith('A') ? pair.a : pair.b).shape);
    return { name, from, to: at };
  });
}

/** Examples in groups that one pass takes. */
function* passes(examples: readonly Example[]): Generator<{ first: number; group: readonly Example[] }> {
  for (let first = 0; first < examples.length; ) {
    let end = first + 1;
    for (let rows = fedTokens(examples[first]!); end < examples.length && (rows += fedTokens(examples[end]!)) <= LEDGER_ROWS; ) end++;
    yield { first, group: examples.slice(first, end) };
    first = end;
  }
}

export interface GradientOptions {
  /** Weight of predicted token `t` (from 0, over all of the example's sequences) of example k; `usual` is its weight in the example's mean loss. */
  weight?: ((k: number, t: number, usual: number) => number) | undefined;
  /** What token t of example k should predict, in place of its own. */
  target?: ((k: number, t: number) => number) | undefined;
}

/** Gradient of each example's loss at the adapter: [examples, adapter's numbers]. */
export async function gradientRows(model: Model, lora: Lora, examples: readonly Example[], { weight = (_k, _t, usual) => usual, target }: GradientOptions = {}): Promise<Rows> {
  const spans = adapterSpans(lora);
  const width = spans.at(-1)!.to;
  const rows: Rows = { count: examples.length, width, values: new Float32Array(examples.length * width) };
  for (const { first, group } of passes(examples)) {
    const batch = packBatch(group, (g, s) => recordWeight(group[g]!, s));
    let at = 0;
    group.forEach((example, g) => {
      for (let t = 0; t < predictedTokens(example); t++, at++) {
        batch.weights[at] = Math.fround(LOSS_SCALE * weight(first + g, t, batch.weights[at]!));
        if (target) batch.targets[at] = target(first + g, t);
      }
    });
    const scope = new Scope(model.backend);
    try {
      const { gradients } = loss(scope, model, lora, batch, 'adapter');
      for (const { name, from, to } of spans) {
        const values = (await model.backend.read(gradients.get(name)!)) as Float32Array;
        for (let g = 0; g < group.length; g++) {
          const row = (first + g) * width + from;
          for (let i = 0; i < to - from; i++) rows.values[row + i] = values[g * (to - from) + i]! / LOSS_SCALE;
        }
      }
    } finally {
      scope.release();
    }
    await breathe();
  }
  return rows;
}

export const predictedTokens = (example: Example) => example.reduce((sum, { ids, start }) => sum + ids.length - start, 0);

/** What the model says of each example's predicted tokens. */
export interface TokenOutputs {
  /** Loss of each token. */
  losses: Float32Array;
  /** [tokens, vocabulary] */
  logits: Float32Array;
}

export async function tokenOutputs(model: Model, lora: Lora, examples: readonly Example[]): Promise<TokenOutputs[]> {
  const { vocab } = model.config;
  const out: TokenOutputs[] = [];
  for (const { group } of passes(examples)) {
    const scope = new Scope(model.backend);
    try {
      const result = loss(scope, model, lora, packBatch(group, () => 1), 'loss', { logitBytes: Infinity });
      const losses = (await model.backend.read(result.losses)) as Float32Array;
      const logits = (await model.backend.read(result.logits!)) as Float32Array;
      let at = 0;
      for (const example of group) {
        const tokens = predictedTokens(example);
        out.push({ losses: losses.slice(at, at + tokens), logits: logits.slice(at * vocab, (at + tokens) * vocab) });
        at += tokens;
      }
    } finally {
      scope.release();
    }
    await breathe();
  }
  return out;
}

/** Mean loss of each example. */
export const meanLosses = (examples: readonly Example[], outputs: readonly TokenOutputs[]) =>
  examples.map((example, k) => {
    let at = 0;
    let sum = 0;
    example.forEach(({ ids, start }, s) => {
      for (let t = start; t < ids.length; t++) sum += recordWeight(example, s) * outputs[k]!.losses[at++]!;
    });
    return sum;
  });

/** A label drawn from softmax(logits) for each token of an example; `draw` numbers the draws, `k` the examples. */
export function drawLabels(logits: Float32Array, vocab: number, seed: number, draw: number, k: number): number[] {
  return Array.from({ length: logits.length / vocab }, (_, t) => {
    const row = logits.subarray(t * vocab, (t + 1) * vocab);
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const weights = Array.from(row, (x) => hostExp(Math.max(-700, x - most)));
    let left = randomUnit(seed, 7000 + draw, k * 4096 + t) * weights.reduce((a, b) => a + b, 0);
    const found = weights.findIndex((w) => (left -= w) < 0);
    return found < 0 ? weights.lastIndexOf(Math.max(...weights)) : found;
  });
}

/** Final hidden states at the positions that predict: mean over them, one row per example. */
export async function hiddenRows(model: Model, lora: Lora | undefined, examples: readonly Example[]): Promise<Rows> {
  const { hidden: width } = model.config;
  const rows: Rows = { count: examples.length, width, values: new Float32Array(examples.length * width) };
  for (const { first, group } of passes(examples)) {
    const batch = packBatch(group, (g, s) => recordWeight(group[g]!, s));
    const scope = new Scope(model.backend);
    try {
      const values = (await model.backend.read(hiddenStates(scope, model, lora, batch))) as Float32Array;
      let at = 0;
      group.forEach((example, g) => {
        for (let t = 0; t < predictedTokens(example); t++, at++) {
          const from = batch.targetRows[at]! * width;
          for (let i = 0; i < width; i++) rows.values[(first + g) * width + i]! += batch.weights[at]! * values[from + i]!;
        }
      });
    } finally {
      scope.release();
    }
    await breathe();
  }
  return rows;
}

function hiddenStates(scope: Scope, model: Model, lora: Lora | undefined, batch: PackedBatch): Tensor {
  const index = (name: string, values: Uint32Array) => scope.upload(name, [values.length], values);
  const ranges = {
    ids: index('ids', batch.ids), positions: index('positions', batch.positions),
    lo: index('lo', batch.lo), hi: index('hi', batch.hi), from: index('from', batch.from), to: index('to', batch.to), width: batch.width,
  };
  return decode(scope, model, lora, ranges, undefined, 'nothing', lowestAdapted(model.config, lora)).hidden;
}

/** The adapter as it was at a checkpoint. The caller frees it. */
export function loraAt(model: Model, recipe: TrainRecipe, checkpoint: TrainCheckpoint): Lora {
  const lora = initialLora(model.backend, model.config, recipe, recipe.seed);
  for (const { name, values } of checkpoint.parameters) {
    const pair = lora.pairs.get(name.slice(0, -'.lora_A'.length))!;
    model.backend.write(name.endsWith('A') ? pair.a : pair.b, 0, values);
  }
  return lora;
}
