import { join } from 'node:path';
import { parseGwei, parseUnits } from 'viem';
import { Catalog } from '../../attribution/catalog.ts';
import { connectChain } from '../../chain/client.ts';
import { memoryEventStore } from '../../chain/event-store.ts';
import { createEventFeed } from '../../chain/events.ts';
import { OpenLedgerError, toWire } from '../../errors.ts';
import { Examiner } from '../watch/examine.ts';
import { openWallet } from '../watch/keys.node.ts';
import { catalogSubjects } from '../watch/subjects.ts';
import { catalogRuns } from '../watch/run-subjects.ts';
import { RunWatcher } from '../watch/runs.ts';
import { StateFile } from '../watch/watch-state.node.ts';
import { type WatchEvent, Watcher } from '../watch/watcher.ts';
import { openBackendByName } from './backend-option.ts';
import { STATE, localStore } from './content.ts';
import { readDeployment } from './deployment-option.ts';
import { parseCommand } from './session.ts';

export const HELP = `npm run serve -- watch [--chain DEPLOYMENT] [--key-env NAME | --keystore FILE]
Follows the chain, computes every open claim again, has false ones refuted, and answers demands on your own.
Without a key it looks and tells, and sends nothing. docs/watch.md says what it does and risks.
  --chain DEPLOYMENT   file or address of a deployment.json (default: the local chain's)
  --key-env NAME       environment variable with the private key of the account that challenges
  --keystore FILE      a Web3 keystore (version 3), or a file of mode 600 with the private key
  --password-env NAME  environment variable with the keystore's password
  --max-gas-gwei N     send nothing while gas costs more (default 50)
  --max-bond OPEN      bonds of open demands together (default 0.1)
  --max-demands N      open demands at once (default 8)
  --confirmations N    blocks that must stand on a claim before it is looked at (default 2)
  --defend WHOSE       answer demands on right claims of: all (default; others' where the bond pays for it), own, none
  --runs WHICH         statements about how adapters were made: all (default) are checked, each by making the run again; own; none
  --max-units N        runs of more units are not made again (default 20000; a sample's has up to 2,949 and takes two minutes)
  --base CID           a base model beside the deployment's; may be repeated
  --state FILE         where commitments are kept (default .openledger/watch-CHAIN-ACCOUNT.json)
  --gateway URL        where to fetch CIDs that are not on this machine; may be repeated
  --backend NAME       cpu (default), webgpu, swiftshader, llvmpipe, reference
  --once               one round, then end
  --dry-run            say what would be sent
  --json               one JSON object a line
Exits 2 where it cannot go on.`;

const OPTIONS = {
  chain: { type: 'string' }, 'key-env': { type: 'string' }, keystore: { type: 'string' }, 'password-env': { type: 'string' },
  'max-gas-gwei': { type: 'string' }, 'max-bond': { type: 'string' }, 'max-demands': { type: 'string' }, confirmations: { type: 'string' },
  defend: { type: 'string' }, runs: { type: 'string' }, 'max-units': { type: 'string' }, base: { type: 'string', multiple: true }, state: { type: 'string' }, once: { type: 'boolean' }, 'dry-run': { type: 'boolean' },
} as const;

