/** `npm run eval`: is attribution true? Against retraining on task families, and on questions to the sample adapters. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { OpenLedgerError, toWire } from '../../src/errors.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { end } from '../../src/serve/cli/end.ts';
import { type FamilyReport, evaluateFamilies } from './attribution.ts';
import { METHODS } from './controls/methods.ts';
import { FAMILIES, type FamilyName } from './families/make-set.ts';
import { familyTables } from './report/tables.ts';
import { writeReport } from './report/write-report.ts';
import { type SampleFigures, evaluateSamples } from './sample-questions.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const HELP = `npm run eval -- [--families] [--samples] [--small] [--json]
Task families: trains adapters again and again without some of their records and compares what each method of attribution
predicted; for the default, DataInf, exact replay and controls. Hours on a CPU the first time; ended anywhere, it goes on
where it stopped (.cache/eval). Sample adapters: asks every question about the sample Datanets' facts and attributes the
answers. All on the CPU backend; both where neither is named.
  --families        the task families only      --samples      the sample adapters only
  --small           both in a small form, within a minute
  --family NAME     ${Object.keys(FAMILIES).join(' or ')}; may be given again
  --seeds 1,2,3     seeds of the families
  --methods A,B     ${METHODS.map(({ id }) => id).join(', ')}
  --workers N       threads that retrain: 2; 0 for none beside this one
  --as-is           take the retrainings that are there, make none
  --kept            take the methods’ scores that are there, too: nothing is made but tables
  --write           write tables and plots to docs/attribution-eval.md and docs/plots
  --only NAME       one sample Datanet
  --limit N         at most N questions of each kind per sample Datanet
  --from DIR        another public/ folder
  --verbose         print wrong answers
  --json            one object on standard output`;

/** Questions of each kind in the small form. */
const SMALL_LIMIT = 20;

function readFlags() {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean' }, json: { type: 'boolean' }, small: { type: 'boolean' }, families: { type: 'boolean' }, samples: { type: 'boolean' },
      family: { type: 'string', multiple: true }, seeds: { type: 'string' }, methods: { type: 'string' }, workers: { type: 'string' }, 'as-is': { type: 'boolean' }, kept: { type: 'boolean' }, write: { type: 'boolean' },
      only: { type: 'string' }, from: { type: 'string' }, limit: { type: 'string' }, verbose: { type: 'boolean' },
    },
  });
  const whole = (name: string, text: string) => {
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw new OpenLedgerError({ code: 'eval/bad-flag', what: `--${name} ${text.slice(0, 40)} is no whole number.`, next: 'See --help.' });
  };
  return {
    ...values,
    seeds: values.seeds?.split(',').map((text) => whole('seeds', text)) ?? (values.small ? [1] : [1, 2, 3]),
    workers: values.workers === undefined ? (values.small ? 0 : 2) : whole('workers', values.workers),
    limit: values.small ? SMALL_LIMIT : values.limit === undefined ? undefined : whole('limit', values.limit),
  };
}

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

async function run(): Promise<{ families: FamilyReport[] | undefined; samples: SampleFigures[] | undefined }> {
  const flags = readFlags();
  if (flags.help) {
    console.log(HELP);
    return end(0);
  }
  const both = !flags.families && !flags.samples;
  const backend = await createCpuBackend();
  const onProgress = (text: string) => console.error(text);
  const { signal } = stop;
  const samples = both || flags.samples
    ? await evaluateSamples(backend, { publicFolder: join(root, 'public'), from: flags.from, only: flags.only, limit: flags.limit, signal, onProgress, onWrong: flags.verbose ? onProgress : undefined })
    : undefined;
  const families = both || flags.families
    ? await evaluateFamilies(backend, {
        families: flags.family as FamilyName[] | undefined, seeds: flags.seeds, methods: flags.methods?.split(','), small: flags.small, workers: flags.workers, asIs: flags['as-is'], kept: flags.kept, signal, onProgress,
      })
    : undefined;
  if (flags.write && families) writeReport(join(root, 'docs'), families, samples);
  if (flags.json) console.log(JSON.stringify({ command: 'eval', results: samples, families }));
  else {
    if (samples) console.table(samples);
    if (families) console.log(families.map(familyTables).join('\n'));
  }
  return { families, samples };
}

try {
  await run();
  await end(0);
} catch (error) {
  const { code, what, why, next } = toWire(error);
  console.error(code === 'cancelled' ? 'Ended. What was done is kept: run it again to go on.' : [what, why, next].filter(Boolean).join(' '));
  await end(1);
}
