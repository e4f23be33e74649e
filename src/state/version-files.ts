import type { DatanetVersion } from '../chain/list-datanets.ts';
import { OpenLedgerError } from '../errors.ts';
import type { DatanetVersionFile } from '../protocol/record.ts';
import { recordsRootInSlices, versionRootInSlices } from '../protocol/roots-in-slices.ts';
import { parseVersionFile } from '../protocol/version-file.ts';
import type { Session } from './session.svelte.ts';

const MOST_KEPT = 12;

/** Files of Datanet versions, from IPFS and held against what the chain says of them. */
export class VersionFiles {
  #session: Session;
  #kept = new Map<string, Promise<DatanetVersionFile>>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Errors: those of the content store, `datanet/invalid-version`, `datanet/other-records`. */
  read(version: DatanetVersion): Promise<DatanetVersionFile> {
    const key = `${version.cid} ${version.root}`;
    let file = this.#kept.get(key);
    if (!file) {
      file = this.#readNow(version);
      this.#kept.set(key, file);
      file.catch(() => this.#kept.delete(key));
      for (const old of this.#kept.keys()) {
        if (this.#kept.size <= MOST_KEPT) break;
        this.#kept.delete(old);
      }
    }
    return file;
  }

  async #readNow(version: DatanetVersion): Promise<DatanetVersionFile> {
    const file = parseVersionFile(await this.#session.engine.readJson(version.cid));
    const { records } = file;
    if (
      records.length !== version.count ||
      (await versionRootInSlices(records)) !== version.root.toLowerCase() ||
      (await recordsRootInSlices(records)) !== version.recordsRoot.toLowerCase()
    ) {
      throw new OpenLedgerError({
        code: 'datanet/other-records',
        what: `The file of version ${version.version} does not hold what its curator put on chain.`,
        why: 'The fingerprint of its records differs from the one on chain.',
        next: 'Choose another version, and tell the curator.',
      });
    }
    return file;
  }
}
