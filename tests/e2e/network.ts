import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Deployment } from '../../src/protocol/deployment.ts';
import { freePort } from '../../scripts/chain/anvil.ts';
import { type LocalNetwork, startLocalNetwork } from '../../scripts/start/local-network.ts';
import { type SmallAdapter, publishSmallAdapter } from './small-adapter.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Where pictures of the pages go; not kept in the repository. */
export const RESULTS = join(ROOT, 'tests/e2e/results');

/** What test files get of the network: plain data, because they run in other processes. */
export interface TestNetwork {
  url: string;
  deployment: Deployment;
  small: SmallAdapter;
}

/**
 * The local network of `npm start` with the built app, on random ports and with its own state, blocks each second;
 * and on it a Datanet small enough for a slow software graphics processor.
 */
export async function startTestNetwork(): Promise<TestNetwork & { stop(): Promise<void> }> {
  const stateFolder = mkdtempSync(join(tmpdir(), 'openledger-e2e-'));
  let network: LocalNetwork | undefined;
  const stop = async () => {
    await network?.stop();
    rmSync(stateFolder, { recursive: true, force: true });
  };
  try {
    network = await startLocalNetwork({
      stateFolder,
      publicFolder: join(ROOT, 'public'),
      staticFolder: process.env.OPENLEDGER_E2E_DIST ?? join(ROOT, 'dist'),
      appPort: await freePort(),
      chainPort: await freePort(),
      blockSeconds: 1,
      window: 20,
      say: () => {},
    });
    const { url, deployment, companion } = network;
    const small = await publishSmallAdapter(deployment, companion.store, join(ROOT, 'public'));
    return { url, deployment, small, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
