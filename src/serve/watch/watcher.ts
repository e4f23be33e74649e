import { refutationOf } from '../../attribution/trace/assertion.ts';
import type { TraceInputs } from '../../attribution/trace/instruction.ts';
import { isOfWorkings } from '../../protocol/workings-places.ts';
import { type Shown, inTransactions, matrixAt, noSuchPlace, placesOf, repliesTo } from '../../attribution/trace/replies.ts';
import { noSuchWorkings, workingsReplies } from '../../attribution/trace/workings-replies.ts';
import { disputeEvents } from '../../chain/game-events.ts';
import { searchLimits } from '../../attribution/trace/search-plan.ts';
import { inputsHash } from '../../attribution/trace/step.ts';
import type { Tracer } from '../../attribution/trace/tracer.ts';
import type { TraceTree } from '../../attribution/trace/tree.ts';
import { demandFile, showFile } from '../../chain/answers-file.ts';
import { asksAboutAnswer } from '../../chain/ask-referee.ts';
import { assertLeaves, commitRoot, refutationGas, refuteAssertion, rootCommitment, rootCommittedIn } from '../../chain/assert-leaves.ts';
import type { ChainConnection } from '../../chain/client.ts';
import { commitProof } from '../../chain/commit-proof.ts';
import { MOST_AT_ONCE, asDemanded, convictSilence, demandPlaces, takeBackDemand } from '../../chain/demand-places.ts';
import { type Batch, claimOfFiled } from '../../chain/open-batch.ts';
import { ASSERTION, FILE, type Place, filePlace, samePlace } from '../../chain/place.ts';
import { assertionBond, bondOfDemand, demandBonds, fileBond } from '../../chain/demand-price.ts';
import type { EventFeed } from '../../chain/events.ts';
import { disputesAbi } from '../../chain/generated/abis.ts';
import { type ClaimRecord, listClaims, openingOf } from '../../chain/list-claims.ts';
import { commitmentOf } from '../../chain/proof-call.ts';
import { readBalances } from '../../chain/read-balances.ts';
import { readDisputeClock } from '../../chain/read-dispute.ts';
import { type Terms, readTerms } from '../../chain/read-terms.ts';
import { revealPlaces, showNoSuchPlace } from '../../chain/reveal-places.ts';
import { sendProof } from '../../chain/send-proof.ts';
import { translated } from '../../chain/translate-error.ts';
import type { Wallet } from '../../chain/wallets.ts';
import { withdrawBalance } from '../../chain/withdraw-balance.ts';
import { toWire } from '../../errors.ts';
import type { AnswerOpening } from '../../protocol/answers.ts';
import type { FiledAnswer } from '../../protocol/answers-file.ts';
import type { Hex } from '../../protocol/bytes.ts';
import { assertedBy, isAsserted } from './asserted.ts';
import { type SeenDemand, demandsOf, placeWords } from './demands.ts';
import type { Examined, Examiner } from './examine.ts';
import { type Move, nextMove } from './next-move.ts';
import { shownPlace } from './shown-places.ts';
import type { KeptProof, StateFile } from './watch-state.node.ts';

export interface WatchLimits {
  /** Nothing is sent while gas costs more, wei. */
  gasPrice: bigint;
  /** Bonds of open demands together, wei. */
  bond: bigint;
  /** Open demands at once. */
  demands: number;
  /** Blocks that must stand on a claim's payment before it is looked at. */
  confirmations: number;
}

/** One thing that was seen or done, and why. */
export interface WatchEvent {
  event: 'found' | 'waiting' | 'demanded' | 'committed' | 'asserted' | 'proved' | 'silence' | 'shown' | 'refuted' | 'returned' | 'withdrawn' | 'dropped' | 'would' | 'failed';
  claim?: string;
  text: string;
  transaction?: string;
  gas?: string;
}

export interface WatcherParts {
  connection: ChainConnection;
  feed: EventFeed;
  examiner: Pick<Examiner, 'examine' | 'batch' | 'examineFiled' | 'shortForm'>;
  /** Undefined: looks and tells, sends nothing. */
  wallet: Wallet | undefined;
  file: StateFile;
  limits: WatchLimits;
  defend: 'own' | 'all' | 'none';
  dryRun: boolean;
  tell(event: WatchEvent): void;
}

