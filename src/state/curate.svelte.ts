import type { ContributionRecord } from '../chain/list-contributions.ts';
import type { Datanet } from '../chain/list-datanets.ts';
import { publishVersion } from '../chain/publish-version.ts';
import { reviewContribution } from '../chain/review-contribution.ts';
import { OpenLedgerError, type WireError, toWire } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';
import { parseContributionFile } from '../protocol/contribution-file.ts';
import { type AcceptedRecords, nextVersionRecords } from '../protocol/next-version.ts';
import { readPartialReason, writePartialReason } from '../protocol/partial-acceptance.ts';
import { type DatanetRecord, type DatanetVersionFile, type VersionRecord, recordHash } from '../protocol/record.ts';
import { recordsRootInSlices, versionRootInSlices } from '../protocol/roots-in-slices.ts';
import { type RecordLine, recheckRecords } from '../protocol/record-files.ts';
import { ChainLists } from './chain-lists.svelte.ts';
import { Loadable } from './loadable.svelte.ts';
import type { Session } from './session.svelte.ts';
import { Transaction } from './transaction.svelte.ts';
import { VersionFiles } from './version-files.ts';

/** What the next version would be. */
export interface NextVersion {
  number: number;
  records: VersionRecord[];
  /** How many are new in it. */
  added: number;
  contributions: bigint[];
  /** Accepted contributions that cannot be put into it, and why. */
  stuck: { contributionId: bigint; error: WireError }[];
}

export class CurateState {
  readonly deciding = new Transaction();
  readonly publishing = new Transaction();
  #session: Session;
  #contents = new Map<string, Loadable<RecordLine[]>>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** A contribution's records, verified against its root and checked as if they were submitted now. */
  content(contribution: ContributionRecord, datanet: Datanet): Loadable<RecordLine[]> {
    const key = `${contribution.contributionId} ${datanet.versions.length}`;
    let content = this.#contents.get(key);
    if (!content) {
      content = new Loadable(async () => {
        const records = await this.#records(contribution);
        const latest = datanet.versions.at(-1);
        const file = latest && (await this.#session.part(VersionFiles).read(latest));
        const lines = records.map((record, k) => ({ line: k + 1, record, problems: [] }));
        return recheckRecords(lines, { accepted: new Set<Hex>(file?.records.map(recordHash) ?? []) });
      });
      this.#contents.set(key, content);
      // Not at once: this may be called while something is derived, where no state may change.
      queueMicrotask(() => void content!.load());
    }
    return content;
  }

  /** @param taken places of the records to take, from 0 */
  async accept(contribution: ContributionRecord, records: DatanetRecord[], taken: ReadonlySet<number>, words: string): Promise<boolean> {
    const all = taken.size === records.length;
    const chosen = records.filter((_, k) => taken.has(k));
    const leftOut = records.flatMap((_, k) => (taken.has(k) ? [] : [k]));
    return this.#decide(contribution, {
      decision: 'accept',
      acceptedRoot: all ? contribution.recordsRoot : await recordsRootInSlices(chosen),
      acceptedCount: chosen.length,
      reason: all ? words.trim() : writePartialReason(leftOut, words),
    });
  }

  async reject(contribution: ContributionRecord, reason: string, slashBps: number): Promise<boolean> {
    return this.#decide(contribution, { decision: 'reject', reason: reason.trim(), slashBps });
  }

  /** The newest version with every accepted contribution that is not in it yet. */
  async next(datanet: Datanet, contributions: readonly ContributionRecord[]): Promise<NextVersion> {
    const latest = datanet.versions.at(-1);
    const file = latest && (await this.#session.part(VersionFiles).read(latest));
    const before = file?.records ?? [];
    const present = new Set(before.map(({ contribution }) => contribution));
    const waiting = contributions
      .filter((c) => c.state === 'accepted' && c.datanetId === datanet.id && !present.has(String(c.contributionId)))
      .sort((a, b) => (a.contributionId < b.contributionId ? -1 : 1));
    const stuck: NextVersion['stuck'] = [];
    const taken: AcceptedRecords[] = [];
    for (const contribution of waiting) {
      const { contributor, contributionId } = contribution;
      try {
        taken.push({ contributor, contributionId, records: await this.#taken(contribution) });
      } catch (error) {
        stuck.push({ contributionId, error: toWire(error) });
      }
    }
    const records = nextVersionRecords(before, taken);
    return {
      number: datanet.versions.length + 1,
      records,
      added: records.length - before.length,
      contributions: taken.map(({ contributionId }) => contributionId),
      stuck,
    };
  }

  async publish(datanet: Datanet, next: NextVersion): Promise<boolean> {
    const done = await this.publishing.run(async (options) => {
      const wallet = this.#session.wallet.require();
      const file: DatanetVersionFile = { openledger: 'datanet-version/1', name: datanet.name, records: next.records };
      const cid = await this.#session.engine.job((api) => api.writeJson(file));
      const version = {
        datanetId: datanet.id,
        root: await versionRootInSlices(file.records),
        recordsRoot: await recordsRootInSlices(file.records),
        cid,
        count: file.records.length,
      };
      return publishVersion(this.#session.chain.connection, wallet, version, options);
    });
    if (done) await this.#session.chain.datanets.load();
    return done !== undefined;
  }

  async #decide(contribution: ContributionRecord, review: Parameters<typeof reviewContribution>[3]): Promise<boolean> {
    const done = await this.deciding.run(async (options) => {
      const wallet = this.#session.wallet.require();
      return reviewContribution(this.#session.chain.connection, wallet, contribution.contributionId, review, options);
    });
    // Also after a failure: somebody may have decided it already.
    await Promise.all([this.#session.part(ChainLists).contributions.load(), this.#session.wallet.refresh()]);
    return done !== undefined;
  }

  async #records(contribution: ContributionRecord): Promise<DatanetRecord[]> {
    return parseContributionFile(await this.#session.engine.readJson(contribution.cid), contribution);
  }

  /** Those of a contribution's records that were accepted. */
  async #taken(contribution: ContributionRecord): Promise<DatanetRecord[]> {
    const records = await this.#records(contribution);
    if (contribution.acceptedRoot === contribution.recordsRoot) return records;
    const left = readPartialReason(contribution.reason, records.length)?.leftOut;
    const taken = records.filter((_, k) => !left?.has(k));
    if (left && (await recordsRootInSlices(taken)) === contribution.acceptedRoot.toLowerCase()) return taken;
    throw new OpenLedgerError({
      code: 'contribution/unknown-selection',
      what: `Nobody can tell which records of contribution ${contribution.contributionId} were taken.`,
      why: 'Its acceptance does not name them, or names others than its fingerprint.',
      next: 'Ask the contributor to submit those records again.',
    });
  }
}
