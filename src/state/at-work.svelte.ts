import type { ClaimRecord } from '../chain/list-claims.ts';
import { OpenLedgerError, type WireError, toWire } from '../errors.ts';
import type { DatanetRecord } from '../protocol/record.ts';
import { parseRecordFile } from '../protocol/record-files.ts';
import type { Curation, LoadProgress } from '../workers/engine.api.ts';
import type { KnownAdapter } from './chain.svelte.ts';
import { EngineState } from './engine.svelte.ts';
import type { Session } from './session.svelte.ts';

/** Texts that judge; each costs a pass through the model for every checkpoint. */
const MOST_JUDGES = 2_000;

/** A file of records that were not trained on: what the records at work are judged by. */
export interface JudgeFile {
  name: string;
  records: DatanetRecord[];
  /** Lines that could not be used, and lines beyond what judges. */
  unusable: number;
  beyond: number;
}

/** What records did for an adapter, kept while the tab lives: judging takes a while. */
export class AtWorkState {
  #session: Session;
  #of = new Map<string, AtWork>();

  constructor(session: Session) {
    this.#session = session;
  }

  of(known: KnownAdapter): AtWork {
    const key = `${known.ref.id} ${known.ref.cid} ${known.ref.datanet.cid}`;
    let one = this.#of.get(key);
    if (!one) this.#of.set(key, (one = new AtWork(this.#session, known)));
    return one;
  }
}

/** The records of one adapter under judgement. */
export class AtWork {
  readonly known: KnownAdapter;
  curation = $state.raw<Curation | undefined>(undefined);
  /** Name of the file that judged; undefined where the records judged each other. */
  judgedBy = $state<string | undefined>(undefined);
  judges = $state.raw<JudgeFile | undefined>(undefined);
  working = $state(false);
  progress = $state.raw<LoadProgress | undefined>(undefined);
  error = $state.raw<WireError | undefined>(undefined);
  /** About the dropped file. */
  fileError = $state.raw<WireError | undefined>(undefined);
  #session: Session;
  #stop: AbortController | undefined;

  constructor(session: Session, known: KnownAdapter) {
    this.#session = session;
    this.known = known;
  }

  /** Takes the records of a file as judges. Lines with problems do not judge; a file without any good line is refused. */
  async readFile(file: File): Promise<void> {
    this.fileError = undefined;
    try {
      const { lines } = await parseRecordFile(file.name, new Uint8Array(await file.arrayBuffer()), { accepted: new Set() });
      const good = lines.flatMap(({ record, problems }) => (record && problems.length === 0 ? [record] : []));
      if (good.length === 0) {
        throw new OpenLedgerError({
          code: 'curation/no-judges',
          what: 'No record of this file can judge.',
          why: lines[0]?.problems[0]?.message ?? 'It has none.',
          next: 'Choose a file in the form that contributions have.',
        });
      }
      this.judges = { name: file.name.slice(0, 120), records: good.slice(0, MOST_JUDGES), unusable: lines.length - good.length, beyond: Math.max(0, good.length - MOST_JUDGES) };
    } catch (error) {
      this.fileError = toWire(error);
    }
  }

  /** What each record did for the judges, or without any for all other records; `build` the ledger here where none is published that can be relied on. */
  async judge(build = false): Promise<void> {
    const { judges, known } = this;
    await this.#work(async (report, signal) => {
      this.curation = await this.#session.engine.job((api, job) => api.curate(job, known.ref, judges?.records ?? [], report, build), signal);
      this.judgedBy = judges?.name;
    });
  }

  cancel(): void {
    this.#stop?.abort();
  }

  /** One piece of work at a time; resolves to whether it was done. */
  async #work(work: (report: (at: LoadProgress) => void, signal: AbortSignal) => Promise<void>): Promise<boolean> {
    if (this.working) return false;
    const stop = (this.#stop = new AbortController());
    const report = EngineState.until<LoadProgress>((at) => (this.progress = at));
    this.working = true;
    this.error = undefined;
    try {
      await work(report.listen, stop.signal);
      return true;
    } catch (error) {
      const wire = toWire(error);
      if (wire.code !== 'cancelled') this.error = wire;
      return false;
    } finally {
      report.done();
      this.progress = undefined;
      this.working = false;
    }
  }
}

/** Ledgers that cannot be used, and can be built here instead. */
export function canBuild({ code }: WireError): boolean {
  return code === 'ledger/missing' || code === 'ledger/damaged' || code === 'ledger/other-root';
}

/** Claims that paid an answer of a Datanet's adapters; those that were proven false paid nobody. */
export function claimsOfAdapters(claims: readonly ClaimRecord[], adapters: readonly KnownAdapter[]): ClaimRecord[] {
  const ids = new Set(adapters.map(({ adapter }) => adapter.id));
  return claims.filter(({ adapterId, state, fee }) => ids.has(adapterId) && state !== 'refuted' && fee.contributors > 0n);
}