/** A claim, or one of its answers that was not shown whole. */
type Named = Omit<ClaimRecord, 'opening'> & { opening?: Pick<AnswerOpening, 'index'> };

/** What a round sees. */
interface View {
  claims: ClaimRecord[];
  demands: SeenDemand[];
  terms: Terms;
  now: number;
  block: bigint;
  gasPrice: bigint;
}

/** Milliseconds until something that could not be checked is tried again. */
const RETRY_MS = 60_000;
/** Answers of one claim that are computed in a round: other claims have clocks too. */
const ANSWERS_A_ROUND = 16;
/** Gas of a reply at worst, beside its hashes. The bond of a file covers what shows it by no less; what refutes an assertion is estimated. */
const REPLY_GAS = 350_000n;
/** Demands that are answered with one computation. */
const REPLIES = 64;
/** Gas of a withdrawal: less than it is not worth fetching. */
const WITHDRAW_GAS = 100_000n;

/**
 * Follows the claims of one deployment: checks each, has false ones refuted, answers demands. A round does what can be done now and
 * may be repeated, interrupted or run beside another; what it must remember is in the state file before it is needed.
 */
export class Watcher {
  private readonly parts: WatcherParts;
  private readonly told = new Map<string, string>();
  private readonly notBefore = new Map<string, number>();

  constructor(parts: WatcherParts) {
    this.parts = parts;
  }

  /** Errors that end it: `chain/unreachable`, `chain/restarted`, `chain/wrong-node`. All others are told, and the round goes on. */
  async round(): Promise<void> {
    const view = await this.look();
    const { state } = this.parts.file;
    // What has a clock comes first.
    for (const kept of [...state.proofs]) await this.guard(kept.claimId, () => this.finishProof(view, kept));
    const due = view.claims.filter(({ blockNumber }) => blockNumber + BigInt(this.parts.limits.confirmations) <= view.block).sort((a, b) => a.deadline - b.deadline || Number(a.claimId - b.claimId));
    for (const claim of due) if (claim.state === 'open') await this.guard(claim.claimId, () => this.answerDemands(view, claim));
    for (const demand of view.demands) if (this.isMine(demand.demander) && demand.state === 'open') await this.guard(demand.claimId, () => this.closeDemand(view, demand));
    for (const claim of due) if (claim.state === 'open') await this.guard(claim.claimId, () => this.check(view, claim));
    if (state.owed) await this.guard(undefined, () => this.withdraw(view));
  }

  private async look(): Promise<View> {
    const { connection, feed } = this.parts;
    const claims = await listClaims(connection, feed);
    const [{ timestamp, number }, gasPrice, terms] = await translated('Reading the chain', () =>
      Promise.all([connection.publicClient.getBlock(), connection.publicClient.getGasPrice(), readTerms(connection)]));
    return { claims, demands: demandsOf(disputeEvents(feed)), terms, now: Number(timestamp), block: number!, gasPrice };
  }

