/** `npx tsx scripts/eval/ground-truth/main.ts`: retrains a family's adapter without some of its records, again and again. */
import { parseArgs } from 'node:util';
import { FAMILIES, type FamilyName } from '../families/make-set.ts';
import { ensureBase } from '../base/open-base.ts';
import { groundTruth } from './ground-truth.ts';
import { setup } from './setup.ts';

const { values: flags } = parseArgs({
  options: {
    help: { type: 'boolean' }, family: { type: 'string', default: 'arithmetic' }, seed: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true }, workers: { type: 'string', default: '2' }, small: { type: 'boolean' },
  },
});
const families = Object.keys(FAMILIES);
const seed = Number(flags.seed);
const workers = Number(flags.workers);
if (flags.help || !families.includes(flags.family) || !Number.isSafeInteger(seed) || seed < 0 || !Number.isSafeInteger(workers) || workers < 0) {
  console.log(`npx tsx scripts/eval/ground-truth/main.ts [--family ${families.join('|')}] [--seed 1] [--only half]… [--workers 2] [--small]
Retrains without some records and writes the queries' losses to .cache/eval/FAMILY/SEED/outcomes.jsonl. Ended anywhere,
it goes on where it stopped. --only takes beginnings of names: full, half, val, five, loo, order-1-half, mislabelled.`);
  process.exit(flags.help ? 0 : 2);
}
const began = Date.now();
if (!flags.small) await ensureBase({ onStep: (step, loss) => step % 500 === 0 && console.log(`base: step ${step}, loss ${loss.toFixed(3)}`) });
await groundTruth(setup(flags.family as FamilyName, seed, flags.small ? 'small' : 'full'), {
  workers, only: flags.only,
  onProgress: (done, total) => (done % 10 === 0 || done === total) && console.log(`${flags.family} ${seed}: ${done} of ${total}, ${Math.round((Date.now() - began) / 1000)} s`),
});
process.exit(0);
