import { createDatanet } from '../chain/create-datanet.ts';
import type { ClaimRecord } from '../chain/list-claims.ts';
import type { ContributionRecord } from '../chain/list-contributions.ts';
import type { Datanet, DatanetVersion } from '../chain/list-datanets.ts';
import { type DatanetFile, datanetFile, parseDatanetFile } from '../protocol/datanet-file.ts';
import type { DatanetVersionFile } from '../protocol/record.ts';
import { ChainLists } from './chain-lists.svelte.ts';
import { Loadable } from './loadable.svelte.ts';
import type { Session } from './session.svelte.ts';
import { Transaction } from './transaction.svelte.ts';
import { VersionFiles } from './version-files.ts';

export interface DatanetSummary {
  datanet: Datanet;
  latest: DatanetVersion | undefined;
  /** Addresses with accepted contributions. */
  contributors: number;
  pending: number;
  /** Wei staked on contributions that wait for review. */
  staked: bigint;
  /** Wei that answers brought its contributors: of final claims, and of claims still in their window. */
  earned: { final: bigint; waiting: bigint };
  answers: number;
  adapters: number;
}

/** All Datanets with what the chain tells of each. */
export class DatanetsState {
  readonly lists: ChainLists;
  readonly files: VersionFiles;
  readonly creating = new Transaction();
  /** Descriptions by Datanet id, as far as they were read. */
  descriptions = $state.raw<ReadonlyMap<bigint, DatanetFile>>(new Map());
  #session: Session;
  #described = new Set<bigint>();
  #versions = new Map<string, Loadable<DatanetVersionFile>>();

  constructor(session: Session) {
    this.#session = session;
    this.lists = session.part(ChainLists);
    this.files = session.part(VersionFiles);
  }

  find(id: string | undefined): Datanet | undefined {
    return this.#session.chain.datanets.value?.find((datanet) => String(datanet.id) === id);
  }

  /** Newest knowledge of each Datanet; undefined until the registry was read. */
  get summaries(): DatanetSummary[] | undefined {
    const { datanets, adapters } = this.#session.chain;
    if (!datanets.value) return undefined;
    return datanets.value.map((datanet) => {
      const contributions = (this.lists.contributions.value ?? []).filter((c) => c.datanetId === datanet.id);
      const own = (adapters.value ?? []).filter((adapter) => adapter.datanetId === datanet.id);
      const claims = claimsOf(this.lists.claims.value ?? [], new Set(own.map(({ id }) => id)));
      const pending = contributions.filter(({ state }) => state === 'pending');
      return {
        datanet,
        latest: datanet.versions.at(-1),
        contributors: new Set(accepted(contributions).map(({ contributor }) => contributor)).size,
        pending: pending.length,
        staked: pending.reduce((sum, { stake }) => sum + stake, 0n),
        earned: {
          final: sumOfParts(claims.filter(({ state }) => state === 'final')),
          waiting: sumOfParts(claims.filter(({ state }) => state === 'open')),
        },
        answers: claims.length,
        adapters: own.length,
      };
    });
  }

  /** Reads a Datanet's description once; without one the name has to do. */
  async describe(datanet: Datanet): Promise<void> {
    if (this.#described.has(datanet.id)) return;
    this.#described.add(datanet.id);
    try {
      const file = parseDatanetFile(await this.#session.engine.readJson(datanet.metadataCid));
      this.descriptions = new Map([...this.descriptions, [datanet.id, file]]);
    } catch {
      this.#described.delete(datanet.id);
    }
  }

  /** The records of a version; loaded at first use. */
  version(version: DatanetVersion): Loadable<DatanetVersionFile> {
    const key = `${version.cid} ${version.root}`;
    let loadable = this.#versions.get(key);
    if (!loadable) {
      loadable = new Loadable(() => this.files.read(version));
      this.#versions.set(key, loadable);
      // Not at once: this may be called while something is derived, where no state may change.
      queueMicrotask(() => void loadable!.load());
    }
    return loadable;
  }

  /** The caller becomes the curator. Resolves to the new Datanet's id, or undefined where `creating` says what failed. */
  async create(name: string, description: string, minStakePerRecord: bigint): Promise<bigint | undefined> {
    const made = await this.creating.run(async (options) => {
      const wallet = this.#session.wallet.require();
      const file = datanetFile(name, description);
      const metadataCid = await this.#session.engine.job((api) => api.writeJson(file));
      return createDatanet(this.#session.chain.connection, wallet, { name: file.name, metadataCid, minStakePerRecord }, options);
    });
    if (!made) return undefined;
    await this.#session.chain.datanets.load();
    return made.datanetId;
  }
}

export function accepted(contributions: readonly ContributionRecord[]): ContributionRecord[] {
  return contributions.filter(({ state }) => state === 'accepted');
}

function claimsOf(claims: readonly ClaimRecord[], adapters: ReadonlySet<bigint>): ClaimRecord[] {
  return claims.filter(({ adapterId, state }) => adapters.has(adapterId) && state !== 'refuted');
}

const sumOfParts = (claims: readonly ClaimRecord[]) => claims.reduce((sum, { fee }) => sum + fee.contributors, 0n);
