import type { Hex } from './bytes.ts';

/** The one file that tells a static build which chain, contracts, gateways and samples it serves. */
export interface Deployment {
  openledger: 'deployment/1';
  name: string;
  chain: {
    id: number;
    name: string;
    /** Absolute, or relative to the deployment file's own URL. Tried in order. */
    rpcUrls: string[];
    currency: { name: string; symbol: string; decimals: number };
    /** First block worth reading, decimal. */
    deploymentBlock: string;
    blockSeconds: number;
    explorer?: string;
  };
  contracts: {
    datanetRegistry: Hex;
    contributions: Hex;
    adapterRegistry: Hex;
    settlement: Hex;
    treasury: Hex;
    /** Where claims are disproved, and the judge of single steps. */
    disputes: Hex;
    referee: Hex;
    /** Where makers of adapters vouch for how they were made, and where that is disproved. */
    runs: Hex;
  };
  /** Trustless IPFS gateways, tried in order; absolute or relative to this file. */
  gateways: string[];
  /** Where CAR files can be published; absent when this deployment takes none. */
  publish?: string;
  base: { name: string; cid: string };
  /** Ids on chain of what the deployment ships, decimal. */
  samples: { datanets: string[]; adapters: string[] };
  /** Demo wallets with funds on a local chain; never on a public one. Keys are made on this machine. */
  demo?: { label: string; identities: DemoIdentity[] };
}

export interface DemoIdentity {
  name: string;
  role: 'user' | 'contributor' | 'curator';
  address: Hex;
  privateKey: Hex;
}
