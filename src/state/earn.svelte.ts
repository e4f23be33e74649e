import { finalizeClaim } from '../chain/finalize-claim.ts';
import type { ClaimRecord } from '../chain/list-claims.ts';
import { withdrawBalance } from '../chain/withdraw-balance.ts';
import { type PayoutItem, payoutItem, withdrawPayouts } from '../chain/withdraw-payouts.ts';
import { OpenLedgerError, type WireError, toWire } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';
import { type Receipt, payoutsOf } from '../protocol/receipt.ts';
import { ChainLists } from './chain-lists.svelte.ts';
import { PaidReceipts, answerKey } from './paid-receipts.svelte.ts';
import { type EarnedPart, earnedParts } from './record-earnings.ts';
import type { Session } from './session.svelte.ts';
import { Transaction } from './transaction.svelte.ts';
import { VersionFiles } from './version-files.ts';

/** Where an answer's money is, for the person who looks. */
export type EarningState = 'window' | 'window-over' | 'ready' | 'fetched' | 'refuted';

/** One answer that brought the connected address something; of answers that were paid together the owner's part is one for all. */
export interface Earning {
  key: string;
  claim: ClaimRecord;
  receipt: Receipt | undefined;
  state: EarningState;
  /** Wei as contributor, with the proof to fetch it. */
  payout: PayoutItem | undefined;
  /** Wei as owner of the adapter. */
  ownerPart: bigint;
  /** Unix seconds when it was paid. */
  paidAt: number;
}

export interface DayEarnings {
  /** First second of the day, local time. */
  day: number;
  final: bigint;
  waiting: bigint;
  answers: number;
}

/** What the connected address earned, answer by answer, and how to get it. */
export class EarnState {
  readonly lists: ChainLists;
  readonly withdrawing = new Transaction();
  readonly finalising = new Transaction();
  /** Which of the withdrawal's transactions is under way, in words. */
  step = $state('');
  /** What the last withdrawal brought, wei. */
  received = $state<bigint | undefined>(undefined);
  #session: Session;
  #paid: PaidReceipts;
  readonly #payouts = new Map<string, PayoutItem | undefined>();

  constructor(session: Session) {
    this.#session = session;
    this.lists = session.part(ChainLists);
    this.#paid = session.part(PaidReceipts);
  }

  /** Receipts read so far, of how many. */
  get reading(): { done: number; total: number } | undefined {
    return this.#paid.reading;
  }

  get failures(): ReadonlyMap<string, WireError> {
    return this.#paid.failures;
  }

