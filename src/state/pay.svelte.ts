import { type Balances, readBalances } from '../chain/read-balances.ts';
import { type WireError, toWire } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { Payout } from '../protocol/fee.ts';
import { AskState } from './ask.svelte.ts';
import type { Session } from './session.svelte.ts';
import { Transaction } from './transaction.svelte.ts';
import type { Turn } from './turn.svelte.ts';

const CHANGED = new Set(['pay/fee-changed', 'pay/rule-changed', 'contract/fee-changed', 'contract/rule-changed']);

/** Paying for one answer: the receipt is made, the wallet signs, the chain books, the balances are read again. */
export class PayState {
  turn = $state.raw<Turn | undefined>(undefined);
  preparing = $state(false);
  error = $state.raw<WireError | undefined>(undefined);
  tx = $state(new Transaction());
  #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  get ask(): AskState {
    return this.#session.part(AskState);
  }

  async open(turn: Turn): Promise<void> {
    this.turn = turn;
    this.tx = new Transaction();
    this.error = undefined;
    await this.prepare();
  }

  close(): void {
    if (!this.tx.busy) this.turn = undefined;
  }

  /** Makes the receipt with the prices of now; `build` builds the adapter's ledger here first. */
  async prepare(build = false): Promise<void> {
    const { turn } = this;
    if (!turn || turn.claimId !== undefined || this.preparing) return;
    this.preparing = true;
    this.error = undefined;
    try {
      await this.#session.chain.terms.load();
      await this.#session.chain.adapters.load();
      if (build) await this.ask.trace(turn, true);
      await this.ask.makeReceipt(turn);
    } catch (error) {
      this.error = toWire(error);
    } finally {
      this.preparing = false;
    }
  }

  /** Who gets what of the contributors' part, as the receipt has it. */
  payouts(turn: Turn): Payout[] {
    return this.ask.division(turn)?.payouts ?? [];
  }

  async pay(): Promise<void> {
    const { turn } = this;
    const { chain, wallet } = this.#session;
    if (!turn?.receipt || !turn.answer || !turn.adapter || turn.claimId !== undefined || this.tx.busy) return;
    const { answer, adapter, receipt } = turn;
    const { traceRoot, workingsRoot } = receipt;
    if (!traceRoot || !workingsRoot) return;
    let before: Balances | undefined;
    let payer: Hex | undefined;
    const payment = await this.tx.run(async (options) => {
      const from = wallet.require();
      payer = from.address;
      before = await readBalances(chain.connection, payer);
      // Fetched by who pays.
      const [{ payAnswer }, { inputsHashOf }] = await Promise.all([import('../chain/pay-answer.ts'), import('../protocol/answers.ts')]);
      return payAnswer(
        chain.connection,
        from,
        {
          adapterId: BigInt(adapter.ref.id),
          tokensIn: answer.promptTokens.length,
          tokensOut: answer.answerTokens.length,
          receiptHash: receipt.hash,
          receiptCid: receipt.cid,
          inputsHash: inputsHashOf(answer.promptTokens, answer.answerTokens),
          traceRoot,
          workingsRoot,
          read: answer.retrieval?.retrieved.map(({ record }) => record),
          payouts: this.payouts(turn),
          contributorsPart: this.ask.division(turn)?.contributorsPart,
          rule: receipt.pricing.payout,
        },
        options,
      );
    });
    if (!payment || !before || !payer) {
      // Split, price or payout rule changed since the receipt was made: a new receipt, and the person decides again.
      if (CHANGED.has(this.tx.error?.code ?? '')) await this.prepare();
      // Paid in another tab, or by someone who asked the same.
      if (this.tx.error?.code === 'contract/receipt-already-paid') await this.ask.findClaim(turn).catch(() => {});
      return;
    }
    const paid = {
      claimId: String(payment.claimId),
      payer,
      total: String(payment.fee.total),
      bond: String(payment.bond),
      gasPaid: String(payment.gasPaid),
      deadline: payment.deadline,
      transaction: payment.transaction,
      balanceBefore: String(before.account),
    };
    turn.claimId = paid.claimId;
    // Kept at once: it is paid, whatever the reading of balances does.
    turn.payment = { ...paid, balanceAfter: String(before.account - payment.fee.total - payment.bond - payment.gasPaid) };
    this.ask.save();
    await Promise.all([this.ask.readClaim(turn), wallet.refresh()]);
    const after = await readBalances(chain.connection, payer).catch(() => undefined);
    if (after) {
      turn.payment = { ...paid, balanceAfter: String(after.account) };
      this.ask.save();
    }
  }
}
