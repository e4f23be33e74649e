import { throwIfAborted } from '../errors.ts';
import type { Tensor } from '../kernels/backend.ts';
import { breathe } from '../kernels/breathe.ts';
import { matmulNT } from '../kernels/matmul/operation.ts';
import { size } from '../kernels/operation.ts';
import { placeRows } from '../kernels/rows/operation.ts';
import { Scope } from '../kernels/scope.ts';
import { type Sequence, packBatch } from '../model/batch.ts';
import { loss } from '../model/loss.ts';
import type { Lora } from '../model/lora.ts';
import type { Model } from '../model/model.ts';
import { recordWeight } from '../model/record-loss.ts';

/**
 * Losses are multiplied by this power of two before their gradients are taken, for records and answers alike, so
 * that small gradients stay clear of RF32's 2^-50. DataInf does not change: λ and ⟨v,g⟩ grow by the same factor.
 */
export const LOSS_SCALE = 1024;

/** Fed tokens per pass; a record's gradient does not depend on how records are packed. */
const ROWS_PER_PASS = 768;

/** One adapter tensor's part of the ledger: n records, P values. */
export interface LedgerTensor {
  name: string;
  values: number;
  /** [n,P] gradient of each record's loss, times LOSS_SCALE. */
  gradients: Tensor;
  /** [n,n] Gram matrix of the rows of `gradients`. */
  gram: Tensor;
}

export interface Ledger {
  records: number;
  tensors: LedgerTensor[];
}

/** Adapter tensor names in ledger order: each layer's A, then its B. */
export function ledgerNames(lora: Lora): string[] {
  return [...lora.pairs.keys()].flatMap((name) => [`${name}.lora_A`, `${name}.lora_B`]);
}

export interface Progress {
  (done: number, total: number): void;
}

/**
 * Gradients of every record's loss at the given adapter, and their Gram matrices. `records[k]` is the list of
 * sequences of record k. The tensors live until `freeLedger`.
 */
export async function buildLedger(
  model: Model,
  lora: Lora,
  records: readonly (readonly Sequence[])[],
  { signal, onProgress }: { signal?: AbortSignal | undefined; onProgress?: Progress | undefined } = {},
): Promise<Ledger> {
  const { backend } = model;
  const n = records.length;
  const held = new Scope(backend);
  try {
    const tensors = ledgerNames(lora).map((name) => {
      const pair = lora.pairs.get(name.slice(0, -'.lora_A'.length))!;
      const values = size((name.endsWith('A') ? pair.a : pair.b).shape);
      return { name, values, gradients: held.upload(`${name}.ledger`, [n, values], new Float32Array(n * values)) };
    });
    for (let first = 0; first < n; ) {
      throwIfAborted(signal);
      let rows = 0;
      let end = first;
      while (end < n && (end === first || rows + rowsOf(records[end]!) <= ROWS_PER_PASS)) rows += rowsOf(records[end++]!);
      const group = records.slice(first, end);
      const scope = new Scope(backend);
      try {
        const batch = packBatch(group, (g, at) => recordWeight(group[g]!, at) * LOSS_SCALE, model.config.window);
        const { gradients, total } = loss(scope, model, lora, batch, 'adapter');
        for (const tensor of tensors) {
          scope.run(placeRows, tensor.name, [tensor.gradients, gradients.get(tensor.name)!], { at: first });
        }
        await backend.read(total);
      } finally {
        scope.release();
      }
      first = end;
      onProgress?.(first, n);
      await breathe();
    }
    const ledger: Ledger = {
      records: n,
      tensors: tensors.map((tensor) => ({
        ...tensor,
        gram: held.one(matmulNT, `${tensor.name}.gram`, [tensor.gradients, tensor.gradients]),
      })),
    };
    for (const { gradients, gram } of ledger.tensors) {
      held.keep(gradients);
      held.keep(gram);
    }
    return ledger;
  } finally {
    held.release();
  }
}

const rowsOf = (record: readonly Sequence[]) => record.reduce((sum, { ids }) => sum + ids.length - 1, 0);

export function freeLedger(model: Model, ledger: Ledger): void {
  for (const { gradients, gram } of ledger.tensors) {
    model.backend.free(gradients);
    model.backend.free(gram);
  }
  ledger.tensors.length = 0;
}
