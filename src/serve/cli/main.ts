import { toWire } from '../../errors.ts';
import { ask } from './ask.ts';
import { attribute } from './attribute.ts';
import { companion } from './companion-command.ts';
import { end } from './end.ts';
import { models } from './models.ts';
import { pay } from './pay.ts';
import { trainCommand } from './train.ts';
import { verify } from './verify.ts';
import { vouch } from './vouch.ts';
import { watch } from './watch.ts';

const HELP = `npm run serve -- [ask|train|attribute|verify|pay|vouch|watch|models] …
The companion without a verb; with one, the same work as the app, without a browser. Each verb has --help and --json.
  ask        answer a question with an adapter
  train      fine-tune an adapter on a file of records
  attribute  answer, and show which records made the answer; make a receipt
  verify     recompute a receipt
  pay        pay for the answers of receipts: one, or several with one claim
  vouch      stake a bond on how an adapter was made
  watch      check every claim on the chain, have false ones refuted, answer demands
  models     models and adapters on this machine: list, add, remove`;

const verbs: Record<string, (args: string[]) => Promise<unknown>> = { ask, train: trainCommand, attribute, verify, pay, vouch, watch, models };

const [verb, ...rest] = process.argv.slice(2);
const json = process.argv.includes('--json');
try {
  const known = verb !== undefined && !verb.startsWith('-');
  if (known && !verbs[verb]) {
    console.error(`There is no "${verb}".\n\n${HELP}`);
    await end(2);
  }
  const result = !known && process.argv.includes('--help') ? HELP : await (known ? verbs[verb]!(rest) : companion(process.argv.slice(2)));
  if (typeof result === 'string') console.log(result);
  else if (result !== undefined && json) console.log(JSON.stringify(result));
  await end();
} catch (error) {
  const wire = toWire(error);
  if (json) console.log(JSON.stringify({ error: wire }));
  console.error([wire.what, wire.why, wire.next, `(${wire.code})`].filter(Boolean).join('\n'));
  await end(2);
}