  /**
   * Whether the claim is false for certain, and what can be done about it is done. `filed`: tokens that were shown with the file of its batch.
   */
  private async check(view: View, claim: ClaimRecord, filed?: TraceInputs): Promise<boolean> {
    const key = keyOf(claim);
    const { state } = this.parts.file;
    if (state.right.includes(key) || state.proofs.some(({ claimId }) => claimId === String(claim.claimId)) || Date.now() < (this.notBefore.get(key) ?? 0)) return false;
    if (!claim.answer) return this.checkBatch(view, claim);
    const { commitUntil, demandUntil } = await readDisputeClock(this.parts.connection, claim.claimId);
    if (view.now > Math.max(claim.deadline, commitUntil)) return this.tooLate(claim);
    const answer = Number(openingOf(claim).index);
    const demands = view.demands.filter(({ claimId, place }) => claimId === claim.claimId && place.answer === answer);
    const shown = demands.flatMap(({ shown: one }) => (one ? [shownPlace(one)] : []));
    let examined: Examined;
    try {
      examined = await this.parts.examiner.examine(claim, [...shown.map(({ inputs }) => inputs), filed].find((inputs) => inputs && inputsHash(inputs) === claim.answer!.inputsHash));
    } catch (error) {
      this.notBefore.set(key, Date.now() + RETRY_MS);
      throw error;
    }
    const { verdict } = examined.inspection;
    if (verdict.kind === 'right') {
      this.isRight(claim, verdict.where);
      return false;
    }
    if (verdict.kind === 'unchecked') {
      this.notBefore.set(key, Date.now() + RETRY_MS);
      this.say('found', claim, `not checked. ${verdict.where}`);
      return false;
    }
    if (this.isMine(claim.claimant)) {
      this.say('found', claim, `YOUR OWN, and false: ${verdict.where}`);
      return false;
    }
    const limits = searchLimits({ seconds: demandUntil - view.now, replyTime: view.terms.replyTime }, this.parts.limits.demands);
    const move = await nextMove(claim, examined, shown.map(({ piece }) => piece), limits);
    this.say('found', claim, `false. ${move.why}`);
    const unknown = verdict.kind === 'inputs-unknown';
    if (move.kind === 'demand') {
      // Whoever shows what all answers of a batch are computed from shows the tokens of this one.
      const places = unknown && claim.opening ? [filePlace] : move.places.map((place) => ({ answer, ...place }));
      await this.demand(view, claim, places, move.why, { perhapsRight: unknown, ownRoot: move.ownRoot });
    }
    if (move.kind === 'assert') return this.assert(view, claim, move);
    if (move.kind === 'prove') return this.begin(view, claim, move, examined);
    return !unknown && move.kind !== 'none';
  }

  private isRight(claim: Named, where: string): void {
    const { file } = this.parts;
    this.say('found', claim, `right. ${where}`);
    file.state.right.push(keyOf(claim));
    file.save();
  }

  private tooLate(claim: ClaimRecord): false {
    this.say('waiting', claim, 'too late to challenge it.');
    return false;
  }

  /**
   * Several answers: what is wrong with them together, then each as a claim of its own, some a round, until one is false for certain: it is
   * enough, and each dispute has its price. Those that nobody else can know are demanded.
   */
  private async checkBatch(view: View, claim: ClaimRecord): Promise<boolean> {
    const { file, feed, examiner } = this.parts;
    const { commitUntil } = await readDisputeClock(this.parts.connection, claim.claimId);
    if (view.now > Math.max(claim.deadline, commitUntil)) return this.tooLate(claim);
    const batch = await examiner.batch(claim, disputeEvents(feed));
    if (batch.kind === 'false') {
      const own = this.isMine(claim.claimant);
      this.say('found', claim, `${own ? 'YOUR OWN, and false' : 'false'}. ${batch.why}`);
      return !own && batch.proof !== undefined && this.begin(view, claim, { kind: 'prove', why: batch.why, proof: batch.proof }, undefined);
    }
    const all = [
      ...batch.claims.map((one) => ({ index: Number(openingOf(one).index), check: () => this.check(view, one, tokensOf(batch.file?.[Number(openingOf(one).index)])) })),
      ...(batch.kind === 'filed' ? batch.filed.map(({ index, filed }) => ({ index, check: () => this.checkFiled(view, claim, batch.file, index, filed) })) : []),
    ];
    const keyAt = (index: number) => keyOf({ ...claim, opening: { index: BigInt(index) } });
    const left = all.filter(({ index }) => !file.state.right.includes(keyAt(index)));
    // A search that was begun goes on, whatever else comes to light: its bonds are spent.
    const begun = (index: number) => view.demands.findIndex(({ claimId, place, demander }) => claimId === claim.claimId && place.answer === index && place.depth !== FILE && this.isMine(demander)) >>> 0;
    const now = left.filter(({ index }) => Date.now() >= (this.notBefore.get(keyAt(index)) ?? 0)).sort((a, b) => begun(a.index) - begun(b.index));
    for (const { check } of now.slice(0, ANSWERS_A_ROUND)) {
      if (await this.guard(claim.claimId, check)) return true;
      if (file.state.proofs.some(({ claimId }) => claimId === String(claim.claimId))) return true;
    }
    if (batch.kind === 'missing') {
      this.say('found', claim, batch.why);
      // What stands in the reply is checked in the next round.
      if (!this.isMine(claim.claimant)) await this.demand(view, claim, batch.places, batch.why, { perhapsRight: !batch.file });
    } else if (all.every(({ index }) => file.state.right.includes(keyAt(index)))) {
      const keys = new Set(all.map(({ index }) => keyAt(index)));
      file.state.right = [...file.state.right.filter((key) => !keys.has(key)), keyOf(claim)];
      file.save();
    }
    return false;
  }

