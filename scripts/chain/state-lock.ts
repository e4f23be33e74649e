/** Two chains must not write one state file: the running one is noted beside it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { OpenLedgerError } from '../../src/errors.ts';

interface Lock {
  /** The chain's process. */
  pid: number;
  /** The process that started it. */
  owner: number;
}

const lockFile = (stateFile: string) => `${stateFile}.lock`;

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Process numbers are used again: only a process that names this very file is the chain that left the note. */
function runsOn(pid: number, stateFile: string): boolean {
  if (!alive(pid)) return false;
  try {
    const command = existsSync(`/proc/${pid}/cmdline`)
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      : execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return command.includes(stateFile);
  } catch {
    return false;
  }
}

function readLock(stateFile: string): Lock | undefined {
  try {
    const lock = JSON.parse(readFileSync(lockFile(stateFile), 'utf8')) as Lock;
    return Number.isSafeInteger(lock.pid) && lock.pid > 1 && Number.isSafeInteger(lock.owner) ? lock : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Ends a chain that outlived the process that started it (killed, or its terminal closed).
 * Errors: `chain/already-running` where that process still lives.
 */
export async function claimState(stateFile: string): Promise<void> {
  const lock = readLock(stateFile);
  if (!lock || !runsOn(lock.pid, stateFile)) return;
  if (alive(lock.owner)) {
    throw new OpenLedgerError({
      code: 'chain/already-running',
      what: 'The local chain runs already.',
      why: `Process ${lock.owner} started it and still uses its state.`,
      next: 'Use the one that runs, or end it first (Ctrl-C in its window).',
    });
  }
  process.kill(lock.pid, 'SIGINT');
  for (let waited = 0; alive(lock.pid) && waited < 10_000; waited += 100) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  if (runsOn(lock.pid, stateFile)) process.kill(lock.pid, 'SIGKILL');
}

export function noteState(stateFile: string, pid: number): void {
  writeFileSync(lockFile(stateFile), JSON.stringify({ pid, owner: process.pid } satisfies Lock));
}

export function releaseState(stateFile: string): void {
  rmSync(lockFile(stateFile), { force: true });
}
