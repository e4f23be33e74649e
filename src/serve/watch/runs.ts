import type { RunExaminer } from '../../attribution/runs/examine.ts';
import { runEvents } from '../../chain/game-events.ts';
import { type RunPlace, describePlace, samePlace } from '../../attribution/runs/places.ts';
import { type ProvingMove, evidenceOf } from '../../attribution/runs/run-evidence.ts';
import { repliesOfUnit, unitsOf } from '../../attribution/runs/run-replies.ts';
import { searchLimits } from '../../attribution/trace/search-plan.ts';
import type { ChainConnection } from '../../chain/client.ts';
import { type DemandPrice, demandBond, demandBonds } from '../../chain/demand-price.ts';
import { convictRunSilence, demandOfRun, takeBackRunDemand } from '../../chain/demand-run.ts';
import type { EventFeed } from '../../chain/events.ts';
import { type Adapter, listAdapters } from '../../chain/list-adapters.ts';
import { type DatanetVersion, listDatanets } from '../../chain/list-datanets.ts';
import { type RunProof, asksAboutRun, commitRunProof, readRunCommitment, runProof, sendRunProof } from '../../chain/prove-run.ts';
import { readRunBalance, readRunClock } from '../../chain/read-run.ts';
import { readRunTerms } from '../../chain/read-run-terms.ts';
import { revealOfRun, showNoSuchPlaceOfRun } from '../../chain/reveal-run.ts';
import { type RunDemand, type SeenRun, runsOf } from '../../chain/run-facts.ts';
import { translated } from '../../chain/translate-error.ts';
import { standRun, withdrawRunBalance } from '../../chain/vouch-run.ts';
import type { Wallet } from '../../chain/wallets.ts';
import { toWire } from '../../errors.ts';
import { concat, fromHex } from '../../protocol/bytes.ts';
import type { RunSubjects } from './run-subjects.ts';
import type { KeptProof, StateFile } from './watch-state.node.ts';
import type { WatchEvent, WatchLimits } from './watcher.ts';

export interface RunWatcherParts {
  connection: ChainConnection;
  feed: EventFeed;
  subjects: RunSubjects;
  /** Undefined: looks and tells, sends nothing. */
  wallet: Wallet | undefined;
  /** One of its own, for the address of Runs: proofs are kept by adapter and root of outputs. */
  file: StateFile;
  limits: WatchLimits;
  /** own: only defends and ends statements of its own account. */
  which: 'all' | 'own';
  dryRun: boolean;
  /** Whether a round waits while a run is made again: minutes and more. Else it is made beside the rounds. */
  wait: boolean;
  tell(event: WatchEvent): void;
}

interface View {
  runs: SeenRun[];
  price: DemandPrice;
  replyTime: number;
  now: number;
  block: bigint;
  gasPrice: bigint;
}

/** Runs that stay open, with their states. */
const KEPT = 2;
const RETRY_MS = 600_000;

/**
 * Follows the statements about how adapters were made: makes each run again, has false ones refuted, answers demands on its own
 * account's. As Watcher (watcher.ts): a round does what can be done now and may be repeated or interrupted.
 */
export class RunWatcher {
  private readonly parts: RunWatcherParts;
  private readonly told = new Map<string, string>();
  private readonly notBefore = new Map<string, number>();
  private readonly kept = new Map<string, { examiner?: RunExaminer; failed?: unknown; made: Promise<void> }>();

  /** Whether a run was begun to be made in this round. */
  private begun = false;

  constructor(parts: RunWatcherParts) {
    this.parts = parts;
  }

  /** Errors that end it: `chain/unreachable`, `chain/restarted`, `chain/wrong-node`. All others are told, and the round goes on. */
  async round(): Promise<void> {
    const view = await this.look();
    this.begun = false;
    const { limits, file, wallet } = this.parts;
    for (const proof of [...file.state.proofs]) await this.guard(BigInt(proof.claimId), () => this.finishProof(view, proof));
    const due = view.runs.filter(({ blockNumber }) => blockNumber + BigInt(limits.confirmations) <= view.block).sort((a, b) => a.deadline - b.deadline);
    for (const run of due) {
      if (run.state === 'open' && this.isMine(run.maker)) await this.guard(run.adapterId, () => this.answer(view, run));
      for (const demand of run.demands) if (this.isMine(demand.demander) && demand.state === 'open') await this.guard(run.adapterId, () => this.closeDemand(view, run, demand));
      if (run.state !== 'open') continue;
      const mine = this.isMine(run.maker);
      if (mine && view.now > run.deadline) await this.guard(run.adapterId, () => this.stand(view, run));
      else if (mine || this.parts.which === 'all') await this.guard(run.adapterId, () => this.check(view, run));
    }
    if (wallet && file.state.owed) await this.guard(undefined, () => this.withdraw(view));
  }