  /** An answer of which only that is known what it is computed from. */
  private async checkFiled(view: View, claim: ClaimRecord, file: readonly FiledAnswer[], index: number, filed: FiledAnswer): Promise<boolean> {
    const of: Named = { ...claim, opening: { index: BigInt(index) } };
    const { right, where, claimed, begin, own } = await this.parts.examiner.examineFiled(claim, index, filed);
    if (right) this.isRight(of, where);
    if (right === undefined) {
      this.notBefore.set(keyOf(of), Date.now() + RETRY_MS);
      this.say('found', of, `not checked. ${where}`);
    }
    if (right !== false) return false;
    if (claimed) return this.check(view, claimOfFiled(claim, file, index, claimed), tokensOf(filed));
    if (this.isMine(claim.claimant)) {
      this.say('found', of, `YOUR OWN, and false: ${where}`);
      return false;
    }
    this.say('found', of, `false. ${where}`);
    await this.demand(view, of, begin ? [begin.cut, ...begin.workings].map((place) => ({ answer: index, ...place })) : [], where, { ownRoot: own?.tree.root });
    return true;
  }

  /** What limits leave for demands: how many, and wei of bonds. */
  private room({ demands, claims, terms }: View): { demands: number; bond: bigint } {
    const open = demands.filter(({ state, demander }) => state === 'open' && this.isMine(demander));
    const bonds = open.map(({ claimId, place }) => bondOfDemand(terms.demandPrice, place, claims.find((one) => one.claimId === claimId) ?? { answers: 1, tokensIn: 0, tokensOut: 0 }));
    return { demands: this.parts.limits.demands - open.length, bond: this.parts.limits.bond - bonds.reduce((a, b) => a + b, 0n) };
  }

  private full(view: View, claim: Named): void {
    this.say('waiting', claim, `${this.parts.limits.demands - this.room(view).demands} demands are open, which is all that --max-demands and --max-bond allow.`);
  }

  /** `perhapsRight`: it may be right, and its content only slow to come. `ownRoot`: of the trace as it is computed here; a cut is demanded with a commitment to it. */
  private async demand(view: View, claim: Named, planned: readonly Place[], why: string, { perhapsRight = false, ownRoot }: { perhapsRight?: boolean; ownRoot?: Hex | undefined } = {}): Promise<void> {
    const { connection, wallet } = this.parts;
    const { demandPrice, window } = view.terms;
    const { demandUntil } = await readDisputeClock(connection, claim.claimId);
    if (view.now > demandUntil) return this.say('waiting', claim, 'too late to demand anything; what was demanded counts.');
    // Content may be slow to come; an honest claimant should not have to answer for a gateway.
    if (perhapsRight && view.now < claim.deadline - (3 * window) / 4) return this.say('waiting', claim, 'for its receipt, until a quarter of the window is over.');
    const demands = view.demands.filter(({ claimId }) => claimId === claim.claimId);
    const places = asDemanded(planned, demands);
    const isFile = places.some(({ depth }) => depth === FILE);
    const room = this.room(view);
    const wanted: Place[] = [];
    let bond = 0n;
    for (const place of places) {
      if (demands.some((one) => samePlace(one.place, place))) continue;
      const more = isFile ? fileBond(demandPrice, claim) : demandBonds(demandPrice, [...wanted, place]);
      if (wanted.length >= Math.min(room.demands, MOST_AT_ONCE) || more > room.bond) break;
      wanted.push(place);
      bond = more;
    }
    const [first] = wanted;
    // Each that is not demanded by somebody is held back by a limit.
    if (!first) return places.every((place) => demands.some((one) => samePlace(one.place, place))) ? undefined : this.full(view, claim);
    const words = `${wanted.map(placeWords).join('; ')}; for a bond of ${bond} wei: ${why}`;
    if (!this.maySend(view, claim, `demand ${words}`)) return;
    const commitment = first.levels && ownRoot ? rootCommitment(wallet!.address, claim.claimId, first.answer, ownRoot) : undefined;
    const { transaction, due, gasUsed } = isFile ? await demandFile(connection, wallet!, claim.claimId) : await demandPlaces(connection, wallet!, claim.claimId, wanted, { commitment });
    for (const place of wanted) view.demands.push({ claimId: claim.claimId, place, demander: wallet!.address, due, state: 'open' });
    this.say('demanded', claim, words, { transaction, gas: String(gasUsed) });
  }

