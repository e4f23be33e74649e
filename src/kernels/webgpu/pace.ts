/**
 * How long dispatches take on this device, learnt from the work that it does anyway, so that no single submission
 * keeps it busy for long: a driver's watchdog would take the device away, and the screen would freeze.
 *
 * A dispatch is predicted as `overhead + units / rate of its program`, in units of multiply-adds plus elements moved.
 * When the device has done what it was given, the rates of the programs in it move towards what was measured.
 */
export interface Part {
  /** Which program. */
  pipeline: number;
  units: number;
  /** Predicted milliseconds. */
  ms: number;
}

/** Milliseconds that one submission may take: an order below the watchdogs, a few frames of the screen. */
export const BUDGET_MS = 100;
/** Units a millisecond before anything was measured: slower than weak devices of the kind are. */
const FIRST_RATE = { software: 1e5, hardware: 1e7 };
const OVERHEAD_MS = { software: 0.3, hardware: 0.02 };
/** Shorter submissions tell more about the overhead than about the programs. */
const WORTH_LEARNING_MS = 1;
/** One measurement may be disturbed by anything else that runs; it moves a rate by a factor of at most this. */
const GREATEST_STEP = 4;

export class Pace {
  private readonly budget: number;
  private readonly overhead: number;
  private readonly firstRate: number;
  private readonly rates = new Map<number, number>();
  private done: Part[] = [];
  /** Submissions handed over and not known to be done. */
  private outstanding = 0;
  /** When the device got the first work after it had none. */
  private busySince = 0;

  constructor(software: boolean, budget = BUDGET_MS) {
    const kind = software ? 'software' : 'hardware';
    this.budget = budget;
    this.overhead = OVERHEAD_MS[kind];
    this.firstRate = FIRST_RATE[kind];
  }

  predict(pipeline: number, units: number): number {
    return this.overhead + units / (this.rates.get(pipeline) ?? this.firstRate);
  }

  /** Over how many submissions a dispatch of `units` is to be spread. */
  pieces(pipeline: number, units: number): number {
    const perPiece = Math.max(this.budget - this.overhead, this.overhead);
    return Math.max(1, Math.ceil((this.predict(pipeline, units) - this.overhead) / perPiece));
  }

  /** Whether a submission predicted to take `ms` is full, or would be with `more`. */
  isFull(ms: number, more = 0): boolean {
    return ms + more > this.budget;
  }

  worthLearning(parts: Part[]): boolean {
    return parts.some(({ pipeline }) => !this.rates.has(pipeline)) || sumOf(parts, (part) => part.ms) >= WORTH_LEARNING_MS;
  }

  /** A submission was handed over at `now`; `finished` follows. */
  submitted(now: number): void {
    if (this.outstanding++ === 0) this.busySince = now;
  }

  /**
   * A submission is known to be done at `now`. A busy thread hears of many at once and cannot tell them apart, so what is
   * learnt from is a whole stretch, from when the device got work until it has none again.
   */
  finished(parts: Part[], now: number): void {
    this.done.push(...parts);
    if (--this.outstanding > 0) return;
    this.learn(this.done, now - this.busySince);
    this.done = [];
  }

  private learn(parts: readonly Part[], elapsed: number): void {
    const overhead = parts.length * this.overhead;
    const predicted = sumOf(parts, (part) => part.ms) - overhead;
    const measured = Math.max(elapsed - overhead, 0);
    if (!(predicted > 0)) return;
    const ratio = Math.min(Math.max(measured / predicted, 1 / GREATEST_STEP), GREATEST_STEP);
    const shares = new Map<number, number>();
    for (const { pipeline, ms } of parts) shares.set(pipeline, (shares.get(pipeline) ?? 0) + (ms - this.overhead) / predicted);
    // Who had the greater part of the time has the greater part of the surprise.
    for (const [pipeline, share] of shares) this.rates.set(pipeline, (this.rates.get(pipeline) ?? this.firstRate) / ratio ** Math.sqrt(share));
  }
}

function sumOf<T>(list: readonly T[], of: (one: T) => number): number {
  return list.reduce((sum, one) => sum + of(one), 0);
}
