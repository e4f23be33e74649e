import { toWire } from '../../errors.ts';
import { parseEntries } from '../../model/safetensors.ts';
import { checkpointsOf, settingsOf } from '../adapters.ts';
import type { Catalog } from '../catalog.ts';
import type { CurvatureLedger } from '../curvature/curvature-ledger.ts';
import type { Engine, LoadedAdapter } from '../engine.ts';
import type { ProgramConstants } from './outcome-evidence.ts';

interface Options {
  signal?: AbortSignal | undefined;
}

/**
 * The program of an adapter's answers, with the constants that its checkpoints and ledger give as they were published. Throws `ledger/…` and
 * `storage/…` where they cannot be had or are not what run.json names.
 */
export async function publishedConstants(catalog: Catalog, engine: Engine, adapterCid: string, versionCid: string, options: Options = {}): Promise<ProgramConstants> {
  const adapter = await catalog.adapter(engine, adapterCid, options);
  const version = await catalog.version(versionCid, options);
  let ledger: CurvatureLedger | undefined;
  try {
    ledger = await catalog.ledger(engine, adapter, adapterCid, version, versionCid, options);
  } catch (error) {
    if (toWire(error).code !== 'ledger/damaged') throw error;
    ledger = await ofOtherSize(catalog, engine, adapter, adapterCid, options);
    if (!ledger) throw error;
  }
  return engine.tracer(ledger, options);
}

/** The last of each engine: who registers such an adapter has it in dispute, and nobody answers with it. */
const held = new WeakMap<Engine, { cid: string; ledger: CurvatureLedger }>();
const MAX_BYTES = 512 * 2 ** 20;

/**
 * A ledger of another number of records than its run has: nobody answers with that, but the program that it gives may be registered,
 * and then it is what convicts. Undefined where the file has no number of records. Throws as reading any ledger.
 */
async function ofOtherSize(catalog: Catalog, engine: Engine, adapter: LoadedAdapter, cid: string, { signal }: Options): Promise<CurvatureLedger | undefined> {
  const known = held.get(engine);
  if (known?.cid === cid) return known.ledger;
  const read = { maxBytes: MAX_BYTES, ...(signal ? { signal } : {}) };
  const file = (await catalog.store.readDirectory(cid, undefined, read)).get('ledger.safetensors');
  if (!file) return undefined;
  const bytes = await catalog.store.readFile(file.cid, undefined, read);
  const records = (parseEntries(bytes, 'ledger.safetensors').get('noise')?.bytes.length ?? 0) / 4;
  if (records === 0 || !Number.isInteger(records)) return undefined;
  const { readLedgerFile } = await import('../curvature/curvature.ts');
  const ledger = readLedgerFile(engine.backend, bytes, checkpointsOf(adapter), settingsOf(adapter.run), records, adapter.run.ledger.root);
  if (known) engine.freeLedger(known.ledger);
  held.set(engine, { cid, ledger });
  return ledger;
}
