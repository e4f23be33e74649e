import type { Datanet, DatanetVersion } from '../chain/list-datanets.ts';
import { reclaimContribution } from '../chain/reclaim-contribution.ts';
import { submitContribution } from '../chain/submit-contribution.ts';
import { type WireError, toWire } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';
import { contributionFile } from '../protocol/contribution-file.ts';
import { type DatanetRecord, recordHash } from '../protocol/record.ts';
import type { CountTokens } from '../protocol/record-check.ts';
import { pauser, recordsRootInSlices } from '../protocol/roots-in-slices.ts';
import { type ParsedRecordFile, type RecordFileOptions, type RecordLine, parseRecordFile, recheckRecords } from '../protocol/record-files.ts';
import { ChainLists } from './chain-lists.svelte.ts';
import { type LineCopies, draftCopies } from './draft-copies.ts';
import { keep, readKept } from './local-database.ts';
import type { Session } from './session.svelte.ts';
import { Transaction } from './transaction.svelte.ts';
import { VersionCopies } from './version-copies.svelte.ts';
import { VersionFiles } from './version-files.ts';

/** Records in one kept part of a draft. */
const PART = 2_000;

/** One draft for each Datanet, kept while the tab lives and, as far as the device allows, afterwards. */
export class ContributeState {
  #session: Session;
  #drafts = new Map<bigint, Draft>();

  constructor(session: Session) {
    this.#session = session;
  }

  draft(datanet: Datanet): Draft {
    let draft = this.#drafts.get(datanet.id);
    if (!draft) this.#drafts.set(datanet.id, (draft = new Draft(this.#session, datanet)));
    return draft;
  }
}

/** Records that are written or were dropped as a file, each checked, until they are submitted. */
export class Draft {
  readonly datanetId: bigint;
  #lines = $state.raw<RecordLine[]>([]);
  /** Those without problems, and the others. Not derived: a draft outlives the page that first asked for it. */
  good = $state.raw<RecordLine[]>([]);
  bad = $state.raw<RecordLine[]>([]);
  /** Lines that say what another record says; they may be submitted, and earn nothing. Undefined where they are not compared. */
  copies = $state.raw<LineCopies | undefined>(new Map());
  /** What was dropped last. */
  source = $state.raw<(Pick<ParsedRecordFile, 'format' | 'encoding'> & { name: string }) | undefined>(undefined);
  reading = $state(false);
  /** 0 to 1. */
  progress = $state(0);
  error = $state.raw<WireError | undefined>(undefined);
  /** Why lengths in tokens could not be checked. */
  unchecked = $state.raw<string | undefined>(undefined);
  /** The contribution that was submitted last. */
  submitted = $state.raw<{ id: bigint; count: number } | undefined>(undefined);
  readonly submitting = new Transaction();
  readonly reclaiming = new Transaction();

  #session: Session;
  #stop: AbortController | undefined;
  #saves = 0;

  constructor(session: Session, datanet: Datanet) {
    this.#session = session;
    this.datanetId = datanet.id;
    void this.#restore();
  }

  /** Numbered in the order they came. */
  get lines(): RecordLine[] {
    return this.#lines;
  }

  set lines(lines: RecordLine[]) {
    this.#lines = lines;
    this.good = lines.filter(({ problems }) => problems.length === 0);
    this.bad = lines.filter(({ problems }) => problems.length > 0);
  }