  /**
   * Says what the leaves are that follow, where the claim has others; its root was committed to before, or is now. False where nothing may be
   * asserted: such an assertion was refuted, so something is wrong here.
   */
  private async assert(view: View, claim: ClaimRecord, { why, place, assertion }: Extract<Move, { kind: 'assert' }>): Promise<boolean> {
    const { connection, wallet } = this.parts;
    const opening = openingOf(claim);
    const answer = Number(opening.index);
    const about = view.demands.filter((one) => one.claimId === claim.claimId && one.place.depth === ASSERTION && one.place.answer === answer);
    const same = about.filter((one) => one.place.index === place.index && isAsserted(assertion, one));
    if ([...same, ...about.filter(({ demander }) => this.isMine(demander))].some(({ state }) => state === 'disproved')) {
      this.say('failed', claim, 'the leaves that follow were asserted, and that was refuted: here something else is computed than everywhere. Nothing is asserted again.');
      return false;
    }
    const there = same.find(({ state }) => state === 'open');
    if (there) {
      // Whoever made it wins by it; but somebody has to say so.
      if (view.now > there.due + view.terms.replyTime / 4) await this.closeDemand(view, there);
      return true;
    }
    const { demandUntil } = await readDisputeClock(connection, claim.claimId);
    if (view.now > demandUntil) {
      this.say('waiting', claim, 'too late to assert anything.');
      return true;
    }
    const { demands, bond } = this.room(view);
    const needed = assertionBond(view.terms.demandPrice);
    if (demands < 1 || needed > bond) this.full(view, claim);
    else if (this.maySend(view, claim, `assert leaves of instruction ${place.index}, for a bond of ${needed} wei: ${why}`)) {
      const committed = await rootCommittedIn(connection, wallet!.address, claim.claimId, answer, assertion.ownRoot);
      if (committed === undefined) await this.commitRoot(claim, answer, assertion.ownRoot);
      else if (committed < view.block) {
        const { transaction, place: named, due, gasUsed } = await assertLeaves(connection, wallet!, claim.claimId, opening, assertion);
        view.demands.push({ claimId: claim.claimId, place: named, demander: wallet!.address, due, state: 'open', asserted: assertedBy(assertion) });
        this.say('asserted', claim, `what follows in place of leaves of instruction ${place.index}, for a bond of ${needed} wei: ${why}`, { transaction, gas: String(gasUsed) });
      }
    }
    return true;
  }

  private async commitRoot(claim: ClaimRecord, answer: number, ownRoot: Hex): Promise<void> {
    const { connection, wallet } = this.parts;
    const { transaction, gasUsed } = await commitRoot(connection, wallet!, claim.claimId, answer, ownRoot);
    this.say('committed', claim, 'to the trace as it is computed here; what follows is asserted in the next block.', { transaction, gas: String(gasUsed) });
  }

  /** Commits to a proof. It is kept first: without its salt the commitment is worth nothing. False where the referee takes it for none. */
  private async begin(view: View, claim: ClaimRecord, { proof, evidence, why }: Extract<Move, { kind: 'prove' }>, examined: Examined | undefined): Promise<boolean> {
    const { connection, file } = this.parts;
    if (evidence && examined && !(await asksAboutAnswer(connection, examined.programHash, claim.claimId, openingOf(claim), evidence))) {
      this.say('failed', claim, 'the referee does not agree; nothing was sent.');
      return false;
    }
    if (!this.maySend(view, claim, `prove: ${why}`)) return true;
    const kept: KeptProof = { claimId: String(claim.claimId), answersRoot: claim.answersRoot, data: proof.data };
    file.state.proofs.push(kept);
    file.save();
    await this.commit(claim, kept);
    return true;
  }

