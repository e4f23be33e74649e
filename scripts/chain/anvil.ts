/** The local chain: anvil with OPEN as its native currency, its state kept in a file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { OpenLedgerError } from '../../src/errors.ts';
import type { Hex } from '../../src/protocol/bytes.ts';
import { foundryBinary } from './foundry-binary.ts';
import { claimState, noteState, releaseState } from './state-lock.ts';

/** Chain id of the local chain: our own, so that no wallet takes it for a known network. */
export const LOCAL_CHAIN_ID = 5511;

export interface AnvilOptions {
  /** Preferred port; where it is taken, or 0 or absent, a free one is used. */
  port?: number;
  /** Where the chain's state lives; absent for a chain that ends with the process. */
  stateFile?: string;
  /** Seconds between blocks; 0 mines a block for each transaction. Default 2. */
  blockSeconds?: number;
  chainId?: number;
  /** Addresses to give OPEN to, and how much in wei. A balance that is higher already stays. */
  fund?: { address: Hex; wei: bigint }[];
  /** Told when the chain ends without `stop()`. */
  onExit?: (why: string) => void;
}

export interface Anvil {
  url: string;
  port: number;
  /** Of the chain's process. */
  pid: number;
  chainId: number;
  /** Whether the state was read from a file of an earlier run. */
  continued: boolean;
  /** Saves the state and ends the chain. */
  stop(): Promise<void>;
}

/** One JSON-RPC call over HTTP, for the anvil-only methods. */
export async function anvilRpc<T>(url: string, method: string, params: unknown[] = []): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(10_000),
  });
  const body = (await response.json()) as { result?: T; error?: { message: string } };
  if (body.error) throw new Error(`${method}: ${body.error.message}`);
  return body.result as T;
}

function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** A port that nobody listens on: the wished one where possible. */
export async function freePort(wished = 0): Promise<number> {
  if (wished !== 0 && (await portIsFree(wished))) return wished;
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

function isState(file: string): boolean {
  try {
    const state = JSON.parse(readFileSync(file, 'utf8')) as { accounts?: unknown };
    return typeof state.accounts === 'object';
  } catch {
    return false;
  }
}

/**
 * Anvil writes its state in place, so a power cut can leave half a file. Each good start keeps a copy; a broken file
 * is set aside and the copy taken. Returns whether there is a state to continue from.
 */
function usableState(file: string): boolean {
  const copy = `${file}.last-start`;
  if (existsSync(file)) {
    if (isState(file)) {
      copyFileSync(file, copy);
      return true;
    }
    renameSync(file, `${file}.broken-${Date.now()}`);
  }
  if (!existsSync(copy) || !isState(copy)) return false;
  copyFileSync(copy, file);
  return true;
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

async function waitUntilAnswers(url: string, child: ChildProcess, output: () => string): Promise<void> {
  const until = Date.now() + 30_000;
  for (;;) {
    try {
      await anvilRpc(url, 'eth_chainId');
      return;
    } catch (error) {
      const dead = child.exitCode !== null || child.signalCode !== null;
      if (dead || Date.now() > until) {
        child.kill('SIGKILL');
        throw new OpenLedgerError({
          code: 'chain/local-start-failed',
          what: 'The local chain did not start.',
          why: output().trim().slice(-600) || (error instanceof Error ? error.message : String(error)),
          next: 'Run with --fresh to begin with an empty chain; if it fails again, check that npm install went through.',
          cause: error,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Errors: `chain/local-start-failed`, `chain/already-running`, `contracts/no-foundry`. */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const { blockSeconds = 2, chainId = LOCAL_CHAIN_ID } = options;
  const stateFile = options.stateFile && path.resolve(options.stateFile);
  const port = await freePort(options.port);
  const args = ['--host', '127.0.0.1', '--port', String(port), '--chain-id', String(chainId)];
  args.push('--accounts', '1', '--balance', '0', '--hardfork', 'cancun', '--quiet');
  // Only the newest state is needed. Without this each block keeps some 200 KB in memory (a number after it does so too).
  args.push('--prune-history');
  if (blockSeconds > 0) args.push('--block-time', String(blockSeconds), '--slots-in-an-epoch', '1');
  let continued = false;
  if (stateFile) {
    mkdirSync(path.dirname(stateFile), { recursive: true });
    await claimState(stateFile);
    continued = usableState(stateFile);
    args.push('--state', stateFile, '--state-interval', '20');
  }
  // Its own group, so that Ctrl-C reaches anvil through stop() and only once.
  const child = spawn(foundryBinary('anvil'), args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  let spawnError = '';
  child.on('error', (error) => (spawnError = error.message));

  let stopping = false;
  child.once('exit', (code, signal) => {
    process.removeListener('exit', killNow);
    if (stateFile) releaseState(stateFile);
    if (!stopping) options.onExit?.(output.trim() || `exit code ${code ?? signal}`);
  });
  const killNow = () => child.kill('SIGINT');
  process.once('exit', killNow);

  if (stateFile && child.pid) noteState(stateFile, child.pid);

  const url = `http://127.0.0.1:${port}`;
  await waitUntilAnswers(url, child, () => output || spawnError);
  const stop = async () => {
    stopping = true;
    child.kill('SIGINT');
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await ended(child);
    clearTimeout(timer);
  };
  try {
    for (const { address, wei } of options.fund ?? []) await fund(url, address, wei);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, port, pid: child.pid!, chainId, continued, stop };
}

/** Raises an address's balance to `wei` on a local chain. */
export async function fund(url: string, address: Hex, wei: bigint): Promise<void> {
  const balance = BigInt(await anvilRpc<string>(url, 'eth_getBalance', [address, 'latest']));
  if (balance < wei) await anvilRpc(url, 'anvil_setBalance', [address, `0x${wei.toString(16)}`]);
}
