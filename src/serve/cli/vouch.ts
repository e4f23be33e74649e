import { formatUnits } from 'viem';
import { Catalog } from '../../attribution/catalog.ts';
import { connectChain } from '../../chain/client.ts';
import { leastRunBond, readRun } from '../../chain/read-run.ts';
import { vouchRun } from '../../chain/vouch-run.ts';
import { OpenLedgerError } from '../../errors.ts';
import { openWallet } from '../watch/keys.node.ts';
import { catalogRuns } from '../watch/run-subjects.ts';
import { openBackendByName } from './backend-option.ts';
import { localStore } from './content.ts';
import { readDeployment } from './deployment-option.ts';
import { readRegistered } from './registered.ts';
import { parseCommand, required } from './session.ts';

export const HELP = `npm run serve -- vouch --id ADAPTER [--chain DEPLOYMENT] (--key-env NAME | --keystore FILE)
Makes the run of a registered adapter again and vouches for every unit of it with a bond; the roots of what they made go on chain, some
1,280 gas each. A list that is too long for one transaction goes in parts: where that breaks off, calling it again goes on. Only the adapter's owner can, once. The bond
comes back when the statement stands; whoever shows one false bit in it takes half. docs/runs.md. Answer demands: npm run serve -- watch.
  --id ADAPTER         its number on the chain
  --chain DEPLOYMENT   file or address of a deployment.json (default: the local chain's)
  --key-env NAME       environment variable with the private key of the adapter's owner
  --keystore FILE      a Web3 keystore (version 3), or a file of mode 600 with the private key
  --password-env NAME  environment variable with the keystore's password
  --base CID           a base model beside the deployment's
  --gateway URL        where to fetch CIDs that are not on this machine; may be repeated
  --backend NAME       cpu (default), webgpu, swiftshader, llvmpipe, reference
  --dry-run            make the run again and say what would be vouched for, send nothing
  --json               print the result as one JSON object`;

const OPTIONS = { id: { type: 'string' }, chain: { type: 'string' }, 'key-env': { type: 'string' }, keystore: { type: 'string' }, 'password-env': { type: 'string' }, 'dry-run': { type: 'boolean' } } as const;

/** contracts/snapshots/Runs.json, src/chain/vouch-run.test.ts. */
const [ROOT_GAS, STATEMENT_GAS] = [1_280, 200_000];

export async function vouch(args: string[]): Promise<unknown> {
  const { values } = parseCommand(args, OPTIONS);
  if (values.help) return HELP;
  const id = required(values.id, '--id');
  const { deployment, from } = await readDeployment(values.chain);
  const connection = connectChain(deployment, from);
  const wallet = openWallet(connection, { keyEnv: values['key-env'], keystore: values.keystore, passwordEnv: values['password-env'] });
  if (!wallet && !values['dry-run']) throw new OpenLedgerError({ code: 'cli/usage', what: 'Who vouches? Name a key with --key-env or --keystore.', next: 'See --help.' });
  const { adapter, version } = await readRegistered(connection, id);
  const { state } = await readRun(connection, adapter.id);
  if (state !== 'none') throw refused(`There is a statement about it already: ${state}.`, 'There can be one for each adapter.');
  if (wallet && wallet.address.toLowerCase() !== adapter.owner.toLowerCase()) throw refused(`It belongs to ${adapter.owner}, the key to ${wallet.address}.`, 'Use the key of its owner.');

  const { backend, close } = await openBackendByName(values.backend ?? 'cpu');
  const store = await localStore([...(values.gateway ?? []), ...deployment.gateways.map((url) => new URL(url, from).href).filter((url) => /^https?:/.test(url))]);
  const catalog = new Catalog(backend, store);
  try {
    const examiner = await catalogRuns(catalog, [deployment.base, ...(values.base ? [{ name: values.base, cid: values.base }] : [])], Infinity).open(adapter, version);
    let told = 0;
    const onProgress = (done: number, total: number) => {
      if (values.json || performance.now() - told < 2000) return;
      told = performance.now();
      console.log(`unit ${done} of ${total}`);
    };
    const [outputs, plan] = [await examiner.outputs({ onProgress }), await examiner.plan()];
    const made = { planRoot: plan.root, outputsRoot: outputs.root, units: outputs.count };
    const other = await examiner.otherwise(adapter);
    if (other) throw refused(`The run made again here does not end in ${other}.`, 'It was made in another way than run.json says: nobody should vouch for it.');
    const bond = await leastRunBond(connection);
    const said = { adapter: id, ...made, bond: String(bond) };
    const { symbol, decimals } = deployment.chain.currency;
    const words = `${made.units} units of adapter ${id}, bond ${formatUnits(bond, decimals)} ${symbol}, some ${((made.units * ROOT_GAS + STATEMENT_GAS) / 1e6).toFixed(1)} million gas`;
    if (values['dry-run'] || !wallet) return values.json ? said : `${words}. Nothing was sent.`;
    const onPart = (part: number, parts: number) => {
      if (parts > 1 && !values.json) console.log(`part ${part} of ${parts} of the list`);
    };
    const { transaction, deadline } = await vouchRun(connection, wallet, { adapterId: adapter.id, roots: outputs.bytes, ...made }, { onPart });
    if (values.json) return { ...said, transaction, deadline };
    return `Vouched for ${words}; transaction ${transaction}. It can be challenged until ${new Date(deadline * 1000).toISOString()}: until then run "watch" with this key.`;
  } finally {
    catalog.close();
    close();
  }
}

function refused(why: string, next: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'cli/no-statement', what: 'This adapter’s run cannot be vouched for.', why, next });
}