  /** Answers that brought this address something, newest first; receipts not read yet are missing. */
  get earnings(): Earning[] {
    const { wallet, chain } = this.#session;
    const me = wallet.address?.toLowerCase();
    const window = chain.terms.value?.window;
    if (!me || window === undefined) return [];
    const earned = (claim: ClaimRecord, receipt: Receipt | undefined, ownerPart: bigint): Earning[] => {
      const payout = receipt && this.#payout(claim, receipt, me as Hex);
      if (!payout && ownerPart === 0n) return [];
      return [{ key: answerKey(claim), claim, receipt, payout, ownerPart, state: this.#stateOf(claim, payout), paidAt: claim.deadline - window }];
    };
    return (this.lists.claims.value ?? []).flatMap((claim) => {
      const ownerPart = claim.adapterOwner.toLowerCase() === me ? claim.fee.owner : 0n;
      const receiptOf = (one: ClaimRecord) => this.#paid.receipts.get(answerKey(one));
      if (claim.answer) return earned(claim, receiptOf(claim), ownerPart);
      return [...earned(claim, undefined, ownerPart), ...this.#paid.answersOf([claim]).flatMap((one) => earned(one, receiptOf(one), 0n))];
    });
  }

  /** Payouts of final claims that were not fetched. */
  get readyItems(): PayoutItem[] {
    return this.earnings.flatMap(({ state, payout }) => (state === 'ready' && payout ? [payout] : []));
  }

  /** The one number: wei that can be fetched now. */
  get ready(): bigint {
    const { balances } = this.#session.wallet;
    const payouts = this.readyItems.reduce((sum, { amount }) => sum + amount, 0n);
    return payouts + (balances?.settlement ?? 0n) + (balances?.contributions ?? 0n) + (balances?.disputes ?? 0n) + (balances?.runs ?? 0n);
  }

  /** Wei of answers whose window runs, or is over without their being made final. */
  get waiting(): { window: bigint; over: bigint } {
    const sum = (state: EarningState) => this.earnings.filter((earning) => earning.state === state).reduce((total, earning) => total + amountOf(earning), 0n);
    return { window: sum('window'), over: sum('window-over') };
  }

  get days(): DayEarnings[] {
    const days = new Map<number, DayEarnings>();
    for (const earning of this.earnings) {
      if (earning.state === 'refuted') continue;
      const date = new Date(earning.paidAt * 1000);
      const day = Math.floor(new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime() / 1000);
      const entry = days.get(day) ?? { day, final: 0n, waiting: 0n, answers: 0 };
      entry[earning.claim.state === 'final' ? 'final' : 'waiting'] += amountOf(earning);
      entry.answers++;
      days.set(day, entry);
    }
    return [...days.values()].sort((a, b) => a.day - b.day);
  }

  /** Bonds of the connected address's own payments that are still held, wei. */
  get heldBonds(): { sum: bigint; claims: ClaimRecord[] } {
    const me = this.#session.wallet.address?.toLowerCase();
    const claims = (this.lists.claims.value ?? []).filter(
      ({ state, claimant }) => claimant.toLowerCase() === me && state === 'open',
    );
    return { sum: claims.reduce((sum, { bond }) => sum + bond, 0n), claims };
  }

  /** Claims of interest to this address whose window is over: anyone may make them final. */
  get finalisable(): ClaimRecord[] {
    const mine = new Set(this.earnings.map(({ claim }) => claim.claimId));
    for (const { claimId } of this.heldBonds.claims) mine.add(claimId);
    return (this.lists.claims.value ?? []).filter(({ claimId, state, deadline }) => state === 'open' && this.#isOver(deadline) && mine.has(claimId));
  }

  get stakes() {
    const me = this.#session.wallet.address?.toLowerCase();
    return (this.lists.contributions.value ?? []).filter(({ contributor }) => contributor.toLowerCase() === me);
  }

  /** Reads the receipts of claims that were not read yet, newest first. A receipt that cannot be had is said, not skipped silently. */
  async readReceipts(): Promise<void> {
    await this.#paid.read(this.lists.claims.value ?? []);
  }

  retryReceipts(): void {
    this.#paid.forgetFailures();
    void this.readReceipts();
  }

  /** Which of this address's records earned how much of an answer, most first; divided again from the receipt, sums to the payout. */
  async recordParts(earning: Earning): Promise<EarnedPart[]> {
    const { receipt, payout } = earning;
    if (!receipt || !payout) return [];
    const datanet = this.#session.chain.datanets.value?.find(({ id }) => String(id) === receipt.datanet.id);
    const version = datanet?.versions[receipt.datanet.version - 1];
    if (!version || version.root !== receipt.datanet.root) {
      throw new OpenLedgerError({
        code: 'receipt/unknown-version',
        what: 'The receipt names a Datanet version that is not on the chain.',
        next: 'Open the receipt and check it.',
      });
    }
    const { records } = await this.#session.part(VersionFiles).read(version);
    const parts = earnedParts(receipt, records);
    if (!parts) {
      throw new OpenLedgerError({
        code: 'receipt/other-division',
        what: 'What was paid for this answer does not follow from its receipt.',
        why: 'Dividing the fee again by the payout rule gives other payouts.',
        next: 'Open the receipt and check it.',
      });
    }
    const me = this.#session.wallet.require().address.toLowerCase();
    return parts.filter(({ record }) => record.contributor.toLowerCase() === me).sort((a, b) => (a.amount === b.amount ? a.index - b.index : a.amount > b.amount ? -1 : 1));
  }

  /** Fetches everything that is ready: payouts, then the balances. What went through stays, whatever fails after it. */
  async withdraw(): Promise<void> {
    this.received = undefined;
    let sum = 0n;
    await this.withdrawing.run(async (options) => {
      const wallet = this.#session.wallet.require();
      const { connection } = this.#session.chain;
      const items = this.readyItems;
      const balances = this.#session.wallet.balances;
      const todo = [
        ...(items.length ? [{ step: 'Payouts of your records', run: () => withdrawPayouts(connection, wallet, items, options) }] : []),
        ...(balances?.settlement
          ? [{ step: 'Owner’s parts and returned bonds', run: () => withdrawBalance(connection, wallet, 'settlement', wallet.address, options) }]
          : []),
        ...(balances?.contributions
          ? [{ step: 'Returned stakes', run: () => withdrawBalance(connection, wallet, 'contributions', wallet.address, options) }]
          : []),
        ...(balances?.disputes ? [{ step: 'Bonds of demands', run: () => withdrawBalance(connection, wallet, 'disputes', wallet.address, options) }] : []),
        ...(balances?.runs ? [{ step: 'Bonds and rewards of statements about runs', run: () => withdrawBalance(connection, wallet, 'runs', wallet.address, options) }] : []),
      ];
      for (const [k, { step, run }] of todo.entries()) {
        this.step = todo.length > 1 ? `${k + 1} of ${todo.length}: ${step}` : step;
        sum += (await run()).amount;
        this.received = sum;
      }
    });
    this.step = '';
    await Promise.all([this.lists.claims.load(), this.#session.wallet.refresh()]);
  }

  get finalisableAnswers(): number {
    return this.finalisable.reduce((sum, { answers }) => sum + answers, 0);
  }

  /** Makes claims final whose window is over, one transaction each. */
  async finalise(): Promise<void> {
    const claims = this.finalisable;
    await this.finalising.run(async (options) => {
      const wallet = this.#session.wallet.require();
      for (const [k, { claimId }] of claims.entries()) {
        this.step = claims.length > 1 ? `${k + 1} of ${claims.length}` : '';
        await finalizeClaim(this.#session.chain.connection, wallet, claimId, options).catch((error: unknown) => {
          // Somebody else was quicker: that is as good.
          if (toWire(error).code !== 'contract/wrong-state') throw error;
        });
      }
    });
    this.step = '';
    await Promise.all([this.lists.claims.load(), this.#session.wallet.refresh()]);
  }

  /** Contracts go by the time of the newest block; a chain that makes blocks only when asked stays behind. */
  #isOver(deadline: number): boolean {
    const { blockTime, now } = this.#session.chain;
    return blockTime > deadline || now > deadline + 30;
  }

  /** Proofs are hashing work: made once for each claim and address. */
  #payout(claim: ClaimRecord, receipt: Receipt, address: Hex): PayoutItem | undefined {
    const key = `${answerKey(claim)} ${address}`;
    if (!this.#payouts.has(key)) this.#payouts.set(key, payoutItem(claim, payoutsOf(receipt), address));
    return this.#payouts.get(key);
  }

  #stateOf(claim: ClaimRecord, payout: PayoutItem | undefined): EarningState {
    if (claim.state === 'refuted') return 'refuted';
    if (claim.state === 'open') return this.#isOver(claim.deadline) ? 'window-over' : 'window';
    // The owner's part is credited with the claim's end and fetched as a balance.
    return !payout || claim.withdrawn.some(({ answer, index }) => answer === Number(payout.opening.index) && index === Number(payout.index)) ? 'fetched' : 'ready';
  }
}

/** What an answer brought in all, wei. */
export function amountOf({ payout, ownerPart }: Earning): bigint {
  return (payout?.amount ?? 0n) + ownerPart;
}
