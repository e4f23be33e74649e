import type { SendOptions, SendStage } from '../chain/send-transaction.ts';
import { OpenLedgerError, type WireError, toWire } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';

/** One transaction as a person sees it: checking → signing → sent → done, or failed with words. */
export class Transaction {
  stage = $state<'idle' | 'preparing' | 'checking' | 'signing' | 'sent' | 'done' | 'failed'>('idle');
  hash = $state<Hex | undefined>(undefined);
  error = $state.raw<WireError | undefined>(undefined);

  get busy(): boolean {
    return ['preparing', 'checking', 'signing', 'sent'].includes(this.stage);
  }

  /** Runs a verb of src/chain with its stages shown. Resolves to undefined where it failed; a second run while busy is ignored. */
  async run<T>(send: (options: SendOptions) => Promise<T>): Promise<T | undefined> {
    if (this.busy) return undefined;
    this.stage = 'preparing';
    this.hash = undefined;
    this.error = undefined;
    try {
      const result = await send({ onStage: (stage) => this.#show(stage) });
      this.stage = 'done';
      return result;
    } catch (error) {
      this.error = toWire(error);
      this.stage = 'failed';
      return undefined;
    }
  }

  /** As run; throws what it failed with. `subject`: what another transaction under way is about, for people. */
  async send<T>(subject: string, send: (options: SendOptions) => Promise<T>): Promise<T> {
    let failure: unknown;
    const result = await this.run(async (options) => {
      try {
        return { value: await send(options) };
      } catch (error) {
        failure = error;
        throw error;
      }
    });
    if (result) return result.value;
    throw failure ?? new OpenLedgerError({ code: 'wallet/busy', what: `Another transaction ${subject} is under way.`, next: 'Wait for it.' });
  }

  reset(): void {
    if (this.busy) return;
    this.stage = 'idle';
    this.error = undefined;
    this.hash = undefined;
  }

  #show(at: SendStage): void {
    if ('hash' in at) this.hash = at.hash;
    this.stage = at.stage === 'mined' ? 'sent' : at.stage;
  }
}
