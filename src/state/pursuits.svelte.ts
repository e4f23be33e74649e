import { SvelteMap } from 'svelte/reactivity';
import { OpenLedgerError } from '../errors.ts';
import { type Pursuit, dropPursuit, keepPursuit, readPursuits } from './disputes-kept.ts';
import type { Session } from './session.svelte.ts';

/** Nothing is committed to that would not convict: it would cost gas, and show nothing. */
export function notJudged(why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'dispute/not-judged-false', what: 'The referee on the chain does not find this to be false: nothing was committed to.', why, next: 'Check it again; if that stays, this page computes otherwise than the referee: please report it.',
  });
}

/** Challenges that the connected account has begun in one contract of games, by claim or adapter. */
export class Pursuits {
  /** False where the browser keeps nothing: a challenge is then lost with the tab. */
  lasting = $state(true);
  #all = new SvelteMap<string, Pursuit>();
  #account: string | undefined;
  #session: Session;
  #contract: 'disputes' | 'runs';

  constructor(session: Session, contract: 'disputes' | 'runs') {
    this.#session = session;
    this.#contract = contract;
  }

  /** Whose they are, lower case; undefined without a wallet. */
  get account(): string | undefined {
    return this.#account;
  }

  of(id: bigint): Pursuit | undefined {
    return this.#all.get(String(id));
  }

  /** Reads what the connected account has begun in this browser. */
  async read(): Promise<void> {
    const account = this.#session.wallet.address;
    if (this.#account === account?.toLowerCase()) return;
    this.#account = account?.toLowerCase();
    this.#all.clear();
    if (!account) return;
    const found = await readPursuits(this.#place(), account);
    if (this.#account === account.toLowerCase()) for (const pursuit of found) this.#all.set(pursuit.claimId, pursuit);
  }

  async keep(pursuit: Pursuit): Promise<void> {
    this.lasting = await keepPursuit(this.#place(), pursuit);
    if (this.#account === pursuit.account.toLowerCase()) this.#all.set(pursuit.claimId, pursuit);
  }

  /** Another proof is made, with a new salt: the old call may have been seen. */
  async forgetProof({ proof: _, committedIn: __, proveBy: ___, ...rest }: Pursuit): Promise<true> {
    await this.keep(rest);
    return true;
  }

  /** What it spent is spent. */
  async drop(pursuit: Pursuit): Promise<void> {
    await dropPursuit(this.#place(), pursuit);
    this.#all.delete(pursuit.claimId);
  }

  /** Resolves with the next block, or when it is cancelled. */
  async nextBlock(signal: AbortSignal): Promise<true> {
    await new Promise<void>((resolve) => {
      const done = () => {
        end();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const end = this.#session.chain.onBlock(done);
      signal.addEventListener('abort', done);
    });
    return true;
  }

  #place() {
    const { connection } = this.#session.chain;
    return { chainId: connection.chain.id, disputes: connection.contracts[this.#contract] };
  }
}
