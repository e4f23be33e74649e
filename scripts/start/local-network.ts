import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEther } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { Deployment } from '../../src/protocol/deployment.ts';
import { type Companion, createCompanion } from '../../src/serve/gateway/companion.ts';
import { type Anvil, anvilRpc, startAnvil } from '../chain/anvil.ts';
import { deployContracts, isCurrent } from '../chain/deploy.ts';
import { localKeys } from './identities.ts';
import { publishSamples } from './publish-samples.ts';
import { readFolder, readSamples } from './samples.ts';

export interface LocalNetworkOptions {
  /** Where chain state, content and keys are kept between starts. */
  stateFolder: string;
  /** The repository's public/ folder: base and samples. */
  publicFolder: string;
  /** The built app. */
  staticFolder: string;
  appPort: number;
  chainPort: number;
  blockSeconds?: number;
  /** How long claims can be challenged, seconds. 120: a person has half a minute to sign a proof or a reply. */
  window?: number;
  say: (line: string) => void;
  onChainExit?: (why: string) => void;
}

export interface LocalNetwork {
  url: string;
  deployment: Deployment;
  anvil: Anvil;
  companion: Companion;
  stop(): Promise<void>;
}

const FUNDS = parseEther('10000');

/** Chain, contracts, samples, content store and app on this machine; goes on where an earlier start stopped. */
export async function startLocalNetwork(options: LocalNetworkOptions): Promise<LocalNetwork> {
  const { stateFolder, say } = options;
  const blockSeconds = options.blockSeconds ?? 2;
  mkdirSync(stateFolder, { recursive: true });
  const file = join(stateFolder, 'deployment.json');
  const keys = localKeys(join(stateFolder, 'keys.json'));
  const governance = privateKeyToAccount(keys.governance).address;

  const anvil = await startAnvil({
    port: options.chainPort, stateFile: join(stateFolder, 'chain.json'), blockSeconds,
    ...(options.onChainExit ? { onExit: options.onChainExit } : {}),
    fund: [{ address: governance, wei: FUNDS }, ...(existsSync(file) ? [] : keys.identities.map(({ address }) => ({ address, wei: FUNDS })))],
  });
  if (anvil.port !== options.chainPort) say(`Port ${options.chainPort} is taken; the chain listens on ${anvil.port}.`);
  let deployment: Deployment | undefined;
  let companion: Companion | undefined;
  const stop = async () => {
    await companion?.close();
    await anvil.stop();
  };
  try {
    companion = await createCompanion({
      store: join(stateFolder, 'store'), staticDir: options.staticFolder, port: options.appPort, deployment: () => deployment,
    });
    if (companion.notice) say(companion.notice);
    const earlier = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Deployment) : undefined;
    // A chain of an earlier version's contracts would not understand this version's calls.
    if (earlier && (await isDeployed(anvil.url, earlier)) && (await isCurrent(anvil.url, earlier.contracts))) {
      // Ports may have changed since.
      deployment = { ...earlier, chain: { ...earlier.chain, rpcUrls: [anvil.url] } };
      say('Continuing where the last start stopped.');
    } else {
      if (earlier) say('The chain of the last start is gone: beginning anew.');
      const began = await setUp(options, keys, anvil, companion);
      deployment = began;
    }
    writeFileSync(`${file}.new`, JSON.stringify(deployment, null, 2), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return { url: companion.url, deployment, anvil, companion, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function isDeployed(url: string, deployment: Deployment): Promise<boolean> {
  const codes = await Promise.all(Object.values(deployment.contracts).map((address) => anvilRpc<string>(url, 'eth_getCode', [address, 'latest'])));
  return codes.every((code) => code !== '0x');
}

async function setUp(options: LocalNetworkOptions, keys: ReturnType<typeof localKeys>, anvil: Anvil, companion: Companion): Promise<Deployment> {
  const { say } = options;
  // A block for each transaction while setting up, then the usual rhythm.
  await anvilRpc(anvil.url, 'evm_setIntervalMining', [0]);
  await anvilRpc(anvil.url, 'evm_setAutomine', [true]);
  say('Deploying the contracts …');
  const deployed = await deployContracts({ rpcUrl: anvil.url, deployerKey: keys.governance, window: options.window ?? 120 });
  say('Storing the base model …');
  const base = readFolder(join(options.publicFolder, 'base'));
  const deployment: Deployment = {
    openledger: 'deployment/1', name: 'Local',
    chain: {
      id: deployed.chainId, name: 'OpenLedger local', rpcUrls: [anvil.url], currency: { name: 'OPEN', symbol: 'OPEN', decimals: 18 },
      deploymentBlock: deployed.deploymentBlock, blockSeconds: options.blockSeconds ?? 2,
    },
    contracts: deployed.contracts,
    gateways: ['./'], publish: './api/publish',
    base: { name: 'OpenLedger tiny base', cid: await companion.store.addDirectory(base) },
    samples: { datanets: [], adapters: [] },
    demo: { label: 'Demo wallets: keys made on this machine, for this local chain only', identities: keys.identities },
  };
  deployment.samples = await publishSamples(deployment, keys.identities, companion.store, readSamples(options.publicFolder), say);
  await anvilRpc(anvil.url, 'evm_setAutomine', [false]);
  await anvilRpc(anvil.url, 'evm_setIntervalMining', [options.blockSeconds ?? 2]);
  return deployment;
}

export function forget(stateFolder: string): void {
  rmSync(stateFolder, { recursive: true, force: true });
}
