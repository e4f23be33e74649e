import { OpenLedgerError } from '../../errors.ts';
import { fromHex } from '../../protocol/bytes.ts';
import type { Matrix } from '../trace/run.ts';
import type { ReplayOptions } from './replay.ts';
import type { OpenRun } from './run-of-adapter.ts';
import { OutputRoots, outputRoot } from './statement.ts';

const HASH = 32;

/** What the units of a run make. */
export interface JudgedOutputs {
  /** From a broken unit on, roots that no statement can have. */
  outputs: OutputRoots;
  /** Where the run leaves RF32's range. */
  broken?: BrokenRun;
}

export interface BrokenRun {
  /** The first unit that comes to something that is no number: whatever a statement says of it is false, and those before it are right. Undefined where all are numbers, too large for the engine and not for the contracts. */
  unit: number | undefined;
  error: unknown;
  /** Units before it that cannot be made again by going through the run, which ends before them. */
  made: ReadonlyMap<number, readonly Matrix[]>;
}

/**
 * Output roots of a run, made again here, also of one that no honest client ends: it was vouched for all the same, and is judged as far
 * as there are numbers. Throws what RunReplay.follow throws but `rf32/out-of-range`.
 */
export async function judgeOutputs(run: OpenRun, options: ReplayOptions = {}): Promise<JudgedOutputs> {
  const { plan, replay } = run;
  const bytes = randomBytes(plan.count * HASH);
  const done = new Set<number>();
  try {
    await replay.follow((unit, made) => {
      bytes.set(fromHex(outputRoot(made)), unit * HASH);
      done.add(unit);
    }, options);
    return { outputs: new OutputRoots(bytes) };
  } catch (error) {
    if (!(error instanceof OpenLedgerError && error.code === 'rf32/out-of-range')) throw error;
    const broken = await goOn(run, done, (unit, made) => bytes.set(fromHex(outputRoot(made)), unit * HASH), options);
    return { outputs: new OutputRoots(bytes), broken: { ...broken, error } };
  }
}

/** Goes on one by one where the run ended, each unit by its program, to the first that comes to no number. */
async function goOn({ plan, replay, tracer }: OpenRun, done: ReadonlySet<number>, take: (unit: number, made: readonly Matrix[]) => void, options: ReplayOptions) {
  const made = new Map<number, readonly Matrix[]>();
  for (let unit = 0; unit < plan.count; unit++) {
    const kind = plan.program(unit);
    if (done.has(unit) || !kind) continue;
    const sources = plan.sources(unit);
    const before = await replay.outputsOf(sources.filter((source) => !made.has(source)), options);
    const trace = await tracer.trace(kind, plan.inputs(unit), sources.map((source) => (made.get(source) ?? before.get(source))!), { signal: options.signal, judging: true });
    if (!trace.numbers) return { unit, made };
    made.set(unit, trace.made);
    take(unit, trace.made);
  }
  return { unit: undefined, made };
}

/** getRandomValues gives 64 KiB at most. */
function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}
