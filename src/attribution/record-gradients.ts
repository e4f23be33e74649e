import { randomUnit } from '../arithmetic/random.ts';
import { throwIfAborted } from '../errors.ts';
import { breathe } from '../kernels/breathe.ts';
import { size } from '../kernels/operation.ts';
import { Scope } from '../kernels/scope.ts';
import { type Sequence, packBatch } from '../model/batch.ts';
import type { Lora } from '../model/lora.ts';
import type { Gradients } from '../model/linear.ts';
import { loss } from '../model/loss.ts';
import type { Model } from '../model/model.ts';
import { recordWeight } from '../model/record-loss.ts';

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

/** Labels drawn from the model instead of a record's own: draw `draw` of the generator `seed`. */
export interface Drawn {
  seed: number;
  draw: number;
}

interface PassOptions {
  /** Gradient of the record's loss where undefined; else of one draw, Σ_t √w_t ∇ℓ_t, w_t a token's weight in that loss. */
  drawn?: Drawn | undefined;
  passBytes?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: Progress | undefined;
}

/** Random streams of the draws: one for each record and draw, counted by the record's predicted tokens. */
const stream = (record: number, draw: number) => Math.imul(record, 0x9e3779b1) + draw;

/**
 * Gradients of many records, some at a time, times LOSS_SCALE: `use` gets [count,…] by tensor for the records
 * `which[first]`, …, `which[first + count − 1]`; they are freed when it returns. Throws `cancelled`, `rf32/out-of-range`.
 */
export async function eachRecordGradients(
  model: Model,
  lora: Lora,
  records: readonly (readonly Sequence[])[],
  which: readonly number[],
  use: (scope: Scope, gradients: Gradients, first: number, count: number) => void | Promise<void>,
  { drawn, passBytes = PASS_BYTES, signal, onProgress }: PassOptions = {},
): Promise<void> {
  const { backend } = model;
  const bytes = 4 * adapterTensors(lora).reduce((sum, { values }) => sum + values, 0);
  const mostRecords = Math.max(1, Math.floor(passBytes / bytes));
  for (let first = 0; first < which.length; ) {
    throwIfAborted(signal);
    let rows = 0;
    let end = first;
    while (end < which.length && end - first < mostRecords && (end === first || rows + fed(records[which[end]!]!) <= LEDGER_ROWS)) rows += fed(records[which[end++]!]!);
    const group = which.slice(first, end).map((k) => records[k]!);
    const scope = new Scope(backend);
    try {
      const weight = (g: number, at: number) => recordWeight(group[g]!, at);
      const batch = packBatch(group, (g, at) => (drawn ? Math.sqrt(weight(g, at)) : weight(g, at)) * LOSS_SCALE, model.config.window);
      const uniforms = drawn && chances(group, which.slice(first, end), drawn);
      const { gradients, total } = loss(scope, model, lora, batch, 'adapter', { uniforms });
      await use(scope, gradients, first, end - first);
      await backend.read(total);
    } finally {
      scope.release();
    }
    first = end;
    onProgress?.(first, which.length);
    await breathe();
  }
}

/** One number in [0,1) for each predicted token, in the order of the batch. */
function chances(group: readonly (readonly Sequence[])[], numbers: readonly number[], { seed, draw }: Drawn): Float32Array {
  return Float32Array.from(
    group.flatMap((record, g) => {
      const count = record.reduce((sum, { ids, start }) => sum + ids.length - start, 0);
      return Array.from({ length: count }, (_, token) => randomUnit(seed, stream(numbers[g]!, draw), token));
    }),
  );
}

const fed = (record: readonly Sequence[]) => record.reduce((sum, { ids }) => sum + ids.length - 1, 0);
