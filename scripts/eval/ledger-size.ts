/**
 * What the ledger's size costs: LDS on random halves of the default method with rows of several sizes, for an adapter of about a million
 * numbers (the evaluation's base with LoRA of a high rank). Retrainings are kept; ended anywhere, it goes on where it stopped.
 * `npx tsx scripts/eval/ledger-size.ts [--family transformations] [--rank 432] [--halves 60] [--dimensions 7280,29120,116480] [--json]`
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { curvatureInfluence } from '../../src/attribution/curvature/curvature-influence.ts';
import { adapterValues, buildCurvatureLedger, freeCurvatureLedger, rowWidth } from '../../src/attribution/curvature/curvature-ledger.ts';
import { CURVATURE, ROW_FORMAT, runPace } from '../../src/attribution/curvature/settings.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { matrixBytes } from '../../src/kernels/matrix/matrix.ts';
import { CACHE, openEvalEngine } from './base/open-base.ts';
import { Subject } from './controls/subject.ts';
import { FAMILIES, type FamilyName } from './families/make-set.ts';
import { groundTruth } from './ground-truth/ground-truth.ts';
import { setup, weightsOf } from './ground-truth/setup.ts';
import { table } from './report/tables.ts';
import { bootstrapScore, groupEffects, score, withinClass } from './statistics.ts';

const { values: flags } = parseArgs({
  options: {
    help: { type: 'boolean' }, json: { type: 'boolean' }, family: { type: 'string', default: 'transformations' }, rank: { type: 'string', default: '432' },
    halves: { type: 'string', default: '60' }, dimensions: { type: 'string', default: `7280,${CURVATURE.dimension},116480` },
  },
});
const family = flags.family as FamilyName;
const [rank, halves] = [Number(flags.rank), Number(flags.halves)];
const dimensions = flags.dimensions.split(',').map(Number);
if (flags.help || !(family in FAMILIES) || [rank, halves, ...dimensions].some((value) => !Number.isSafeInteger(value) || value < 1)) {
  console.log(`npx tsx scripts/eval/ledger-size.ts [--family ${Object.keys(FAMILIES).join('|')}] [--rank 432] [--halves 60] [--dimensions ${7280},${CURVATURE.dimension},116480] [--json]
LDS of the default method by the numbers that a ledger keeps of each record, for an adapter of a high rank.`);
  process.exit(flags.help ? 0 : 2);
}

const plain = setup(family, 1);
// The recipe's alpha stays, so that a higher rank learns about as fast.
const all = { ...plain, recipe: { ...plain.recipe, rank }, counts: { ...plain.counts, halves }, key: `${plain.key} rank ${rank}` };
const outcomes = await groundTruth(all, {
  workers: 0, only: ['half-'], cache: join(CACHE, `rank-${rank}`), onProgress: (done, total) => done % 10 === 0 && console.error(`${done} of ${total} halves retrained`),
});
const runs = [...outcomes.keys()];
const weights = runs.map((run) => weightsOf(all, run));
const losses = runs.map((run) => outcomes.get(run)!);

const engine = await openEvalEngine(await createCpuBackend());
const subject = await Subject.train(engine, { records: all.records, queries: all.queries, recipe: all.recipe });
const { model, backend } = engine;
const checkpoints = await subject.loras(CURVATURE.checkpoints);
const values = adapterValues(subject.lora);
const results: { numbers: number; bytesPerRecord: number; lds: number; low: number; high: number; within: number }[] = [];
for (const dimension of dimensions) {
  const settings = { ...CURVATURE, dimension };
  const ledger = await buildCurvatureLedger(model, checkpoints, subject.examples, settings, runPace(all.recipe, all.records.length));
  const scores: number[][] = [];
  for (const [query] of subject.asked) {
    const [found] = await curvatureInfluence(model, subject.lora, ledger, query!, [{ from: 0, to: query!.ids.length - query!.start }]);
    scores.push([...found!.scores]);
  }
  freeCurvatureLedger(backend, ledger);
  const effects = groupEffects(scores, weights, losses);
  const columns = CURVATURE.checkpoints * rowWidth(values, settings);
  // Beside the row each record has its noise, a float32.
  results.push({ numbers: columns, bytesPerRecord: matrixBytes(1, columns, ROW_FORMAT) + 4, lds: score(effects), ...bootstrapScore([effects]), within: score(withinClass(effects, weights, all.classOf)) });
  console.error(`${columns} numbers a record: LDS ${results.at(-1)!.lds.toFixed(3)}`);
}
if (flags.json) console.log(JSON.stringify({ command: 'ledger-size', family, rank, values, halves: runs.length, results }));
else {
  console.log(`${family}, an adapter of ${values.toLocaleString('en')} numbers (rank ${rank}), ${runs.length} halves:\n`);
  console.log(table(
    ['numbers a record', 'bytes a record', 'LDS, half', 'within class'],
    results.map((one) => [one.numbers.toLocaleString('en'), one.bytesPerRecord.toLocaleString('en'), `${one.lds.toFixed(3)} (${one.low.toFixed(2)} to ${one.high.toFixed(2)})`, one.within.toFixed(3)]),
  ));
}
process.exit(0);
