import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll } from 'vitest';
import { anvilRpc } from '../../scripts/chain/anvil.ts';
import { type ScratchChain, startScratchChain } from '../../src/chain/testing/scratch-chain.ts';
import { type WatchedClaims, publishWatched } from './watched-claims.ts';

const root = join(import.meta.dirname, '../..');

/** One line that a command wrote with --json. */
export type Line = Record<string, unknown> & { event: string; text: string; claim?: string; error?: { code: string } };

/** A scratch chain with the contracts and a shipped adapter, and the command line in processes of its own that reads them. */
export interface CommandOnChain {
  /** Folder of the command line's state, with deployment.json. */
  state: string;
  /** Of an account with 100 OPEN; commands find it in the environment as TEST_KEY. */
  key: `0x${string}`;
  readonly chain: ScratchChain;
  readonly watched: WatchedClaims;
  run(...args: string[]): { status: number | null; text: string; lines: Line[] };
}

/** Set up before all tests of the file that calls it, and taken down after them. */
export function commandOnChain(name: string): CommandOnChain {
  const state = mkdtempSync(join(tmpdir(), `openledger-${name}-`));
  const key = generatePrivateKey();
  let chain: ScratchChain | undefined;
  let watched: WatchedClaims | undefined;
  beforeAll(async () => {
    chain = await startScratchChain({ window: 40_000 });
    chain.connection.publicClient.pollingInterval = 50;
    watched = await publishWatched(chain, await chain.wallet('owner'), state, 12);
    await anvilRpc(chain.anvil.url, 'anvil_setBalance', [privateKeyToAccount(key).address, `0x${(10n ** 20n).toString(16)}`]);
  }, 120_000);
  afterAll(async () => {
    watched?.close();
    await chain?.stop();
    rmSync(state, { recursive: true, force: true });
  });
  return {
    state, key,
    get chain() {
      return chain!;
    },
    get watched() {
      return watched!;
    },
    run(...args) {
      const { status, stdout, stderr } = spawnSync('node', ['--import', 'tsx', 'src/serve/cli/main.ts', ...args, '--json'], {
        cwd: root, env: { ...process.env, OPENLEDGER_STATE: state, TEST_KEY: key }, encoding: 'utf8',
      });
      return { status, text: stdout + stderr, lines: stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Line) };
    },
  };
}
