import { randomUnit } from '../arithmetic/random.ts';
import { throwIfAborted } from '../errors.ts';
import { breathe } from '../kernels/breathe.ts';
import { size } from '../kernels/operation.ts';
import type { Scope } from '../kernels/scope.ts';
import { type Sequence, packBatch } from '../model/batch.ts';
import type { Lora } from '../model/lora.ts';
import type { Gradients } from '../model/linear.ts';
import type { Model } from '../model/model.ts';
import { recordWeight } from '../model/record-loss.ts';
import { type LabelSet, labelGradients } from './curvature/label-gradients.ts';

/**
 * Losses are multiplied by this power of two before their gradients are taken, for records and answers alike, so
 * that small gradients stay clear of RF32's 2^-50. No method notices: scores of one answer only keep their proportions.
 */
export const LOSS_SCALE = 1024;

/** Fed tokens per pass; a record's gradient does not depend on how records are packed. */
export const LEDGER_ROWS = 768;
/** Gradients that a pass holds: with a large adapter fewer records go through at once. */
export const PASS_BYTES = 64 * 2 ** 20;

export interface Progress {
  (done: number, total: number): void;
}

/** Adapter tensor names in ledger order, each layer's A, then its B, with how many numbers each has. */
export function adapterTensors(lora: Lora): { name: string; values: number }[] {
  return [...lora.pairs].flatMap(([name, { a, b }]) => [
    { name: `${name}.lora_A`, values: size(a.shape) },
    { name: `${name}.lora_B`, values: size(b.shape) },
  ]);
}

/** Labels drawn from the model: draw `draw` of the generator `seed`. */
export interface Drawn {
  seed: number;
  draw: number;
}

/** `own`: the gradient of the record's loss. Else of one draw, Σ_t √w_t ∇ℓ_t, w_t a token's weight in that loss. */
export type Labels = 'own' | Drawn;

interface PassOptions {
  passBytes?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Counts records passed, each once however many labels it has. */
  onProgress?: Progress | undefined;
}

/** Random streams of the draws: one for each record and draw, counted by the record's predicted tokens. */
const stream = (record: number, draw: number) => Math.imul(record, 0x9e3779b1) + draw;

/**
 * Gradients of many records, some at a time, times LOSS_SCALE: `use` gets [count,…] by tensor for the records
 * `which[first]`, …, `which[first + count − 1]` and each of `labels` in turn, which share one forward pass; they are freed
 * when it returns. Throws `cancelled`, `record/too-long`, `rf32/out-of-range`.
 */
export async function eachLabelGradients(
  model: Model,
  lora: Lora,
  records: readonly (readonly Sequence[])[],
  which: readonly number[],
  labels: readonly Labels[],
  use: (scope: Scope, gradients: Gradients, label: number, first: number, count: number) => void | Promise<void>,
  { passBytes = PASS_BYTES, signal, onProgress }: PassOptions = {},
): Promise<void> {
  const bytes = 4 * adapterTensors(lora).reduce((sum, { values }) => sum + values, 0);
  const mostRecords = Math.max(1, Math.floor(passBytes / bytes));
  for (let first = 0; first < which.length; ) {
    throwIfAborted(signal);
    let rows = 0;
    let end = first;
    while (end < which.length && end - first < mostRecords && (end === first || rows + fed(records[which[end]!]!) <= LEDGER_ROWS)) rows += fed(records[which[end++]!]!);
    const numbers = which.slice(first, end);
    const group = numbers.map((k) => records[k]!);
    const batch = packBatch(group, () => 1, model.config.window);
    await labelGradients(model, lora, batch, labels.map((label) => labelSet(group, numbers, label)), (scope, gradients, label) => use(scope, gradients, label, first, end - first));
    first = end;
    onProgress?.(first, which.length);
    await breathe();
  }
}

/** The same of the records' own labels alone. */
export function eachRecordGradients(
  model: Model,
  lora: Lora,
  records: readonly (readonly Sequence[])[],
  which: readonly number[],
  use: (scope: Scope, gradients: Gradients, first: number, count: number) => void | Promise<void>,
  options: PassOptions = {},
): Promise<void> {
  return eachLabelGradients(model, lora, records, which, ['own'], (scope, gradients, _label, first, count) => use(scope, gradients, first, count), options);
}

/** Float32: by how much the loss of each predicted token of a record's sequence `at` counts in its gradient. */
export function labelWeight(record: readonly Sequence[], at: number, labels: Labels): number {
  const weight = recordWeight(record, at);
  return Math.fround((labels === 'own' ? weight : Math.sqrt(weight)) * LOSS_SCALE);
}

/** One number in [0,1) for each predicted token of record number `record`, in order. */
export const drawnUniforms = ({ seed, draw }: Drawn, record: number, tokens: number): number[] =>
  Array.from({ length: tokens }, (_, token) => randomUnit(seed, stream(record, draw), token));

export const predictedTokens = (record: readonly Sequence[]): number => record.reduce((sum, { ids, start }) => sum + ids.length - start, 0);

/** Weights of the predicted tokens in the order of the batch, and for a draw one number in [0,1) for each. */
function labelSet(group: readonly (readonly Sequence[])[], numbers: readonly number[], labels: Labels): LabelSet {
  const weights = group.flatMap((record) => record.flatMap(({ ids, start }, at) => new Array<number>(ids.length - start).fill(labelWeight(record, at, labels))));
  const uniforms = labels === 'own' ? undefined : group.flatMap((record, g) => drawnUniforms(labels, numbers[g]!, predictedTokens(record)));
  return { weights: Float32Array.from(weights), uniforms: uniforms && Float32Array.from(uniforms) };
}

const fed = (record: readonly Sequence[]) => record.reduce((sum, { ids }) => sum + ids.length - 1, 0);
