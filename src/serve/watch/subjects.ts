import type { Catalog } from '../../attribution/catalog.ts';
import type { BaseIdentity } from '../../attribution/engine.ts';
import type { Tracer } from '../../attribution/trace/tracer.ts';
import type { Adapter } from '../../chain/list-adapters.ts';
import type { DatanetVersion } from '../../chain/list-datanets.ts';
import { OpenLedgerError } from '../../errors.ts';
import type { Receipt } from '../../protocol/receipt.ts';
import { type VersionRecord, versionRoot } from '../../protocol/record.ts';

/** What claims about one adapter are computed with. */
export interface Subject {
  tracer: Tracer;
  records: readonly VersionRecord[];
  /** run.datanet.clusters. */
  clusters?: readonly number[] | undefined;
}

/** Opens what an adapter's claims are computed with. Throws coded errors where it cannot be had, or is not what the chain names. */
export interface Subjects {
  open(adapter: Adapter, version: DatanetVersion, receipt: Receipt | undefined): Promise<Subject>;
}

/**
 * By CID, everything compared with the roots on chain. Only `bases` are opened, in the format that a receipt names: a receipt is
 * anybody's, and a base may be of any size.
 */
export function catalogSubjects(catalog: Catalog, bases: readonly BaseIdentity[]): Subjects {
  return {
    async open(adapter, version, receipt) {
      const engine = await baseOf(catalog, bases, adapter, receipt);
      const loaded = await catalog.adapter(engine, adapter.cid);
      const { records } = await catalog.version(version.cid);
      if (loaded.root !== adapter.adapterRoot || versionRoot(records) !== version.root) {
        throw new OpenLedgerError({ code: 'watch/other-content', what: 'The adapter’s content is not what the chain names.', why: 'The root of its weights or of its records is another.', next: 'Its claims cannot be checked.' });
      }
      const published = { records, openledger: 'datanet-version/1' as const, name: '' };
      const ledger = await catalog.ledger(engine, loaded, adapter.cid, published, version.cid).catch((error: unknown) => {
        // The records give it too; the program's hash says whether it is the one that was committed to.
        if (error instanceof OpenLedgerError && error.code.startsWith('ledger/')) return catalog.ledger(engine, loaded, adapter.cid, published, version.cid, { build: true });
        throw error;
      });
      return { tracer: await engine.tracer(ledger), records, clusters: loaded.run.datanet.clusters };
    },
  };
}

async function baseOf(catalog: Catalog, bases: readonly BaseIdentity[], adapter: Adapter, receipt: Receipt | undefined) {
  for (const base of bases) {
    for (const format of new Set([undefined, receipt?.base.format])) {
      const engine = await catalog.engine(base, { format });
      if (engine.root === adapter.baseRoot) return engine;
    }
  }
  throw new OpenLedgerError({ code: 'watch/other-base', what: 'The adapter’s base model is none that this watcher was given.', next: 'Name it with --base CID.' });
}