  private async look(): Promise<View> {
    const { connection, feed } = this.parts;
    await feed.refresh();
    const [{ timestamp, number }, gasPrice, { demandPrice: price, replyTime }] = await translated('Reading the chain', () =>
      Promise.all([connection.publicClient.getBlock(), connection.publicClient.getGasPrice(), readRunTerms(connection)]));
    return { runs: runsOf(runEvents(feed)), price, replyTime, now: Number(timestamp), block: number!, gasPrice };
  }

  private async check(view: View, run: SeenRun): Promise<void> {
    const { file, connection, limits } = this.parts;
    const key = keyOf(run);
    if (file.state.right.includes(key) || file.state.proofs.some(({ claimId }) => claimId === String(run.adapterId)) || Date.now() < (this.notBefore.get(key) ?? 0)) return;
    const { commitUntil, demandUntil } = await readRunClock(connection, run.adapterId);
    if (view.now > Math.max(run.deadline, commitUntil)) return this.say('waiting', run, 'too late to challenge it.');
    const adapter = await this.adapter(run.adapterId);
    const examiner = await this.examiner(run, adapter);
    if (!examiner) return this.say('waiting', run, 'its run is made again here.');
    const registered = { ...adapter, published: async () => this.parts.subjects.published(adapter, await this.version(adapter)) };
    const move = await examiner.move(run, { ...run, list: concat(...run.list.map(fromHex)), registered }, { limits: searchLimits({ seconds: demandUntil - view.now, replyTime: view.replyTime }, limits.demands) });
    if (move.kind === 'right' || move.kind === 'other-outcome' || move.kind === 'other-plan') {
      const words = { right: 'right', 'other-outcome': 'not what is registered, and no proof on chain says that', 'other-plan': 'worth nothing' };
      this.say('found', run, `${words[move.kind]}. ${move.why}`);
      file.state.right.push(key);
      return file.save();
    }
    if (this.isMine(run.maker)) return this.say('found', run, `YOUR OWN, and false: ${move.why}`);
    this.say('found', run, `false. ${move.why}`);
    if (move.kind === 'demand') await this.demand(view, run, move.places, move.why);
    else await this.begin(view, run, move, adapter);
  }

  private async demand(view: View, run: SeenRun, places: readonly RunPlace[], why: string): Promise<void> {
    const { connection, limits, wallet } = this.parts;
    const wanted = places.filter((place) => !run.demands.some((one) => samePlace(one.place, place)));
    // With less time other places would be asked for: not before what was asked for has come.
    if (!wanted.length || run.demands.some(({ state, demander }) => state === 'open' && this.isMine(demander))) return this.say('waiting', run, 'for what was demanded.');
    if (view.now > (await readRunClock(connection, run.adapterId)).demandUntil) return this.say('waiting', run, 'too late to demand anything; what was demanded counts.');
    const open = view.runs.flatMap(({ demands }) => demands.filter(({ state, demander }) => state === 'open' && this.isMine(demander)));
    // Of what is open the most that it can be.
    const bonds = demandBonds(view.price, wanted);
    const bond = open.reduce((sum, { place }) => sum + demandBond(view.price, place), bonds);
    if (open.length + wanted.length > limits.demands || bond > limits.bond) return this.say('waiting', run, `${wanted.length} demands more would be more than --max-demands and --max-bond allow.`);
    const words = `${wanted.map(describePlace).join('; ')}, for bonds of ${bonds} wei: ${why}`;
    if (!this.maySend(view, run, `demand ${words}`)) return;
    const { transaction, due, gasUsed } = await demandOfRun(connection, wallet!, run.adapterId, wanted);
    for (const place of wanted) run.demands.push({ place, demander: wallet!.address, due, state: 'open' });
    this.say('demanded', run, words, { transaction, gas: String(gasUsed) });
  }

  /** Commits to a proof. It is kept first: without its salt the commitment is worth nothing. */
  private async begin(view: View, run: SeenRun, move: ProvingMove, { programHash }: Adapter): Promise<void> {
    const { connection, file } = this.parts;
    const evidence = evidenceOf(move);
    if (!(await asksAboutRun(connection, run, programHash, evidence))) return this.say('failed', run, 'the referee does not agree; nothing was sent.');
    if (!this.maySend(view, run, `prove: ${move.why}`)) return;
    const { data } = runProof(run.adapterId, evidence);
    const proof: KeptProof = { claimId: String(run.adapterId), answersRoot: run.outputsRoot, data };
    file.state.proofs.push(proof);
    file.save();
    await this.commit(run, proof);
  }

