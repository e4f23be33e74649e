import type { Work } from './work.ts';

/** Time of one operation in one compiled form, over everything between `start` and `stop`. Plain data. */
export interface ProfileEntry {
  operation: string;
  /** Which compiled form; empty where there is one only. */
  variant: string;
  /** Calls by the model. */
  calls: number;
  /** What the device was told to run: more than calls where long work was split. */
  dispatches: number;
  ms: number;
  /** Part of all entries' time, 0 to 1. */
  share: number;
  multiplyAdds: number;
  bytes: number;
}

export interface Profile {
  device: string;
  /**
   * Where the times come from: the device's own clock; the wall time of submissions of one dispatch each (which
   * includes handing them over); or the wall time of calls on this thread.
   */
  clock: 'timestamps' | 'submissions' | 'calls';
  /** From `start` to `stop`. */
  wallMs: number;
  /** Sum of the entries. */
  ms: number;
  calls: number;
  dispatches: number;
  /** Longest first. */
  entries: ProfileEntry[];
}

/** Time by operation. While it runs the device may be slower: operations no longer overlap. */
export interface Profiler {
  /** Forgets what was noted before. */
  start(): void;
  /** Waits for what was recorded. */
  stop(): Promise<Profile>;
}

/** What a device was told so far, for figures such as dispatches for one token. */
export interface Counts {
  calls: number;
  dispatches: number;
  submissions: number;
}

export class ProfileTable {
  private readonly entries = new Map<string, ProfileEntry>();
  private readonly started = performance.now();

  call(operation: string, variant: string, work: Work): ProfileEntry {
    const key = `${operation} ${variant}`;
    let entry = this.entries.get(key);
    if (!entry) this.entries.set(key, (entry = { operation, variant, calls: 0, dispatches: 0, ms: 0, share: 0, multiplyAdds: 0, bytes: 0 }));
    entry.calls++;
    entry.multiplyAdds += work.multiplyAdds;
    entry.bytes += work.bytes;
    return entry;
  }

  finish(device: string, clock: Profile['clock']): Profile {
    const entries = [...this.entries.values()].sort((a, b) => b.ms - a.ms);
    const sum = (of: (entry: ProfileEntry) => number) => entries.reduce((total, entry) => total + of(entry), 0);
    const ms = sum((entry) => entry.ms);
    return {
      device,
      clock,
      wallMs: performance.now() - this.started,
      ms,
      calls: sum((entry) => entry.calls),
      dispatches: sum((entry) => entry.dispatches),
      entries: entries.map((entry) => ({ ...entry, share: ms > 0 ? entry.ms / ms : 0 })),
    };
  }
}

/** The profiler of backends that compute inside the call. */
export class CallProfiler implements Profiler {
  private readonly device: string;
  private table: ProfileTable | undefined;

  constructor(device: string) {
    this.device = device;
  }

  start(): void {
    this.table = new ProfileTable();
  }

  async stop(): Promise<Profile> {
    const table = this.table ?? new ProfileTable();
    this.table = undefined;
    return table.finish(this.device, 'calls');
  }

  /** Whether calls are noted at this moment. */
  get active(): boolean {
    return this.table !== undefined;
  }

  /** Runs `call`, and notes its time while profiling. */
  time<T>(operation: string, work: () => Work, call: () => T): T {
    if (!this.table) return call();
    const entry = this.table.call(operation, '', work());
    entry.dispatches++;
    const start = performance.now();
    try {
      return call();
    } finally {
      entry.ms += performance.now() - start;
    }
  }
}
