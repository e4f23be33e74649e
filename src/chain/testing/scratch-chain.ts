/** A chain of its own for a test file: random port, contracts deployed, funded accounts. Never part of the app. */
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { type Anvil, anvilRpc, startAnvil } from '../../../scripts/chain/anvil.ts';
import { type DeployOptions, deployContracts } from '../../../scripts/chain/deploy.ts';
import type { Hex } from '../../protocol/bytes.ts';
import type { DemoIdentity, Deployment } from '../../protocol/deployment.ts';
import { type ChainConnection, connectChain } from '../client.ts';
import { type Wallet, demoWallet } from '../wallets.ts';

export interface ScratchChain {
  anvil: Anvil;
  connection: ChainConnection;
  deployment: Deployment;
  deployer: DemoIdentity;
  /** A fresh account with 100 OPEN (or as much as given). */
  wallet(name: string, wei?: bigint): Promise<Wallet>;
  /** Lets seconds pass and makes a block. */
  pass(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

export const OPEN = 10n ** 18n;

function identity(name: string): DemoIdentity {
  const privateKey = generatePrivateKey();
  return { name, role: 'user', privateKey, address: privateKeyToAccount(privateKey).address };
}

export function deploymentOf(anvil: Anvil, contracts: Deployment['contracts'], deploymentBlock: string): Deployment {
  return {
    openledger: 'deployment/1',
    name: 'scratch',
    chain: {
      id: anvil.chainId,
      name: 'Scratch',
      rpcUrls: [anvil.url],
      currency: { name: 'OPEN', symbol: 'OPEN', decimals: 18 },
      deploymentBlock,
      blockSeconds: 1,
    },
    contracts,
    gateways: [],
    base: { name: 'none', cid: 'bafkqaaa' },
    samples: { datanets: [], adapters: [] },
  };
}

export async function startScratchChain(options: Partial<DeployOptions> = {}): Promise<ScratchChain> {
  const deployer = identity('deployer');
  const anvil = await startAnvil({ blockSeconds: 0, fund: [{ address: deployer.address, wei: 1000n * OPEN }] });
  try {
    const deployed = await deployContracts({ rpcUrl: anvil.url, deployerKey: deployer.privateKey, ...options });
    const deployment = deploymentOf(anvil, deployed.contracts, deployed.deploymentBlock);
    const connection = connectChain(deployment, 'http://localhost/');
    return {
      anvil,
      connection,
      deployment,
      deployer,
      async wallet(name, wei = 100n * OPEN) {
        const one = identity(name);
        await anvilRpc(anvil.url, 'anvil_setBalance', [one.address, `0x${wei.toString(16)}`]);
        return demoWallet(connection, one);
      },
      async pass(seconds) {
        await anvilRpc(anvil.url, 'evm_increaseTime', [seconds]);
        await anvilRpc(anvil.url, 'evm_mine');
      },
      stop: () => anvil.stop(),
    };
  } catch (error) {
    await anvil.stop();
    throw error;
  }
}

/** 32 bytes of one digit pair: a recognisable hash for tests. */
export const word = (pair: string): Hex => `0x${pair.repeat(32)}`;