  private async commit(run: SeenRun, proof: KeptProof): Promise<void> {
    const { connection, file, wallet } = this.parts;
    const { blockNumber, transaction, gasUsed } = await commitRunProof(connection, wallet!, proofOf(proof));
    proof.committedIn = String(blockNumber);
    file.save();
    this.say('committed', run, 'to a proof that it is false; it is sent in the next block.', { transaction, gas: String(gasUsed) });
  }

  private async finishProof(view: View, proof: KeptProof): Promise<void> {
    const { connection, wallet, file } = this.parts;
    const run = view.runs.find(({ adapterId, outputsRoot }) => String(adapterId) === proof.claimId && outputsRoot === proof.answersRoot);
    const drop = () => {
      file.state.proofs = file.state.proofs.filter((one) => one !== proof);
      file.save();
    };
    if (!run || run.state !== 'open') {
      drop();
      return this.parts.tell({ event: 'dropped', claim: `run ${proof.claimId}`, text: `run of adapter ${proof.claimId}: ${run ? 'it is over' : 'it is not on the chain any more'}; its proof is not needed.` });
    }
    if (!wallet) return;
    const { committedIn, proveBy } = await readRunCommitment(connection, wallet, proofOf(proof));
    // Never mined, taken back by another chain of blocks, or too old: once more.
    if (proveBy === 0 || view.now > proveBy) {
      const { commitUntil } = await readRunClock(connection, run.adapterId);
      if (view.now > Math.max(run.deadline, commitUntil)) {
        drop();
        return this.say('dropped', run, 'too late to commit to its proof again.');
      }
      if (this.maySend(view, run, 'commit again')) await this.commit(run, proof);
      return;
    }
    if (view.block <= committedIn || !this.maySend(view, run, 'send its proof')) return;
    const { reward, transaction, gasUsed } = await sendRunProof(connection, wallet, proofOf(proof));
    file.state.owed = true;
    run.state = 'refuted';
    drop();
    this.say('proved', run, `refuted; ${reward} wei won.`, { transaction, gas: String(gasUsed) });
  }

  private async closeDemand(view: View, run: SeenRun, demand: RunDemand): Promise<void> {
    const { connection, wallet, file } = this.parts;
    const words = describePlace(demand.place);
    if (run.state === 'open' && view.now > demand.due && this.maySend(view, run, `refute it by its silence about ${words}`)) {
      const transaction = await convictRunSilence(connection, wallet!, run.adapterId, demand.place);
      run.state = 'refuted';
      this.say('silence', run, `refuted: ${words} was not shown in time.`, { transaction });
    } else if (run.state === 'refuted' && this.maySend(view, run, `take back the bond for ${words}`)) {
      const transaction = await takeBackRunDemand(connection, wallet!, run.adapterId, demand.place);
      this.say('returned', run, `the bond for ${words} came back.`, { transaction });
    } else return;
    file.state.owed = true;
    file.save();
  }

  /** Shows what is demanded of the own statement, a unit at a time. */
  private async answer(view: View, run: SeenRun): Promise<void> {
    const { connection, wallet, file } = this.parts;
    const open = run.demands.filter(({ state, due, demander }) => state === 'open' && due >= view.now && !this.isMine(demander)).map(({ place }) => place);
    if (!open.length) return;
    const examiner = await this.examiner(run, await this.adapter(run.adapterId));
    if (!examiner) return this.say('waiting', run, 'a demand: its run is made again here first.');
    const [own, plan] = [await examiner.outputs(), await examiner.plan()];
    if (own.root !== run.outputsRoot || plan.root !== run.planRoot) return this.say('found', run, 'demands that cannot be answered: another run was vouched for than is made here.');
    if (!this.maySend(view, run, `show ${open.length} parts of the run`)) return;
    const shown = (words: string, { transaction, gasUsed }: { transaction: string; gasUsed: bigint }) => {
      file.state.owed = true;
      file.save();
      this.say('shown', run, `${words}, which was demanded.`, { transaction, gas: String(gasUsed) });
    };
    const id = run.adapterId;
    for (const unit of unitsOf(open)) {
      const { opening, shape, replies, missing } = await repliesOfUnit(examiner, unit, open);
      for (const part of replies) shown(`parts of unit ${unit}`, await revealOfRun(connection, wallet!, id, opening, shape, part));
      for (const { place, matrix } of missing) shown(`that there is no ${describePlace(place)}`, await showNoSuchPlaceOfRun(connection, wallet!, id, opening, shape, matrix, place));
    }
  }

