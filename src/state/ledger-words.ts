import type { RunFile } from '../protocol/run.ts';

/** Bits a number of a ledger's rows takes, with its share of the scales. */
const BITS = 4.5;

/** A run's ledger: how much it is, and by which settings it was made. */
export interface LedgerSize {
  /** Records that have a row: copies have none. */
  records: number;
  /** At most: small adapters have fewer numbers. */
  bytesPerRecord: number;
  /** At most, with the scale of the adapter's numbers, which is as large as the adapter. */
  bytes: number;
}

export function ledgerSize({ datanet, ledger }: Pick<RunFile, 'datanet' | 'ledger'>, adapterBytes: number): LedgerSize {
  const records = datanet.clusters ? datanet.clusters.filter((of, k) => of === k).length : datanet.records;
  // And the noise, a float32.
  const bytesPerRecord = Math.ceil((ledger.dimension * BITS) / 8) + 4;
  return { records, bytesPerRecord, bytes: records * bytesPerRecord + adapterBytes };
}