  private async commit(claim: ClaimRecord, kept: KeptProof): Promise<void> {
    const { connection, file, wallet } = this.parts;
    const { blockNumber, transaction, gasUsed } = await commitProof(connection, wallet!, { claimId: claim.claimId, data: kept.data });
    kept.committedIn = String(blockNumber);
    file.save();
    this.say('committed', claim, 'to a proof that it is false; it is sent in the next block.', { transaction, gas: String(gasUsed) });
  }

  private async finishProof(view: View, kept: KeptProof): Promise<void> {
    const { connection, wallet, file } = this.parts;
    const claim = view.claims.find(({ claimId, answersRoot }) => String(claimId) === kept.claimId && answersRoot === kept.answersRoot);
    const drop = () => {
      file.state.proofs = file.state.proofs.filter((one) => one !== kept);
      file.save();
    };
    if (!claim || claim.state !== 'open') {
      drop();
      return this.parts.tell({ event: 'dropped', claim: kept.claimId, text: `claim ${kept.claimId}: ${claim ? `it is ${claim.state} already` : 'it is not on the chain any more'}; its proof is not needed.` });
    }
    if (!wallet) return;
    const proof = { claimId: claim.claimId, data: kept.data };
    const { committedIn, proveBy } = await translated('Reading the commitment', () =>
      connection.publicClient.readContract({ address: connection.contracts.disputes, abi: disputesAbi, functionName: 'commitmentOf', args: [wallet.address, commitmentOf(wallet.address, proof)] }));
    // Never mined, taken back by another chain of blocks, or too old: once more.
    if (proveBy === 0 || view.now > proveBy) {
      const { commitUntil } = await readDisputeClock(connection, claim.claimId);
      if (view.now > Math.max(claim.deadline, commitUntil)) {
        drop();
        return this.say('dropped', claim, 'too late to commit to its proof again.');
      }
      if (this.maySend(view, claim, 'commit again')) await this.commit(claim, kept);
      return;
    }
    if (view.block <= committedIn || !this.maySend(view, claim, 'send its proof')) return;
    const { reward, transaction, gasUsed } = await sendProof(connection, wallet, proof);
    file.state.owed = true;
    // The rest of this round sees it as it is now.
    claim.state = 'refuted';
    drop();
    this.say('proved', claim, `refuted; ${reward} wei won.`, { transaction, gas: String(gasUsed) });
  }

  private async closeDemand(view: View, { claimId, place, due }: SeenDemand): Promise<void> {
    const { connection, wallet, file } = this.parts;
    const claim = view.claims.find((one) => one.claimId === claimId);
    const words = placeWords(place);
    if (claim?.state === 'open' && view.now > due && this.maySend(view, claim, `refute it by its silence about ${words}`)) {
      const transaction = await convictSilence(connection, wallet!, claimId, place);
      file.state.owed = true;
      file.save();
      claim.state = 'refuted';
      this.say('silence', claim, `refuted: ${words} was not ${place.depth === ASSERTION ? 'refuted' : 'shown'} in time.`, { transaction });
    } else if (claim?.state === 'refuted' && this.maySend(view, claim, `take back the bond for ${words}`)) {
      const transaction = await takeBackDemand(connection, wallet!, claimId, place);
      file.state.owed = true;
      file.save();
      this.say('returned', claim, `the bond for ${words} came back.`, { transaction });
    }
  }

  private async answerDemands(view: View, claim: ClaimRecord): Promise<void> {
    const { defend } = this.parts;
    const mine = this.isMine(claim.claimant);
    if (defend === 'none' || (!mine && (defend === 'own' || view.gasPrice * REPLY_GAS > view.terms.demandPrice.reply))) return;
    // In the first half of the time a reply is paid to the claimant, then to whoever makes it.
    const time = mine ? Infinity : view.terms.replyTime / 2;
    const open = view.demands.filter(({ claimId, state, due, demander }) => claimId === claim.claimId && state === 'open' && due >= view.now && due - view.now < time && !this.isMine(demander));
    if (!open.length) return;
    const batch = claim.answer ? undefined : await this.parts.examiner.batch(claim, disputeEvents(this.parts.feed));
    if (batch && batch.kind !== 'false' && open.some(({ place }) => place.depth === FILE)) await this.guard(claim.claimId, () => this.showAll(view, claim, batch));
    for (const one of batch ? (batch.kind === 'false' ? [] : batch.claims) : [claim]) {
      const index = Number(openingOf(one).index);
      const asked = open.filter(({ place }) => place.answer === index && place.depth !== FILE);
      if (asked.length) await this.answer(view, one, asked, batch?.kind === 'false' ? undefined : tokensOf(batch?.file?.[index]));
    }
  }

