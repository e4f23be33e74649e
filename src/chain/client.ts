import { type Chain, type Client, type PublicActions, type Transport, createClient, defineChain, fallback, http } from 'viem';
import { getBalance, getBlock, getBlockNumber, getChainId, getCode, getGasPrice, getLogs, readContract } from 'viem/actions';
import { OpenLedgerError } from '../errors.ts';
import type { Deployment } from '../protocol/deployment.ts';
import { retryPruned } from './retry-pruned.ts';

/** What reading a chain asks of it. viem's own public client carries all else that it can do into the first load. */
type Reads = Pick<
  PublicActions<Transport, Chain>,
  'getBalance' | 'getBlock' | 'getBlockNumber' | 'getChainId' | 'getCode' | 'getGasPrice' | 'getLogs' | 'readContract'
>;

/** What every verb of this folder works on: one deployment's chain and contracts. */
export interface ChainConnection {
  deployment: Deployment;
  contracts: Deployment['contracts'];
  chain: Chain;
  /** Absolute addresses of the chain's nodes, tried in order. */
  rpcUrls: string[];
  publicClient: Client<Transport, Chain, undefined, undefined, Reads>;
}

/**
 * Opens nothing yet: the first request happens with the first verb.
 * @param baseUrl the deployment file's own URL; relative node addresses are resolved against it
 * Errors: `chain/bad-deployment`.
 */
export function connectChain(deployment: Deployment, baseUrl: string): ChainConnection {
  const rpcUrls = deployment.chain.rpcUrls.map((url) => resolveUrl(url, baseUrl));
  if (rpcUrls.length === 0) throw badDeployment('It names no node of the chain.');
  for (const [name, address] of Object.entries(deployment.contracts)) {
    if (!/^0x[0-9a-fA-F]{40}$/.test(address)) throw badDeployment(`The address of ${name} is not an address.`);
  }
  const chain = defineChain({
    id: deployment.chain.id,
    name: deployment.chain.name,
    nativeCurrency: deployment.chain.currency,
    rpcUrls: { default: { http: rpcUrls } },
    ...(deployment.chain.explorer && {
      blockExplorers: { default: { name: 'Explorer', url: deployment.chain.explorer } },
    }),
  });
  const nodes = rpcUrls.map((url) =>
    retryPruned(http(url, { batch: { wait: 8 }, timeout: 10_000, retryCount: 1, retryDelay: 200 })),
  );
  const publicClient = createClient({
    chain,
    transport: nodes.length === 1 ? nodes[0]! : fallback(nodes, { retryCount: 0 }),
    pollingInterval: Math.max(250, deployment.chain.blockSeconds * 250),
    cacheTime: 0,
  }).extend(reads);
  return { deployment, contracts: deployment.contracts, chain, rpcUrls, publicClient };
}

function reads(client: Client<Transport, Chain>): Reads {
  return {
    getBalance: (args) => getBalance(client, args),
    getBlock: (args) => getBlock(client, args),
    getBlockNumber: (args) => getBlockNumber(client, args),
    getChainId: () => getChainId(client),
    getCode: (args) => getCode(client, args),
    getGasPrice: () => getGasPrice(client),
    // viem types its own the same way: the generic result does not infer through a wrapper.
    getLogs: ((args) => getLogs(client, args)) as Reads['getLogs'],
    readContract: (args) => readContract(client, args),
  };
}

function resolveUrl(url: string, baseUrl: string): string {
  try {
    const absolute = new URL(url, baseUrl);
    if (absolute.protocol === 'http:' || absolute.protocol === 'https:') return absolute.href;
  } catch {
    // Said below.
  }
  throw badDeployment(`“${url.slice(0, 80)}” is not the address of a node.`);
}

function badDeployment(why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'chain/bad-deployment',
    what: 'The deployment file cannot be used.',
    why,
    next: 'Ask whoever runs this page for a correct deployment file.',
  });
}
