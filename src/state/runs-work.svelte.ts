import type { SendOptions } from '../chain/send-transaction.ts';
import type { WireError } from '../errors.ts';
import type { LoadProgress } from '../workers/engine.api.ts';
import type { RunFinding } from '../workers/runs.api.ts';
import { Transaction } from './transaction.svelte.ts';

/** What this machine does about one adapter's run. */
export class RunWork {
  phase = $state<'idle' | 'making' | 'checking' | 'replying'>('idle');
  progress = $state.raw<LoadProgress | undefined>(undefined);
  finding = $state.raw<RunFinding | undefined>(undefined);
  error = $state.raw<WireError | undefined>(undefined);
  /** The challenge goes on by itself while this is true. */
  pursuing = $state(false);
  /** Demands are being answered. */
  replying = $state(false);
  /** Which of the transactions that post a list is next; undefined where none is. */
  part = $state.raw<{ part: number; parts: number } | undefined>(undefined);
  /** What is waited for, in words; the transaction says the rest. */
  waiting = $state('');
  readonly tx = new Transaction();
  stop: AbortController | undefined;
  /** What had been shown when `finding` was made. */
  foundWith = '';

  /** One transaction, shown. Throws what it failed with. */
  send<T>(send: (options: SendOptions) => Promise<T>): Promise<T> {
    return this.tx.send('about this run', send);
  }
}
