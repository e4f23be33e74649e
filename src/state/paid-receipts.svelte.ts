import { claimsOfBatch } from '../chain/claims-of-batch.ts';
import type { ClaimRecord } from '../chain/list-claims.ts';
import { payoutItem } from '../chain/withdraw-payouts.ts';
import { OpenLedgerError, type WireError, toWire } from '../errors.ts';
import { answersOfBatch, parseBatchFile } from '../protocol/batch.ts';
import { type Receipt, parseReceipt, payoutsOf, receiptHash } from '../protocol/receipt.ts';
import type { Session } from './session.svelte.ts';

const AT_ONCE = 6;

/** One answer of a claim, among all that were paid. */
export const answerKey = ({ claimId, opening }: ClaimRecord) => (opening ? `${claimId}.${opening.index}` : String(claimId));

/** Receipts of paid answers, each exactly the one that was paid; pages share what was read. By `answerKey`. */
export class PaidReceipts {
  /** Receipts read so far, of how many; undefined while none is being read. */
  reading = $state<{ done: number; total: number } | undefined>(undefined);
  receipts = $state.raw<ReadonlyMap<string, Receipt>>(new Map());
  /** Of receipts, and of the files of claims about several answers. */
  failures = $state.raw<ReadonlyMap<string, WireError>>(new Map());
  /** The answers of claims about several, as far as their files were read. */
  #batches = $state.raw<ReadonlyMap<string, readonly ClaimRecord[]>>(new Map());
  #session: Session;
  #last: Promise<void> = Promise.resolve();

  constructor(session: Session) {
    this.#session = session;
  }

  /** The claims by answer: those about several are taken apart, or left out until their files were read. */
  answersOf(claims: readonly ClaimRecord[]): ClaimRecord[] {
    return claims.flatMap((claim) => (claim.answer ? [claim] : this.#batches.get(batchKey(claim))?.map(({ answer, receiptCid, opening }) => ({ ...claim, answer, receiptCid, opening: opening! })) ?? []));
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
    await this.#readBatches(claims, signal);
    const wanted = this.answersOf(claims).filter((claim) => claim.answer!.payoutCount > 0 && !this.receipts.has(answerKey(claim)) && !this.failures.has(answerKey(claim)));
    try {
      for (let at = 0; at < wanted.length && !signal?.aborted; at += AT_ONCE) {
        this.reading = { done: at, total: wanted.length };
        const part = wanted.slice(at, at + AT_ONCE);
        const found = await Promise.all(part.map((claim) => this.#readOne(claim)));
        const receipts = new Map(this.receipts);
        const failures = new Map(this.failures);
        part.forEach((claim, k) => {
          const one = found[k]!;
          if ('receipt' in one) receipts.set(answerKey(claim), one.receipt);
          else failures.set(answerKey(claim), one.error);
        });
        this.receipts = receipts;
        this.failures = failures;
      }
    } finally {
      this.reading = undefined;
    }
  }

  /** Files of claims about several answers, one after another: each names up to 256 receipts. */
  async #readBatches(claims: readonly ClaimRecord[], signal: AbortSignal | undefined): Promise<void> {
    for (const claim of claims) {
      const key = batchKey(claim);
      if (signal?.aborted || claim.answer || claim.fee.contributors === 0n || this.#batches.has(key) || this.failures.has(key)) continue;
      try {
        const answers = answersOfBatch(parseBatchFile(await this.#session.engine.readJson(claim.receiptCid)), claim);
        if (!answers) throw otherBatch(claim);
        this.#batches = new Map(this.#batches).set(key, claimsOfBatch(claim, answers));
      } catch (error) {
        this.failures = new Map(this.failures).set(key, toWire(error));
      }
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

/** With the root: a chain that went back may have another claim under the same number. */
const batchKey = ({ claimId, answersRoot }: ClaimRecord) => `${claimId} ${answersRoot}`;

function otherBatch(claim: ClaimRecord): OpenLedgerError {
  return new OpenLedgerError({
    code: 'batch/not-the-paid-one',
    what: `The answers of claim ${claim.claimId} are not those that were paid.`,
    why: 'The root of the file differs from the one on chain.',
    next: 'Look for another copy of it; the amounts stay on chain.',
  });
}

function otherReceipt(claim: ClaimRecord): OpenLedgerError {
  return new OpenLedgerError({
    code: 'receipt/not-the-paid-one',
    what: `The receipt of claim ${claim.claimId} is not the one that was paid.`,
    why: 'Its hash differs from the one on chain.',
    next: 'Do not trust this receipt; look for another copy of it.',
  });
}
