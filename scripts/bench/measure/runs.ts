import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromHex } from '../../../src/protocol/bytes.ts';
import type { Engine } from '../../../src/attribution/engine.ts';
import { RunExaminer } from '../../../src/attribution/runs/examine.ts';
import { outcomeOf } from '../../../src/attribution/runs/outcome-evidence.ts';
import { otherOutcome } from '../../../src/attribution/runs/outcome.ts';
import type { RunPlan } from '../../../src/attribution/runs/plan.ts';
import { type OpenRun, openRun } from '../../../src/attribution/runs/run-of-adapter.ts';
import type { LedgerPlace } from '../../../src/attribution/runs/ledger-plan.ts';
import { OutputRoots, outputRoot } from '../../../src/attribution/runs/statement.ts';
import { FalseMaker, type Fault, flipBit } from '../../../src/attribution/runs/testing/false-maker.ts';
import { createDatanet } from '../../../src/chain/create-datanet.ts';
import { memoryEventStore } from '../../../src/chain/event-store.ts';
import { createEventFeed } from '../../../src/chain/events.ts';
import { publishVersion } from '../../../src/chain/publish-version.ts';
import { readRun } from '../../../src/chain/read-run.ts';
import { registerAdapter } from '../../../src/chain/register-adapter.ts';
import { OPEN, startScratchChain, word } from '../../../src/chain/testing/scratch-chain.ts';
import { vouchRun } from '../../../src/chain/vouch-run.ts';
import { freeLora } from '../../../src/model/lora.ts';
import { train } from '../../../src/model/train.ts';
import { normaliseRecord } from '../../../src/protocol/record.ts';
import { RunWatcher } from '../../../src/serve/watch/runs.ts';
import { showAll } from '../../../src/serve/watch/testing/show-run.ts';
import { StateFile } from '../../../src/serve/watch/watch-state.node.ts';
import type { WatchEvent } from '../../../src/serve/watch/watcher.ts';
import { readFolder } from '../../start/samples.ts';
import { publicFolder } from '../machine.ts';
import { type Report, NODE_CPU } from '../report.ts';

const SAMPLE = 'health';
const CHAIN = 'contracts on anvil';

/** Processor seconds, all threads together: other work on the machine counts less than by the clock. */
async function processorSeconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** The first unit of a kind after the gradients. */
const firstOf = ({ ledger }: RunPlan, kind: LedgerPlace['kind']) => Array.from({ length: ledger.count }, (_, k) => ledger.first + k).find((unit) => ledger.place(unit).kind === kind)!;

/** What it takes to vouch for a sample's run, and to have false ones refuted: docs/runs.md. */
export async function reportRuns(report: Report, engine: Engine): Promise<void> {
  const { run: file } = engine.loadAdapter(readFolder(join(publicFolder, 'adapters', SAMPLE)));
  const records = readFileSync(join(publicFolder, 'datanets', `${SAMPLE}.jsonl`), 'utf8').trim().split('\n').map((line) => normaliseRecord(JSON.parse(line)));
  const run = await openRun(engine, file, records);
  const { plan, replay } = run;
  const { recipe, records: trained } = plan.subject;
  report.add('run: training alone', await processorSeconds(async () => freeLora(engine.backend, await train(engine.model, trained, recipe))), 's', NODE_CPU, undefined, `processor time; ${SAMPLE}, ${plan.steps} steps`);
  const bytes = new Uint8Array(32 * plan.count);
  // What passes until a unit is there belongs to it: they come one after the other.
  const spent = { training: 0, gradients: 0, ledger: 0 };
  let before = process.cpuUsage();
  await replay.follow((unit, made) => {
    bytes.set(fromHex(outputRoot(made)), 32 * unit);
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    spent[unit < plan.firstGradient ? 'training' : unit < plan.ledger.first ? 'gradients' : 'ledger'] += (user + system) / 1e6;
  });
  report.add('run: training with the roots of its units', spent.training, 's', NODE_CPU, undefined, `${plan.firstGradient} units`);
  report.add('run: gradients of the ledger with their roots', spent.gradients, 's', NODE_CPU, undefined, `${plan.ledger.first - plan.firstGradient} units`);
  report.add('run: from the gradients to the outcome with its roots', spent.ledger, 's', NODE_CPU, undefined, `${plan.ledger.count} units`);
  report.add('run: all units against those up to the gradients', (spent.training + spent.gradients + spent.ledger) / (spent.training + spent.gradients), '×', NODE_CPU, { atMost: 2 });
  report.add('run: list that is posted', bytes.length / 1000, 'kB', NODE_CPU);
  const right = new OutputRoots(bytes);
  const other = await otherOutcome(run, { adapterRoot: file.adapter.root, checkpointsRoot: file.ledger.checkpointsRoot });
  report.add('run: shipped weights and checkpoints are its outcome', other ? 0 : 1, 'of 1', NODE_CPU, { atLeast: 1 });
  report.add('run: the program that the shipped adapter names is its outcome', (await outcomeOf(run)).programHash === file.ledger.program ? 1 : 0, 'of 1', NODE_CPU, { atLeast: 1 });
  const examiner = new RunExaminer(run, right);
  const again: [string, number][] = [
    ['part of a step', plan.stateUnit(plan.steps >> 1)], ['record’s gradient', plan.ledger.first - 1], ['eight rows of gradients', firstOf(plan, 'rows')], ['tile of a Gram matrix', firstOf(plan, 'gram')],
    ['tile of its factor', firstOf(plan, 'factor')], ['sixty-four records’ rows', firstOf(plan, 'rest')], ['block of the ledger', firstOf(plan, 'ledger')], ['outcome', firstOf(plan, 'outcome')],
  ];
  for (const [what, unit] of again) {
    let leaves = 0;
    const seconds = await processorSeconds(async () => {
      const { trace } = await examiner.unit(unit);
      leaves = trace.inner.tensors.reduce((sum, tensor) => sum + tensor.leaves.length / 32, 0);
    });
    report.add(`run: one ${what} again, with its trace`, seconds, 's', NODE_CPU, undefined, `${leaves} leaves inside`);
  }
  await reportGames(report, run, examiner, right, { adapterRoot: file.adapter.root, checkpointsRoot: file.ledger.checkpointsRoot });
}

