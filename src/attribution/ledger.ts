import { OpenLedgerError } from '../errors.ts';
import type { Backend, Tensor } from '../kernels/backend.ts';
import { matmulNT } from '../kernels/matmul/operation.ts';
import { placeRows } from '../kernels/rows/operation.ts';
import { Scope } from '../kernels/scope.ts';
import type { Sequence } from '../model/batch.ts';
import type { Gradients } from '../model/linear.ts';
import type { Lora } from '../model/lora.ts';
import type { Model } from '../model/model.ts';
import { memoryAllowed } from '../model/weights/plan-weights.ts';
import { PASS_BYTES, type Progress, adapterTensors, eachRecordGradients } from './record-gradients.ts';

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
export const ledgerNames = (lora: Lora): string[] => adapterTensors(lora).map(({ name }) => name);

/** Bytes of a ledger of n records, with the gradients of the pass that fills it. */
export function ledgerBytes(tensors: readonly { values: number }[], n: number): number {
  const record = 4 * tensors.reduce((sum, { values }) => sum + values, 0);
  return n * record + 4 * n * n * tensors.length + Math.min(n * record, Math.max(record, PASS_BYTES));
}

/** Throws `ledger/too-large` with the numbers where a ledger cannot fit, before anything of it is allocated. */
export function requireLedgerMemory(backend: Backend, tensors: readonly { name: string; values: number }[], n: number): void {
  const text = (bytes: number) => (bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`);
  const refuse = (why: string) =>
    new OpenLedgerError({
      code: 'ledger/too-large',
      what: 'The gradients of these records do not fit into the memory of this device.',
      why,
      next: 'Use fewer records, a smaller rank, fewer targets, or another device.',
    });
  const needed = ledgerBytes(tensors, n);
  const allowed = memoryAllowed(backend);
  if (needed > allowed) {
    const values = tensors.reduce((sum, tensor) => sum + tensor.values, 0);
    throw refuse(`${n} records, ${values} numbers of the adapter each, take ${text(needed)}; ${text(Math.max(0, allowed))} are left.`);
  }
  for (const { name, values } of tensors) {
    const bytes = 4 * n * Math.max(values, n);
    if (bytes > backend.maxBinding) throw refuse(`Those of ${name} are ${text(bytes)}; one tensor may have ${text(backend.maxBinding)} here.`);
  }
}

/**
 * Gradients of every record's loss at the given adapter, and their Gram matrices. `records[k]` is the list of
 * sequences of record k; `passBytes` bounds the gradients held beside them. The tensors live until `freeLedger`. Throws `ledger/too-large`, `cancelled`.
 */
export async function buildLedger(
  model: Model,
  lora: Lora,
  records: readonly (readonly Sequence[])[],
  options: { signal?: AbortSignal | undefined; onProgress?: Progress | undefined; passBytes?: number | undefined } = {},
): Promise<Ledger> {
  const { backend } = model;
  const n = records.length;
  const shapes = adapterTensors(lora);
  requireLedgerMemory(backend, shapes, n);
  const held = new Scope(backend);
  try {
    const tensors = shapes.map((shape) => ({ ...shape, gradients: held.create(`${shape.name}.ledger`, [n, shape.values], 'f32') }));
    const place = (scope: Scope, gradients: Gradients, at: number) => {
      for (const tensor of tensors) scope.run(placeRows, tensor.name, [tensor.gradients, gradients.get(tensor.name)!], { at });
    };
    await eachRecordGradients(model, lora, records, [...records.keys()], place, options);
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

export function freeLedger(model: Model, ledger: Ledger): void {
  for (const { gradients, gram } of ledger.tensors) {
    model.backend.free(gradients);
    model.backend.free(gram);
  }
  ledger.tensors.length = 0;
}