  private async stand(view: View, run: SeenRun): Promise<void> {
    const { connection, wallet, file } = this.parts;
    const { heldUntil, openDemands } = await readRunClock(connection, run.adapterId);
    if (openDemands || view.now <= Math.max(run.deadline, heldUntil) || !this.maySend(view, run, 'let it stand')) return;
    const transaction = await standRun(connection, wallet!, run.adapterId);
    run.state = 'stands';
    file.state.owed = true;
    file.save();
    this.say('returned', run, `it stands; its bond of ${run.bond} wei came back.`, { transaction });
  }

  private async withdraw(view: View): Promise<void> {
    const { connection, wallet, file } = this.parts;
    if (view.gasPrice > this.parts.limits.gasPrice || this.parts.dryRun) return;
    const owed = await readRunBalance(connection, wallet!.address);
    if (owed > 100_000n * view.gasPrice) {
      const { amount, transaction } = await withdrawRunBalance(connection, wallet!);
      this.parts.tell({ event: 'withdrawn', text: `${amount} wei withdrawn from Runs.`, transaction });
    }
    file.state.owed = false;
    file.save();
  }

  /** The run, made again; undefined while that goes on beside the rounds. Throws why it could not be, and tries again later. */
  private async examiner(run: SeenRun, adapter: Adapter): Promise<RunExaminer | undefined> {
    const key = keyOf(run);
    let kept = this.kept.get(key);
    if (!kept) {
      // One at a time, and one a round: what is being made, or was and not looked at yet, is not dropped for another. Else with many
      // statements none would ever be done.
      if (!this.parts.wait && (this.begun || [...this.kept.values()].some(({ examiner, failed }) => !examiner && !failed))) return undefined;
      this.begun = true;
      const begun: { examiner?: RunExaminer; failed?: unknown; made: Promise<void> } = { made: Promise.resolve() };
      begun.made = this.make(adapter).then((examiner) => void (begun.examiner = examiner), (error: unknown) => void (begun.failed = error));
      this.kept.set(key, (kept = begun));
      for (const old of this.kept.keys()) if (this.kept.size > KEPT && old !== key) this.kept.delete(old);
    }
    if (this.parts.wait) await kept.made;
    if (kept.failed) {
      this.kept.delete(key);
      this.notBefore.set(key, Date.now() + RETRY_MS);
      throw kept.failed;
    }
    return kept.examiner;
  }

  private async make(adapter: Adapter): Promise<RunExaminer> {
    const examiner = await this.parts.subjects.open(adapter, await this.version(adapter));
    await examiner.plan();
    return examiner;
  }

  private async version({ datanetId, version }: Adapter): Promise<DatanetVersion> {
    const datanet = (await listDatanets(this.parts.connection)).find(({ id }) => id === datanetId);
    return datanet!.versions[version - 1]!;
  }

  private async adapter(id: bigint): Promise<Adapter> {
    return (await listAdapters(this.parts.connection)).find((one) => one.id === id)!;
  }

  private maySend(view: View, run: SeenRun, what: string): boolean {
    const { wallet, dryRun, limits } = this.parts;
    if (!wallet || dryRun) this.say('would', run, what);
    else if (view.gasPrice > limits.gasPrice) this.say('waiting', run, `gas costs ${view.gasPrice} wei, more than --max-gas-gwei allows, to ${what}`);
    else return true;
    return false;
  }

  private async guard(adapterId: bigint | undefined, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { code, what, why } = toWire(error);
      if (['chain/unreachable', 'chain/restarted', 'chain/wrong-node'].includes(code)) throw error;
      const text = `${adapterId === undefined ? '' : `run of adapter ${adapterId}: `}${[what, why].filter(Boolean).join(' ')} (${code})`;
      if (this.told.get(`${adapterId} failed`) === text) return;
      this.told.set(`${adapterId} failed`, text);
      this.parts.tell({ event: 'failed', ...(adapterId !== undefined && { claim: `run ${adapterId}` }), text });
    }
  }

  /** Once in a row. */
  private say(event: WatchEvent['event'], run: SeenRun, text: string, more: Pick<WatchEvent, 'transaction' | 'gas'> = {}): void {
    const key = `${event} ${keyOf(run)}`;
    if (!more.transaction && this.told.get(key) === text) return;
    this.told.set(key, text);
    this.parts.tell({ event, claim: `run ${run.adapterId}`, text: `run of adapter ${run.adapterId}: ${text}`, ...more });
  }

  private isMine(account: string): boolean {
    return this.parts.wallet?.address.toLowerCase() === account.toLowerCase();
  }
}

const keyOf = ({ adapterId, outputsRoot }: SeenRun) => `${adapterId} ${outputsRoot}`;
const proofOf = ({ claimId, data }: KeptProof): RunProof => ({ adapterId: BigInt(claimId), data });