export async function watch(args: string[]): Promise<unknown> {
  const { values } = parseCommand(args, OPTIONS);
  if (values.help) return HELP;
  const { deployment, from } = await readDeployment(values.chain);
  const connection = connectChain(deployment, from);
  const wallet = openWallet(connection, { keyEnv: values['key-env'], keystore: values.keystore, passwordEnv: values['password-env'] });
  const limits = {
    gasPrice: amount(values['max-gas-gwei'] ?? '50', '--max-gas-gwei', parseGwei),
    bond: amount(values['max-bond'] ?? '0.1', '--max-bond', (text) => parseUnits(text, deployment.chain.currency.decimals)),
    demands: whole(values['max-demands'] ?? '8', '--max-demands'), confirmations: whole(values.confirmations ?? '2', '--confirmations'),
  };
  const defend = values.defend ?? 'all';
  if (defend !== 'own' && defend !== 'all' && defend !== 'none') throw usage(`--defend is own, all or none, not “${defend}”.`);
  const which = values.runs ?? 'all';
  if (which !== 'all' && which !== 'own' && which !== 'none') throw usage(`--runs is all, own or none, not “${which}”.`);
  const mostUnits = whole(values['max-units'] ?? '20000', '--max-units');
  const account = wallet?.address ?? '0x0000000000000000000000000000000000000000';
  const place = { chainId: connection.chain.id, disputes: connection.contracts.disputes, account };
  const tell = (event: WatchEvent) => console.log(values.json ? JSON.stringify({ at: new Date().toISOString(), ...event }) : [event.text, event.transaction].filter(Boolean).join('  '));

  const { backend, close } = await openBackendByName(values.backend ?? 'cpu');
  const store = await localStore([...(values.gateway ?? []), ...deployment.gateways.map((url) => new URL(url, from).href).filter((url) => /^https?:/.test(url))]);
  const catalog = new Catalog(backend, store);
  // Runs are made again beside the rounds, on a backend of their own.
  const forRuns = which === 'none' ? undefined : await openBackendByName(values.backend ?? 'cpu');
  const runCatalog = forRuns && new Catalog(forRuns.backend, store);
  try {
    const bases = [deployment.base, ...(values.base ?? []).map((cid) => ({ name: cid, cid }))];
    const dryRun = values['dry-run'] === true;
    // The events' cursor is not kept: reading all of them once a start is cheap beside the first check.
    const feed = createEventFeed(connection, memoryEventStore());
    const claims = new Watcher({
      connection, wallet, limits, defend, tell, dryRun, feed,
      examiner: new Examiner(connection, store, catalogSubjects(catalog, bases)),
      file: new StateFile(values.state ?? join(STATE, `watch-${place.chainId}-${account.slice(2, 10)}.json`), place),
    });
    const runs = runCatalog && which !== 'none' ? new RunWatcher({
      connection, wallet, limits, tell, dryRun, feed, which, wait: values.once === true,
      subjects: catalogRuns(runCatalog, bases, mostUnits),
      file: new StateFile(values.state ? `${values.state}.runs` : join(STATE, `watch-runs-${place.chainId}-${account.slice(2, 10)}.json`), { ...place, disputes: connection.contracts.runs }),
    }) : undefined;
    const watcher = {
      async round() {
        await claims.round();
        await runs?.round();
      },
    };
    if (!values.json) console.log(`Watching ${deployment.name}${wallet ? ` as ${wallet.address}` : ' without a key: nothing is sent'}.`);
    if (values.once) return await watcher.round().then(() => undefined);
    await repeat(watcher, Math.max(1000, deployment.chain.blockSeconds * 500), tell);
    return undefined;
  } finally {
    runCatalog?.close();
    forRuns?.close();
    catalog.close();
    close();
  }
}

/** Until SIGINT or SIGTERM. A node that cannot be reached is asked again, ever more slowly. */
async function repeat(watcher: { round(): Promise<void> }, pause: number, tell: (event: WatchEvent) => void): Promise<void> {
  let ended = false;
  let wake = () => {};
  const end = () => {
    ended = true;
    wake();
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  for (let failures = 0; !ended;) {
    try {
      await watcher.round();
      failures = 0;
    } catch (error) {
      const { code, what, why } = toWire(error);
      if (code !== 'chain/unreachable') throw error;
      if (failures++ === 0) tell({ event: 'failed', text: [what, why].filter(Boolean).join(' ') });
    }
    if (ended) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pause * Math.min(32, 2 ** failures));
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function amount(text: string, flag: string, parse: (text: string) => bigint): bigint {
  if (/^[0-9]{1,18}(\.[0-9]{1,18})?$/.test(text)) return parse(text);
  throw usage(`${flag} is no amount: “${text}”.`);
}

function whole(text: string, flag: string): number {
  if (/^[0-9]{1,6}$/.test(text)) return Number(text);
  throw usage(`${flag} is no whole number: “${text}”.`);
}

function usage(what: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'cli/usage', what, next: 'See --help.' });
}
