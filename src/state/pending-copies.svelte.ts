import type { ContributionRecord } from '../chain/list-contributions.ts';
import type { Datanet } from '../chain/list-datanets.ts';
import { MOST_COMPARED } from './copies.ts';
import { CurateState } from './curate.svelte.ts';
import { Loadable } from './loadable.svelte.ts';
import type { Session } from './session.svelte.ts';
import { VersionCopies } from './version-copies.svelte.ts';

/** By contribution and place in it: in words, which earlier record that record copies. */
export type CopyNotes = ReadonlyMap<bigint, ReadonlyMap<number, string>>;

export interface PendingNotes {
  notes: CopyNotes;
  /** Contributions that were not compared: they cannot be read, or there are too many records. */
  left: ReadonlySet<bigint>;
}

/** Which records that wait for review are copies: of what is accepted, or of what came before them. */
export class PendingCopies {
  #session: Session;
  #last: { key: string; found: Loadable<PendingNotes> } | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** @param contributions all of this Datanet, whatever their state */
  of(datanet: Datanet, contributions: readonly ContributionRecord[]): Loadable<PendingNotes> {
    const ids = (state: string) => contributions.filter((one) => one.state === state).map(({ contributionId }) => contributionId).sort((a, b) => (a < b ? -1 : 1)).join();
    const key = `${datanet.id} ${datanet.versions.length} ${ids('accepted')} ${ids('pending')}`;
    if (this.#last?.key === key) return this.#last.found;
    const found = new Loadable(() => this.#compare(datanet, contributions));
    this.#last = { key, found };
    // Not at once: this may be called while something is derived, where no state may change.
    queueMicrotask(() => void found.load());
    return found;
  }

  async #compare(datanet: Datanet, contributions: readonly ContributionRecord[]): Promise<PendingNotes> {
    const curate = this.#session.part(CurateState);
    const inVersion = datanet.versions.at(-1)?.count ?? 0;
    const { records: accepted } = await curate.next(datanet, contributions);
    const pending = contributions.filter(({ state }) => state === 'pending').sort((a, b) => (a.contributionId < b.contributionId ? -1 : 1));
    const all = accepted.map(({ text, questions }) => ({ text, questions }));
    const places: PendingPlace[] = [];
    const left = new Set<bigint>();
    for (const contribution of pending) {
      const { contributionId, count } = contribution;
      const lines = all.length + count <= MOST_COMPARED ? await curate.content(contribution, datanet).once() : undefined;
      if (!lines) left.add(contributionId);
      lines?.forEach(({ record }, at) => {
        all.push(record!);
        places.push({ contributionId, at });
      });
    }
    const clusters = await this.#session.part(VersionCopies).compare(all);
    return { notes: notesOf(clusters, inVersion, accepted, places), left };
  }
}

/** Where a record that waits stands: line `at`, from 0, of its contribution. */
export interface PendingPlace {
  contributionId: bigint;
  at: number;
}

/**
 * The words for each copy that waits. `clusters` is over the accepted records, the first `inVersion` of which are in the
 * newest version, followed by those that wait, at `places`, the oldest contribution first.
 */
export function notesOf(clusters: readonly number[], inVersion: number, accepted: readonly { contribution: string }[], places: readonly PendingPlace[]): CopyNotes {
  const nameOf = (k: number, reader: bigint) => {
    if (k < inVersion) return `record ${k + 1}`;
    if (k < accepted.length) return `a record of contribution ${accepted[k]!.contribution}, which is accepted`;
    const { contributionId, at } = places[k - accepted.length]!;
    return contributionId === reader ? `line ${at + 1}` : `line ${at + 1} of contribution ${contributionId}, which came before`;
  };
  const notes = new Map<bigint, Map<number, string>>();
  places.forEach(({ contributionId, at }, k) => {
    const of = clusters[accepted.length + k]!;
    if (of === accepted.length + k) return;
    const own = notes.get(contributionId) ?? new Map<number, string>();
    notes.set(contributionId, own.set(at, nameOf(of, contributionId)));
  });
  return notes;
}
