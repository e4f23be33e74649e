import type { ClaimRecord } from '../chain/list-claims.ts';
import { payoutItem } from '../chain/withdraw-payouts.ts';
import { OpenLedgerError, type WireError, toWire } from '../errors.ts';
import { type Receipt, parseReceipt, payoutsOf, receiptHash } from '../protocol/receipt.ts';
import type { Session } from './session.svelte.ts';

const AT_ONCE = 6;

/** Receipts of paid answers, each exactly the one that was paid; pages share what was read. */
export class PaidReceipts {
  /** Receipts read so far, of how many; undefined while none is being read. */
  reading = $state<{ done: number; total: number } | undefined>(undefined);
  receipts = $state.raw<ReadonlyMap<bigint, Receipt>>(new Map());
  failures = $state.raw<ReadonlyMap<bigint, WireError>>(new Map());
  #session: Session;
  #last: Promise<void> = Promise.resolve();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Reads those of the claims that were not read yet, in order, after what is being read now. One that cannot be had is kept as a failure. */
  read(claims: readonly ClaimRecord[], signal?: AbortSignal): Promise<void> {
    this.#last = this.#last.then(() => this.#read(claims, signal));
    return this.#last;
  }

  /** Forgets what failed, so that it is tried again. */
  forgetFailures(): void {
    this.failures = new Map();
  }

  async #read(claims: readonly ClaimRecord[], signal: AbortSignal | undefined): Promise<void> {
    const wanted = claims.filter(({ claimId, answer }) => (answer?.payoutCount ?? 0) > 0 && !this.receipts.has(claimId) && !this.failures.has(claimId));
    try {
      for (let at = 0; at < wanted.length && !signal?.aborted; at += AT_ONCE) {
        this.reading = { done: at, total: wanted.length };
        const part = wanted.slice(at, at + AT_ONCE);
        const found = await Promise.all(part.map((claim) => this.#readOne(claim)));
        const receipts = new Map(this.receipts);
        const failures = new Map(this.failures);
        part.forEach(({ claimId }, k) => {
          const one = found[k]!;
          if ('receipt' in one) receipts.set(claimId, one.receipt);
          else failures.set(claimId, one.error);
        });
        this.receipts = receipts;
        this.failures = failures;
      }
    } finally {
      this.reading = undefined;
    }
  }

  /** A receipt that is exactly the one that was paid, or why there is none. */
  async #readOne(claim: ClaimRecord): Promise<{ receipt: Receipt } | { error: WireError }> {
    try {
      const receipt = parseReceipt(await this.#session.engine.readJson(claim.receiptCid));
      if (receiptHash(receipt) !== claim.answer?.receiptHash.toLowerCase()) throw otherReceipt(claim);
      // Throws where its payouts are not those that the claim committed to.
      payoutItem(claim, payoutsOf(receipt), claim.claimant);
      return { receipt };
    } catch (error) {
      return { error: toWire(error) };
    }
  }
}

function otherReceipt(claim: ClaimRecord): OpenLedgerError {
  return new OpenLedgerError({
    code: 'receipt/not-the-paid-one',
    what: `The receipt of claim ${claim.claimId} is not the one that was paid.`,
    why: 'Its hash differs from the one on chain.',
    next: 'Do not trust this receipt; look for another copy of it.',
  });
}
