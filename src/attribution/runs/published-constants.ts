import type { Catalog } from '../catalog.ts';
import type { Engine } from '../engine.ts';
import type { ProgramConstants } from './outcome-evidence.ts';

/**
 * The program of an adapter's answers, with the constants that its checkpoints and ledger give as they were published. Throws `ledger/…` and
 * `storage/…` where they cannot be had or are not what run.json names.
 */
export async function publishedConstants(catalog: Catalog, engine: Engine, adapterCid: string, versionCid: string, options: { signal?: AbortSignal | undefined } = {}): Promise<ProgramConstants> {
  const adapter = await catalog.adapter(engine, adapterCid, options);
  const version = await catalog.version(versionCid, options);
  return engine.tracer(await catalog.ledger(engine, adapter, adapterCid, version, versionCid, options), options);
}
