/** Runs made again, vouched for and compared with what was vouched for, in one piece: fetched when it is first asked for. */
import type { Catalog } from '../attribution/catalog.ts';
import type { Engine } from '../attribution/engine.ts';
import { RunExaminer } from '../attribution/runs/examine.ts';
import type { RunPlace } from '../attribution/runs/places.ts';
import { publishedConstants } from '../attribution/runs/published-constants.ts';
import { otherThanRegistered } from '../attribution/runs/registered.ts';
import { evidenceOf } from '../attribution/runs/run-evidence.ts';
import { openRun } from '../attribution/runs/run-of-adapter.ts';
import { repliesOfUnit, unitsOf } from '../attribution/runs/run-replies.ts';
import { searchLimits } from '../attribution/trace/search-plan.ts';
import { concat, fromHex } from '../protocol/bytes.ts';
import { OpenLedgerError, throwIfAborted } from '../errors.ts';
import type { LoadProgress } from './engine.api.ts';
import type { RegisteredRun, RunFinding, RunReplies, RunStatementMade, ShownOfRun, VouchedRun } from './runs.api.ts';

interface Source {
  catalog: Catalog;
  engine: Engine;
}

interface Options {
  signal: AbortSignal;
  onProgress: (progress: LoadProgress) => void;
}

/** Only the last: it holds states of its run to go on from. */
let open: { engine: Engine; key: string; examiner: RunExaminer } | undefined;

async function examinerOf({ catalog, engine }: Source, { adapter: ref, ...registered }: RegisteredRun, { signal, onProgress }: Options): Promise<RunExaminer> {
  const options = { signal, onProgress: (what: string, done: number, total: number | undefined, unit: 'bytes' | 'records') => onProgress({ what, done, total, unit }) };
  const { run } = await catalog.adapter(engine, ref.cid, options);
  const { records } = await catalog.version(ref.datanet.cid, options);
  const other = otherThanRegistered(run, records, registered);
  if (other) {
    throw new OpenLedgerError({ code: 'run/other-content', what: 'The adapter’s files are not what it is registered with.', why: other, next: 'How it was made cannot be checked: do not rely on it.' });
  }
  const key = `${ref.cid} ${ref.datanet.cid}`;
  if (open?.engine === engine && open.key === key) return open.examiner;
  open = undefined;
  const examiner = new RunExaminer(await openRun(engine, run, records, { signal }));
  open = { engine, key, examiner };
  return examiner;
}

const following = ({ signal, onProgress }: Options) => ({ signal, onProgress: (done: number, total: number) => onProgress({ what: 'Making the run again', done, total, unit: 'steps' as const }) });

/**
 * What the owner of an adapter can vouch for: the run made again, and the roots of what each of its units made. Throws
 * `run/other-outcome` where the run does not give the adapter, `run/other-content`, `run/too-long`, `cancelled`, `storage/…`.
 */
export async function makeRunStatement(source: Source, run: RegisteredRun, options: Options): Promise<RunStatementMade> {
  const began = performance.now();
  const examiner = await examinerOf(source, run, options);
  const outputs = await examiner.outputs(following(options));
  const plan = await examiner.plan();
  const other = await examiner.otherwise(run, { signal: options.signal });
  if (other) {
    throw new OpenLedgerError({
      code: 'run/other-outcome', what: 'This run does not give the adapter that is registered.', why: `Made again here, ${other} are others.`,
      next: 'Do not vouch for it: whoever makes it again will see that too.',
    });
  }
  throwIfAborted(options.signal);
  return { planRoot: plan.root, outputsRoot: outputs.root, units: outputs.count, roots: outputs.bytes, seconds: (performance.now() - began) / 1000 };
}

/**
 * Makes a run again and compares it with what was vouched for, and with what its owner had to show since. Throws `cancelled`,
 * `storage/…` where adapter or records cannot be had.
 */
export async function checkRun(source: Source, run: RegisteredRun, vouched: VouchedRun, { traces, left, ...shown }: ShownOfRun, options: Options): Promise<RunFinding> {
  const began = performance.now();
  const examiner = await examinerOf(source, run, options);
  const { catalog, engine } = source;
  const registered = { ...run, published: () => publishedConstants(catalog, engine, run.adapter.cid, run.adapter.datanet.cid, { signal: options.signal }) };
  const move = await examiner.move(vouched, { ...shown, traces: new Map(traces), list: concat(...vouched.list.map(fromHex)), registered }, { ...following(options), limits: left && searchLimits(left) });
  const about = { why: move.why, seconds: (performance.now() - began) / 1000 };
  switch (move.kind) {
    case 'demand': return { kind: 'demand', places: move.places, ...about };
    case 'prove-given':
    case 'prove-unit':
    case 'prove-outcome': return { kind: 'false', evidence: evidenceOf(move), ...about };
    default: return { kind: move.kind, ...about };
  }
}

/** What answers demands for places of a statement that is right. Throws `run/not-shown` where it is not what is made here, `cancelled`, `storage/…`. */
export async function replyToRun(source: Source, run: RegisteredRun, vouched: VouchedRun, places: readonly RunPlace[], options: Options): Promise<RunReplies> {
  const examiner = await examinerOf(source, run, options);
  const [own, plan] = [await examiner.outputs(following(options)), await examiner.plan()];
  if (own.root !== vouched.outputsRoot || plan.root !== vouched.planRoot) {
    throw new OpenLedgerError({
      code: 'run/not-shown', what: 'What is demanded cannot be shown.', why: 'Made again here, the run is another than was vouched for.', next: 'Only whoever has the numbers that were vouched for can show them.',
    });
  }
  const replies: RunReplies = [];
  for (const unit of unitsOf(places)) replies.push(await repliesOfUnit(examiner, unit, places, options));
  return replies;
}