/** Whole games with a maker who shows everything that is demanded. */
async function reportGames(report: Report, run: OpenRun, examiner: RunExaminer, right: OutputRoots, roots: Pick<Parameters<typeof registerAdapter>[2], 'adapterRoot' | 'checkpointsRoot'>): Promise<void> {
  const { plan } = run;
  const [P, step, part] = [plan.tensors.length, plan.stateUnit(20), plan.partUnit(12, 0)];
  const at = (which: (first: number) => number, change: (values: Float32Array) => void): Fault => ({ change: (index, matrix, first) => void (index === which(first) && change(matrix.values)) });
  const flip = (values: Float32Array) => flipBit({ rows: 1, columns: values.length, values }, 9);
  const fill = (values: Float32Array) => void values.fill(0.125);
  const games: [string, number, Fault][] = [
    ['bit of a weight', step, at((first) => first + 2 * P + 30, flip)],
    ['values of a weight', step, at((first) => first + 2 * P + 30, fill)],
    ['values inside a step', step, at((first) => first >> 1, fill)],
    ['values inside a part', part, at((first) => first - 60, fill)],
    ['bit of a drawn gradient', plan.gradientUnit(0, 1, 7), at((first) => first + 11, flip)],
    ['bit of eight rows of gradients', firstOf(plan, 'rows'), at((first) => first, flip)],
    ['values inside eight rows of gradients', firstOf(plan, 'rows'), at((first) => first >> 1, fill)],
    ['bit of a Gram matrix', firstOf(plan, 'gram'), at((first) => first, flip)],
    ['bit of a record’s row before it is rounded', firstOf(plan, 'rest'), at((first) => first, flip)],
    ['bit of the ledger’s noise', firstOf(plan, 'ledger'), at((first) => first + 1, flip)],
    ['values of the ledger’s rows', firstOf(plan, 'ledger'), at((first) => first, fill)],
    ['values inside the ledger', firstOf(plan, 'ledger'), at((first) => first >> 1, fill)],
    ['values of the outcome', plan.count - 1, at((first) => first, fill)],
  ];
  const chain = await startScratchChain({ window: 40_000 });
  const folder = mkdtempSync(join(tmpdir(), 'openledger-bench-'));
  try {
    const { connection } = chain;
    connection.publicClient.pollingInterval = 50;
    const [maker, guard] = [await chain.wallet('maker'), await chain.wallet('guard')];
    const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
    await createDatanet(connection, maker, { name: SAMPLE, metadataCid: cid, minStakePerRecord: 0n });
    await publishVersion(connection, maker, { datanetId: 1n, root: word('01'), recordsRoot: word('02'), cid, count: plan.subject.records.length });
    const planTree = await examiner.plan();
    for (const [what, unit, fault] of games) {
      const of = await FalseMaker.of(run, right, unit, fault);
      const { adapterId } = await registerAdapter(connection, maker, { datanetId: 1n, version: 1, baseRoot: word('03'), ledgerRoot: word('06'), programHash: word('07'), cid, name: SAMPLE, rateIn: OPEN, rateOut: OPEN, ...roots });
      const vouched = await vouchRun(connection, maker, { adapterId, planRoot: planTree.root, outputsRoot: of.list.root, units: plan.count, roots: of.list.bytes });
      if (what === games[0]![0]) report.add('run: vouching for it, gas', Number(vouched.gasUsed) / 1e6, 'M', CHAIN, undefined, `${plan.count} units, ${vouched.parts} transaction`);
      const events: WatchEvent[] = [];
      const watcher = new RunWatcher({
        connection, feed: createEventFeed(connection, memoryEventStore()), wallet: guard, which: 'all', dryRun: false, wait: true,
        limits: { gasPrice: 100n * 10n ** 9n, bond: 10n * OPEN, demands: 16, confirmations: 0 },
        subjects: { open: () => Promise.resolve(examiner), published: () => Promise.reject(new Error('not asked for')) },
        file: new StateFile(join(folder, `${adapterId}.json`), { chainId: connection.chain.id, disputes: connection.contracts.runs, account: guard.address }), tell: (event) => void events.push(event),
      });
      const shown: number[] = [];
      for (let rounds = 0; rounds < 12 && (await readRun(connection, adapterId)).state === 'open'; rounds++) {
        await watcher.round();
        shown.push(...(await showAll(connection, maker, adapterId, run, planTree, of)));
        await chain.pass(1);
      }
      if ((await readRun(connection, adapterId)).state !== 'refuted') throw new Error(`${what}: not refuted`);
      const mine = events.filter(({ gas, claim }) => gas !== undefined && claim === `run ${adapterId}`);
      const gas = [...mine.map((event) => Number(event.gas)), ...shown].reduce((sum, one) => sum + one, 0);
      report.add(`run: ${what}, gas of both sides`, gas / 1e6, 'M', CHAIN, { atMost: 5 });
      report.add(`run: ${what}, transactions of both sides`, mine.length + shown.length, '', CHAIN, { atMost: 8 });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await chain.stop();
  }
}
