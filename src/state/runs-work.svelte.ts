import type { SendOptions } from '../chain/send-transaction.ts';
import { OpenLedgerError, type WireError } from '../errors.ts';
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
  /** What is waited for, in words; the transaction says the rest. */
  waiting = $state('');
  readonly tx = new Transaction();
  stop: AbortController | undefined;
  /** What had been shown when `finding` was made. */
  foundWith = '';

  /** One transaction, shown. Throws what it failed with. */
  async send<T>(send: (options: SendOptions) => Promise<T>): Promise<T> {
    let failure: unknown;
    const result = await this.tx.run(async (options) => {
      try {
        return { value: await send(options) };
      } catch (error) {
        failure = error;
        throw error;
      }
    });
    if (result) return result.value;
    throw failure ?? new OpenLedgerError({ code: 'wallet/busy', what: 'Another transaction about this run is under way.', next: 'Wait for it.' });
  }
}