  /** Shows what all answers are computed from. */
  private async showAll(view: View, claim: ClaimRecord, batch: Exclude<Batch, { kind: 'false' }>): Promise<void> {
    const { connection, examiner, wallet } = this.parts;
    const bytes = batch.kind === 'answers' ? await examiner.shortForm(batch.claims) : undefined;
    if (!bytes) return this.say('found', claim, 'a demand that cannot be answered: not all of its receipts can be had.');
    if (!this.maySend(view, claim, `show ${placeWords(filePlace)}`)) return;
    const { transaction, gasUsed } = await showFile(connection, wallet!, claim.claimId, bytes);
    this.shown(claim, `what was demanded: ${placeWords(filePlace)}.`, transaction, gasUsed);
  }

  /** Shows that what somebody asserted of a claim that is right does not follow. */
  private async refute(view: View, claim: ClaimRecord, { inputs, own, tracer }: { inputs: TraceInputs; own: TraceTree; tracer: Tracer }, { place, asserted }: SeenDemand): Promise<void> {
    if (!asserted || !this.maySend(view, claim, `refute ${placeWords(place)}`)) return;
    const refutation = await refutationOf(tracer, inputs, own, place, asserted);
    const { connection, wallet } = this.parts;
    const about = [claim.claimId, openingOf(claim), place, refutation] as const;
    if (!this.isMine(claim.claimant)) {
      const gas = await refutationGas(connection, wallet!.address, ...about);
      if (gas * view.gasPrice > assertionBond(view.terms.demandPrice)) return this.say('waiting', claim, `to refute ${placeWords(place)} takes ${gas} gas now, more than its bond pays.`);
    }
    const { transaction, gasUsed } = await refuteAssertion(connection, wallet!, ...about);
    this.owed();
    this.say('refuted', claim, `${placeWords(place)}: it does not follow.`, { transaction, gas: String(gasUsed) });
  }

  /** Answers the open demands on one answer. `filed`: its tokens, where its batch's file was shown. */
  private async answer(view: View, claim: ClaimRecord, open: readonly SeenDemand[], filed: TraceInputs | undefined): Promise<void> {
    const { connection, examiner, wallet } = this.parts;
    const opening = openingOf(claim);
    const { inspection, tracer } = await examiner.examine(claim, filed);
    const { inputs, own, verdict } = inspection;
    const workings = verdict.kind === 'right' ? inspection.workings : undefined;
    const cannot = () => this.say('found', claim, `a demand that cannot be answered: ${verdict.where}`);
    if (!inputs || own?.tree.root !== opening.answer.traceRoot) return cannot();
    const there: Place[] = [];
    for (const demand of open) {
      const { place } = demand;
      if (place.depth === ASSERTION) {
        await this.guard(claim.claimId, () => this.refute(view, claim, { inputs, own: own.tree, tracer }, demand));
        continue;
      }
      const ofPayouts = isOfWorkings(place);
      if (ofPayouts && !workings) {
        cannot();
        continue;
      }
      const none = !ofPayouts ? noSuchPlace(tracer, inputs, place) : noSuchWorkings(workings!, place) ? matrixAt(tracer, inputs, place.index) : undefined;
      if (!none) there.push(place);
      else if (this.maySend(view, claim, `show that there is no ${placeWords(place)}`)) {
        const transaction = await showNoSuchPlace(connection, wallet!, claim.claimId, opening, none, place);
        this.shown(claim, `${placeWords(place)} does not exist; it was demanded.`, transaction);
      }
    }
    const now = there.slice(0, REPLIES);
    if (!now.length || !this.maySend(view, claim, `show ${now.map(placeWords).join('; ')}`)) return;
    const ofTrace = now.filter((place) => !isOfWorkings(place));
    const replies = ofTrace.length ? await repliesTo(tracer, inputs, ofTrace, { tree: own.tree }) : [];
    if (workings) replies.push(...workingsReplies(tracer, inputs, workings, now.filter(isOfWorkings)));
    const show = async (part: Shown[]) => {
      const { transaction, gasUsed } = await revealPlaces(connection, wallet!, claim.claimId, opening, part);
      this.shown(claim, `what was demanded: ${part.flatMap(placesOf).map((place) => placeWords({ answer: 0, ...place })).join('; ')}.`, transaction, gasUsed);
    };
    for (const part of inTransactions(replies)) {
      try {
        await show(part);
      } catch (error) {
        // One place that somebody else showed, or whose time is over, must not hold back the others.
        const single = inTransactions(part, 0);
        if (single.length < 2 || !toWire(error).code.startsWith('contract/')) throw error;
        for (const one of single) await this.guard(claim.claimId, () => show(one));
      }
    }
  }