  /** Reads a dropped file; what is in the draft already stays before it. */
  async readFile(file: File): Promise<void> {
    await this.#work(async (options) => {
      const bytes = new Uint8Array(await file.arrayBuffer());
      const parsed = await parseRecordFile(file.name, bytes, options);
      this.source = { name: file.name, format: parsed.format, encoding: parsed.encoding };
      if (this.lines.length === 0) return parsed.lines;
      // Numbered on, and checked against each other.
      const from = this.lines.at(-1)!.line;
      return recheckRecords([...this.lines, ...parsed.lines.map((line) => ({ ...line, line: line.line + from }))], options);
    });
  }

  /** Adds one written record. */
  async add(record: DatanetRecord): Promise<void> {
    const line = (this.lines.at(-1)?.line ?? 0) + 1;
    await this.#work((options) => recheckRecords([...this.lines, { line, record, problems: [] }], options));
  }

  async replace(line: number, record: DatanetRecord): Promise<void> {
    const lines = this.lines.map((one) => (one.line === line ? { line, record, problems: [] } : one));
    await this.#work((options) => recheckRecords(lines, options));
  }

  async remove(line: number): Promise<void> {
    const lines = this.lines.filter((one) => one.line !== line);
    await this.#work((options) => recheckRecords(lines, options));
  }

  async removeBad(): Promise<void> {
    this.lines = this.good;
    await this.#save();
  }

  async removeCopies(): Promise<void> {
    const { copies } = this;
    const lines = this.lines.filter(({ line }) => !copies?.has(line));
    await this.#work((options) => recheckRecords(lines, options));
  }

  async clear(): Promise<void> {
    this.cancel();
    this.lines = [];
    this.source = undefined;
    this.error = undefined;
    void this.#compare();
    await this.#save();
  }

  cancel(): void {
    this.#stop?.abort();
  }

  /** The records without problems, staked and signed; those with problems stay in the draft. */
  async submit(stake: bigint): Promise<void> {
    const sent = this.good;
    const records = sent.map(({ record }) => record!);
    const done = await this.submitting.run(async (options) => {
      const wallet = this.#session.wallet.require();
      const file = contributionFile(records);
      const cid = await this.#session.engine.job((api) => api.writeJson(file));
      const contribution = { datanetId: this.datanetId, recordsRoot: await recordsRootInSlices(file.records), cid, count: records.length, stake };
      return submitContribution(this.#session.chain.connection, wallet, contribution, options);
    });
    if (!done) return;
    this.submitted = { id: done.contributionId, count: records.length };
    const gone = new Set(sent);
    this.lines = this.lines.filter((line) => !gone.has(line));
    this.source = undefined;
    void this.#compare();
    await this.#save();
    await Promise.all([this.#session.part(ChainLists).contributions.load(), this.#session.wallet.refresh()]);
  }

  /** Takes back a contribution that nobody reviewed in time. */
  async reclaim(contributionId: bigint): Promise<void> {
    await this.reclaiming.run(async (options) => {
      const wallet = this.#session.wallet.require();
      return reclaimContribution(this.#session.chain.connection, wallet, contributionId, options);
    });
    await Promise.all([this.#session.part(ChainLists).contributions.load(), this.#session.wallet.refresh()]);
  }

  /** Changes the lines by one piece of work at a time; an error leaves them as they were. */
  async #work(change: (options: RecordFileOptions) => Promise<RecordLine[]>): Promise<void> {
    if (this.reading) return;
    const stop = (this.#stop = new AbortController());
    this.reading = true;
    this.progress = 0;
    this.error = undefined;
    try {
      const { accepted, countTokens, context } = await this.#checks();
      this.lines = await change({ accepted, countTokens, context, signal: stop.signal, onProgress: (part) => (this.progress = part) });
      await this.#save();
    } catch (error) {
      const wire = toWire(error);
      if (wire.code !== 'cancelled') this.error = wire;
    } finally {
      this.reading = false;
    }
    void this.#compare();
  }

  /** Finds copies after every change, beside the writing: a later change takes over. */
  async #compare(): Promise<void> {
    const { good } = this;
    try {
      const latest = this.#latest;
      const file = latest && (await this.#session.part(VersionFiles).read(latest));
      const copies = await draftCopies(file?.records ?? [], good, (records) => this.#session.part(VersionCopies).compare(records));
      if (good === this.good) this.copies = copies;
    } catch {
      // What keeps the model from being loaded is said in `unchecked`; training finds copies in any case.
      if (good === this.good) this.copies = undefined;
    }
  }

  /** What records are held against: those of the newest version, and the length that the model can read. */
  async #checks(): Promise<Pick<RecordFileOptions, 'accepted' | 'countTokens' | 'context'>> {
    const latest = this.#latest;
    const file = latest && (await this.#session.part(VersionFiles).read(latest));
    const accepted = new Set<Hex>();
    const pause = pauser();
    for (const record of file?.records ?? []) {
      accepted.add(recordHash(record));
      await pause();
    }
    this.unchecked = undefined;
    const { engine } = this.#session;
    await engine.warm();
    if (engine.phase === 'failed') {
      // Writing goes on without the model; training checks lengths again.
      this.unchecked = engine.error?.what ?? 'The model could not be loaded.';
      return { accepted };
    }
    const countTokens: CountTokens = (texts) => engine.job((api) => api.countTokens(texts));
    return { accepted, countTokens, context: engine.status?.base?.context };
  }

  get #latest(): DatanetVersion | undefined {
    return this.#session.chain.datanets.value?.find(({ id }) => id === this.datanetId)?.versions.at(-1);
  }

  get #key(): string {
    const { connection } = this.#session.chain;
    return `draft:${connection.chain.id}:${connection.contracts.contributions}:${this.datanetId}`;
  }

  async #save(): Promise<void> {
    // Lines that were no record cannot be mended here: only records are kept.
    const records = this.lines.flatMap(({ record }) => (record ? [record] : []));
    const turn = ++this.#saves;
    const parts = Math.ceil(records.length / PART);
    for (let part = 0; part < parts; part++) {
      // In parts, so that no single one holds up the page; a newer saving takes over.
      if (turn !== this.#saves) return;
      await keep(`${this.#key}:${part}`, JSON.stringify(records.slice(part * PART, (part + 1) * PART)));
    }
    await keep(this.#key, String(parts));
  }

  async #restore(): Promise<void> {
    try {
      const parts = Number((await readKept(this.#key)) ?? 0);
      const records: DatanetRecord[] = [];
      for (let part = 0; part < parts; part++) {
        records.push(...(JSON.parse(String(await readKept(`${this.#key}:${part}`))) as DatanetRecord[]));
      }
      if (records.length === 0 || this.lines.length) return;
      const lines = records.map((record, k) => ({ line: k + 1, record, problems: [] }));
      await this.#work((options) => recheckRecords(lines, options));
      if (this.lines.length === 0) this.lines = lines;
    } catch {
      // Kept by another version of this page.
    }
  }
}
