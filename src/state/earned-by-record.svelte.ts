import type { ClaimRecord } from '../chain/list-claims.ts';
import type { Datanet } from '../chain/list-datanets.ts';
import { type WireError, toWire } from '../errors.ts';
import { pauser } from '../protocol/roots-in-slices.ts';
import { ChainLists } from './chain-lists.svelte.ts';
import { claimsOfAdapters } from './at-work.svelte.ts';
import { PaidReceipts, answerKey } from './paid-receipts.svelte.ts';
import { type RecordEarned, addEarned, earnedParts } from './record-earnings.ts';
import type { Session } from './session.svelte.ts';
import { VersionFiles } from './version-files.ts';

/** Receipts that are read unasked, and each time more are asked for. */
const AT_ONCE = 200;

/** What the records of a Datanet earned, summed over paid answers, newest first. */
export class EarnedByRecord {
  readonly datanetId: bigint;
  /** By `recordKey`; undefined until the first part was summed. */
  sums = $state.raw<ReadonlyMap<string, RecordEarned> | undefined>(undefined);
  /** Answers that are summed, those whose receipts or records could not be had, and those whose payouts do not follow from their receipts. */
  counted = $state.raw<{ summed: number; unread: number; wrong: number }>({ summed: 0, unread: 0, wrong: 0 });
  working = $state(false);
  progress = $state.raw<{ done: number; total: number } | undefined>(undefined);
  error = $state.raw<WireError | undefined>(undefined);
  #session: Session;
  #stop: AbortController | undefined;
  /** How many answers are wanted. */
  #wanted = AT_ONCE;
  /** The answers that `sums` stands for. */
  #summed: string | undefined;

  constructor(session: Session, datanet: Datanet) {
    this.#session = session;
    this.datanetId = datanet.id;
  }

  /** Paid answers of this Datanet's adapters, newest first; undefined while the chain is read. */
  get claims(): ClaimRecord[] | undefined {
    const { chain } = this.#session;
    const claims = this.#session.part(ChainLists).claims.value;
    return claims && claimsOfAdapters(claims, chain.known.filter(({ datanet }) => datanet.id === this.datanetId));
  }

  /** Sums the newest answers, unless these are summed already. */
  async read(): Promise<void> {
    const claims = this.claims?.slice(0, this.#wanted);
    const key = claims?.map(({ claimId }) => claimId).join();
    if (!claims || this.working || key === this.#summed) return;
    const stop = (this.#stop = new AbortController());
    this.working = true;
    this.error = undefined;
    try {
      await this.#sum(claims, stop.signal);
      if (!stop.signal.aborted) this.#summed = key;
    } catch (error) {
      this.error = toWire(error);
    } finally {
      this.progress = undefined;
      this.working = false;
    }
    // Answers that were paid meanwhile; nothing happens where there are none.
    if (!stop.signal.aborted && !this.error) await this.read();
  }

  async readMore(): Promise<void> {
    this.#wanted += AT_ONCE;
    await this.read();
  }

  async retry(): Promise<void> {
    this.#session.part(PaidReceipts).forgetFailures();
    this.#summed = undefined;
    await this.read();
  }

  cancel(): void {
    this.#stop?.abort();
  }

  async #sum(claims: readonly ClaimRecord[], signal: AbortSignal): Promise<void> {
    const paid = this.#session.part(PaidReceipts);
    const sums = new Map<string, RecordEarned>();
    const counted = { summed: 0, unread: 0, wrong: 0 };
    const pause = pauser();
    for (let at = 0; at < claims.length && !signal.aborted; at += 6) {
      this.progress = { done: at, total: claims.length };
      const part = claims.slice(at, at + 6);
      await paid.read(part, signal);
      // Those whose file could not be had.
      for (const claim of part) if (!claim.answer && !paid.answersOf([claim]).length) counted.unread += claim.answers;
      for (const claim of paid.answersOf(part).filter(({ answer }) => answer!.payoutCount > 0)) {
        const receipt = paid.receipts.get(answerKey(claim));
        const records = receipt && (await this.#recordsOf(receipt.datanet).catch(() => undefined));
        const parts = records && earnedParts(receipt!, records);
        if (parts) addEarned(sums, parts);
        counted[parts ? 'summed' : records ? 'wrong' : 'unread']++;
        await pause();
      }
    }
    // Where it was stopped, of those that were reached.
    this.sums = sums;
    this.counted = counted;
  }

  /** Records of the version that a receipt names, where the chain knows exactly that one. */
  async #recordsOf({ id, version, root }: { id: string; version: number; root: string }) {
    const datanet = this.#session.chain.datanets.value?.find((one) => String(one.id) === id);
    const found = datanet?.versions[version - 1];
    return found?.root.toLowerCase() === root ? (await this.#session.part(VersionFiles).read(found)).records : undefined;
  }
}

/** One for each Datanet, kept while the tab lives. */
export class EarningsState {
  #session: Session;
  #of = new Map<bigint, EarnedByRecord>();

  constructor(session: Session) {
    this.#session = session;
  }

  of(datanet: Datanet): EarnedByRecord {
    let one = this.#of.get(datanet.id);
    if (!one) this.#of.set(datanet.id, (one = new EarnedByRecord(this.#session, datanet)));
    return one;
  }
}
