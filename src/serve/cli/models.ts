import { OpenLedgerError } from '../../errors.ts';
import { lineOfProgress, localLibrary } from './open-base.ts';
import { parseCommand, required } from './session.ts';

export const HELP = `npm run serve -- models [list | add URL|CID | remove ID]
Models and adapters kept on this machine. A download that was interrupted goes on where it stopped.
  --json   print the result as one JSON object; progress goes to standard error`;

export async function models(args: string[]): Promise<unknown> {
  const { values, positionals } = parseCommand(args, {});
  if (values.help) return HELP;
  const say = (line: string) => (values.json ? console.error(line) : console.log(line));
  const library = await localLibrary();
  const [verb = 'list', given] = positionals;
  if (verb === 'list') {
    const items = await library.list();
    for (const { id, kind, source, held, bytes, complete } of items) say(`${id}  ${kind}  ${complete ? bytes : `${held} of ${bytes}`} bytes  ${source}`);
    if (!items.length) say('No model was fetched yet.');
    return { items };
  }
  if (verb === 'add') {
    const source = required(given, 'The address or CID');
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    const item = await library.add(/^https?:\/\//i.test(source) ? { kind: 'url', url: source } : { kind: 'cid', cid: source }, stop.signal, lineOfProgress(say));
    say(`${item.id}: ${item.kind}, ${item.bytes} bytes`);
    return { item };
  }
  if (verb === 'remove') {
    const id = required(given, 'The id');
    if (!(await library.list()).some((item) => item.id === id)) throw new OpenLedgerError({ code: 'cli/no-such-model', what: `There is no model "${id}" here.`, next: 'See: npm run serve -- models list' });
    await library.remove(id);
    return { removed: id };
  }
  throw new OpenLedgerError({ code: 'cli/usage', what: `There is no "models ${verb}".`, next: 'See --help.' });
}