  private shown(claim: ClaimRecord, text: string, transaction: string, gas?: bigint): void {
    this.say('shown', claim, text, { transaction, ...(gas !== undefined && { gas: String(gas) }) });
    this.owed();
  }

  /** A bond, where it is this account's. */
  private owed(): void {
    this.parts.file.state.owed = true;
    this.parts.file.save();
  }

  private async withdraw(view: View): Promise<void> {
    const { connection, wallet, file } = this.parts;
    if (!wallet) return;
    const balances = await readBalances(connection, wallet.address);
    for (const source of ['settlement', 'disputes', 'runs'] as const) {
      if (balances[source] <= WITHDRAW_GAS * view.gasPrice || !this.maySend(view, undefined, `withdraw ${balances[source]} wei`)) continue;
      const { amount, transactions } = await withdrawBalance(connection, wallet, source);
      this.parts.tell({ event: 'withdrawn', text: `${amount} wei came from the ${source} contract.`, transaction: transactions[0]! });
    }
    if (this.parts.dryRun || view.gasPrice > this.parts.limits.gasPrice) return;
    file.state.owed = false;
    file.save();
  }

  /** Whether anything may be sent now; says why not. */
  private maySend(view: View, claim: Named | undefined, what: string): boolean {
    const { wallet, dryRun, limits } = this.parts;
    if (!wallet || dryRun) {
      this.say('would', claim, what);
      return false;
    }
    if (view.gasPrice <= limits.gasPrice) return true;
    this.say('waiting', claim, `gas costs ${view.gasPrice} wei, more than --max-gas-gwei allows: would ${what}`);
    return false;
  }

  private isMine(address: string): boolean {
    return address.toLowerCase() === this.parts.wallet?.address.toLowerCase();
  }

  /** Once for as long as it is the same: rounds repeat. */
  private say(event: WatchEvent['event'], claim: Named | undefined, text: string, more: Pick<WatchEvent, 'transaction' | 'gas'> = {}): void {
    const key = `${claim ? keyOf(claim) : ''} ${event}`;
    if (!more.transaction && this.told.get(key) === text) return;
    this.told.set(key, text);
    this.parts.tell({ event, ...(claim && { claim: String(claim.claimId) }), text: claim ? `claim ${claim.claimId}${claim.opening ? `, answer ${claim.opening.index}` : ''}: ${text}` : text, ...more });
  }

  private async guard<T>(claimId: bigint | string | undefined, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const { code, what, why } = toWire(error);
      if (code === 'chain/unreachable' || code === 'chain/restarted' || code === 'chain/wrong-node') throw error;
      const text = `${claimId === undefined ? '' : `claim ${claimId}: `}${[what, why].filter(Boolean).join(' ')} (${code})`;
      const key = `${claimId} failed`;
      if (this.told.get(key) === text) return undefined;
      this.told.set(key, text);
      this.parts.tell({ event: 'failed', ...(claimId !== undefined && { claim: String(claimId) }), text });
      return undefined;
    }
  }
}

const tokensOf = (filed: FiledAnswer | undefined): TraceInputs | undefined => filed && { tokens: filed.tokens, answer: filed.tokensOut };
const keyOf = ({ claimId, answersRoot, opening }: Named) => `${claimId} ${answersRoot}${opening ? ` ${opening.index}` : ''}`;
