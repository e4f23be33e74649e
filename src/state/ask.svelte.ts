import { claimOfReceipt, readClaim } from '../chain/list-claims.ts';
import { toWire } from '../errors.ts';
import type { Fee } from '../protocol/fee.ts';
import { DEFAULT_PAYOUT_RULE } from '../protocol/payout-rule.ts';
import { normalise } from '../protocol/record.ts';
import type { Answer, AskOptions, Attribution, LibraryItem, LoadProgress, Pricing } from '../workers/engine.api.ts';
import type { KnownAdapter } from './chain.svelte.ts';
import { type ConversationHead, ConversationStore } from './conversations.ts';
import { EngineState } from './engine.svelte.ts';
import { InfluenceState } from './influence.svelte.ts';
import { LaneState } from './lane.svelte.ts';
import { readPreference, writePreference } from './preferences.ts';
import type { Session } from './session.svelte.ts';
import { type AnswerSettings, askOptions, readAnswerSettings, writeAnswerSettings } from './sampling-settings.ts';
import { type AnswerDivision, divisionOfAttribution, divisionWithoutPrice } from './shares.ts';
import { Turn } from './turn.svelte.ts';

/** Errors that say that there is no ledger to rely on: `trace` with `build` makes one here. */
const NO_LEDGER = new Set(['ledger/missing', 'ledger/damaged', 'ledger/other-root']);
export const canBuildLedger = (error: { code: string } | undefined): boolean => error !== undefined && NO_LEDGER.has(error.code);

/** Asking, and who made the answers. Conversations outlast the tab. */
export class AskState {
  turns = $state<Turn[]>([]);
  heads = $state.raw<ConversationHead[]>([]);
  draft = $state('');
  /** Id of the chosen adapter; `base` for the base model alone; undefined until one is known. */
  chosen = $state<string | undefined>(undefined);
  restored = $state(false);
  settings = $state<AnswerSettings>(readAnswerSettings());
  /** A PEFT folder of this machine's library, asked instead of a registered adapter. */
  local = $state.raw<LibraryItem | undefined>(undefined);

  #session: Session;
  #store: ConversationStore;
  #id = newId();
  #startedAt = Date.now();
  #stops = new Map<string, AbortController>();
  #parts = new Map<string, Turn['part']>();
  /** Dividing takes big integers for every record; several places ask for the same. */
  #divisions = new WeakMap<Attribution, { key: string; division: AnswerDivision }>();
  #saving: Promise<void> = Promise.resolve();

  constructor(session: Session) {
    this.#session = session;
    const { id, rpcUrls } = session.deployment.chain;
    this.#store = new ConversationStore(`${id}:${session.deployment.contracts.settlement.toLowerCase()}:${rpcUrls.length}`);
    this.chosen = readPreference('adapter');
    session.chain.onBlock(() => void this.#lookAtClaims());
    void this.#restore();
  }

  /** The chosen adapter; the deployment's first sample where none was chosen. */
  get adapter(): KnownAdapter | undefined {
    if (this.chosen === 'base' || this.local) return undefined;
    const known = this.available;
    const samples = this.#session.deployment.samples.adapters;
    return known.find(({ ref }) => ref.id === this.chosen) ?? known.find(({ ref }) => ref.id === samples[0]) ?? known[0];
  }

  /** Registered adapters that were made for the base in use. */
  get available(): KnownAdapter[] {
    const { known } = this.#session.chain;
    const { engine } = this.#session;
    const root = engine.status?.base?.root;
    if (root !== undefined) return known.filter(({ adapter }) => adapter.baseRoot.toLowerCase() === root.toLowerCase());
    // Before the base is there: all of them belong to the network's own.
    return engine.base ? [] : known;
  }

  /** Whether records can be put before a question to the base in use. */
  get readsRecords(): boolean {
    return this.#session.engine.status?.base?.readsRecords === true;
  }

  get busy(): boolean {
    return this.turns.some((turn) => turn.busy);
  }

  choose(id: string): void {
    this.local = undefined;
    this.chosen = id;
    writePreference('adapter', id);
  }

  /** Asks; the question stays in the composer where it cannot be asked. */
  send(): void {
    const question = normalise(this.draft);
    if (question === '' || this.busy) return;
    this.draft = '';
    void this.ask(question);
  }

  async ask(question: string, known: KnownAdapter | undefined = this.adapter): Promise<void> {
    const turn = new Turn({
      id: newId(),
      question,
      askedAt: Date.now(),
      adapter: known && { ref: known.ref, name: known.adapter.name, datanetName: known.datanet.name },
      model: this.local?.name ?? (this.#session.engine.base ? this.#session.engine.status?.base?.name : undefined),
      library: known ? undefined : this.local?.id,
    });
    writeAnswerSettings(this.settings);
    this.turns.push(turn);
    await this.#answer(this.turns.at(-1)!);
  }

  /** The same question to the same adapter once more, as a turn of its own only where there was an answer. */
  async retry(turn: Turn): Promise<void> {
    if (this.busy) return;
    const known = turn.adapter && this.#session.chain.knownAdapter(turn.adapter.ref.id);
    if (turn.answer) return this.ask(turn.question, known);
    turn.text = '';
    turn.error = undefined;
    await this.#answer(turn);
  }

  stop(turn: Turn): void {
    this.#stops.get(turn.id)?.abort();
  }

  async #answer(turn: Turn): Promise<void> {
    const stop = new AbortController();
    this.#stops.set(turn.id, stop);
    turn.phase = 'waiting';
    const settings = $state.snapshot(this.settings);
    const text = EngineState.until<string>((piece) => {
      turn.phase = 'answering';
      turn.progress = undefined;
      turn.text += piece;
    });
    const progress = EngineState.until<LoadProgress>((at) => (turn.progress = at));
    try {
      // Whether the base reads records is known when it is open.
      if (settings.retrieve) await this.#session.engine.warm();
      const options = askOptions(settings, turn.adapter !== undefined && this.readsRecords);
      const answer = await this.#write(turn, options, text.listen, progress.listen, stop.signal);
      text.done();
      turn.answer = answer;
      turn.text = answer.text;
      turn.phase = 'answered';
    } catch (error) {
      text.done();
      turn.error = toWire(error);
      turn.phase = 'failed';
    } finally {
      progress.done();
      turn.progress = undefined;
      this.#stops.delete(turn.id);
      this.save();
    }
    if (turn.answer && turn.adapter) await this.trace(turn);
  }

  /** The answer by the exact lane, or by ONNX Runtime with the exact lane reading it again. */
  async #write(turn: Turn, options: AskOptions, onText: (piece: string) => void, onProgress: (at: LoadProgress) => void, signal: AbortSignal): Promise<Answer> {
    const { engine } = this.#session;
    const lanes = this.#session.part(LaneState);
    const adapter = turn.adapter?.ref ?? (turn.library === undefined ? undefined : { library: turn.library });
    const exactly = async () => {
      const answer = await engine.job((api, job) => api.ask(job, adapter, turn.question, options, onText, onProgress), signal);
      if (answer.answerTokens.length > 8) lanes.noteSpeed(answer.answerTokens.length / answer.seconds);
      return answer;
    };
    // A sample is drawn from exact numbers only: the same seed has to give the same answer everywhere. And only the exact lane reads records.
    if (lanes.lane === 'exact' || options.sampling || options.retrieve) return exactly();
    try {
      const written = await lanes.ask(adapter, turn.question, options, onText, signal, onProgress);
      const confirmed = await engine.job((api, job) => api.confirm(job, adapter, turn.question, written.answerTokens, options, onProgress), signal);
      return { ...confirmed, seconds: written.seconds + confirmed.seconds, stopped: written.stopped };
    } catch (error) {
      if (signal.aborted) throw error;
      lanes.error = toWire(error);
      turn.text = '';
      return exactly();
    }
  }

  /** Finds which records made the answer; `build` builds the adapter's ledger here where none can be relied on. */
  async trace(turn: Turn, build = false): Promise<void> {
    const { answer, adapter } = turn;
    if (!answer || !adapter || turn.tracing || answer.answerTokens.length === 0) return;
    const stop = new AbortController();
    this.#stops.set(turn.id, stop);
    const progress = EngineState.until<LoadProgress>((at) => (turn.progress = at));
    turn.tracing = true;
    turn.traceError = undefined;
    try {
      const { promptTokens, answerTokens } = answer;
      const attribution = await this.#session.engine.job(
        (api, job) => api.attribute(job, adapter.ref, { promptTokens, answerTokens }, undefined, progress.listen, build),
        stop.signal,
      );
      // Says here, and not where shares are drawn, that numbers cannot be divided by.
      this.sharesOnly(attribution);
      turn.attribution = attribution;
    } catch (error) {
      if (!stop.signal.aborted) turn.traceError = toWire(error);
    } finally {
      progress.done();
      turn.tracing = false;
      turn.progress = undefined;
      this.#stops.delete(turn.id);
      this.save();
    }
    if (!turn.attribution) return;
    await this.#session.part(InfluenceState).findQuotes(turn);
    this.save();
  }

  /** Influence on words [from, to) of the answer alone. */
  async select(turn: Turn, from: number, to: number): Promise<void> {
    const { answer, adapter } = turn;
    if (!answer || !adapter || from >= to) return;
    if (from === 0 && to === turn.words.length) return this.selectAll(turn);
    const key = `${turn.id}:${from}:${to}`;
    const kept = this.#parts.get(key);
    if (kept) {
      turn.part = kept;
      return;
    }
    turn.part = { from, to };
    const mine = turn.part;
    let part: NonNullable<Turn['part']>;
    try {
      part = { from, to, attribution: await this.#influenceOn(turn, from, to) };
      this.#parts.set(key, part);
    } catch (error) {
      part = { from, to, error: toWire(error) };
    }
    // Another selection may have been made meanwhile.
    if (turn.part === mine) turn.part = part;
  }

  selectAll(turn: Turn): void {
    turn.part = undefined;
  }

  #influenceOn(turn: Turn, fromWord: number, toWord: number) {
    const { promptTokens, answerTokens } = turn.answer!;
    const selection = { from: turn.words[fromWord]!.from, to: turn.words[toWord - 1]!.to };
    return this.#session.engine.job((api, job) => api.attribute(job, turn.adapter!.ref, { promptTokens, answerTokens }, selection, () => {}));
  }

  /** Prices and split as the chain has them now. */
  pricing(turn: Turn): Pricing | undefined {
    const known = turn.adapter && this.#session.chain.knownAdapter(turn.adapter.ref.id);
    const terms = this.#session.chain.terms.value;
    if (!known || !terms) return undefined;
    const { platform, owner, stakers, contributors } = terms.split;
    const { payoutRule: rule } = terms;
    return {
      rateIn: String(known.adapter.rateIn),
      rateOut: String(known.adapter.rateOut),
      platformFee: String(terms.platformFee),
      split: { platform, owner, stakers, contributors },
      payout: { nullMultiple: rule.nullMultiple, reserve: rule.reserve, clusterCap: rule.clusterCap, retrievalPart: rule.retrievalPart },
    };
  }

  /** What the answer costs, and how that is divided: by its receipt once it is paid, otherwise by the prices of now. */
  division(turn: Turn): AnswerDivision | undefined {
    const pricing = turn.claimId !== undefined && turn.receipt ? turn.receipt.pricing : this.pricing(turn);
    const { answer, attribution } = turn;
    if (!pricing || !answer || !attribution) return undefined;
    const key = JSON.stringify(pricing);
    const known = this.#divisions.get(attribution);
    if (known?.key === key) return known.division;
    const division = divisionOfAttribution(attribution, answer.promptTokens.length, answer.answerTokens.length, pricing, answer.retrieval);
    this.#divisions.set(attribution, { key, division });
    return division;
  }

  /** Shares by the payout rule where nothing is priced: of a part of an answer, or before the chain is read. */
  sharesOnly(attribution: Attribution): AnswerDivision {
    return divisionWithoutPrice(attribution, this.#session.chain.terms.value?.payoutRule ?? DEFAULT_PAYOUT_RULE);
  }

  fee(turn: Turn): Fee | undefined {
    return this.division(turn)?.fee;
  }

  /** Makes the receipt with the prices of now and publishes it; the one that was made is used while prices stay. */
  async makeReceipt(turn: Turn): Promise<void> {
    const pricing = this.pricing(turn);
    const { answer, adapter } = turn;
    if (!pricing || !answer || !adapter) return;
    if (turn.receipt && (turn.claimId !== undefined || (turn.receipt.workingsRoot && JSON.stringify(turn.receipt.pricing) === JSON.stringify(pricing)))) return;
    const progress = EngineState.until<LoadProgress>((at) => (turn.progress = at));
    const made = await this.#session.engine
      .job((api, job) => api.makeReceipt(job, adapter.ref, turn.question, answer, pricing, progress.listen))
      .finally(() => {
        progress.done();
        turn.progress = undefined;
      });
    turn.receipt = { cid: made.cid, hash: made.hash, pricing, traceRoot: made.receipt.trace.root, workingsRoot: made.receipt.workingsRoot };
    this.save();
    await this.findClaim(turn);
  }

  /** Whether exactly this receipt was paid before, as when the page was closed between sending and hearing of it. */
  async findClaim(turn: Turn): Promise<void> {
    if (!turn.receipt || turn.claimId !== undefined) return;
    const id = await claimOfReceipt(this.#session.chain.connection, turn.receipt.hash);
    if (id === undefined) return;
    turn.claimId = String(id);
    this.save();
    await this.readClaim(turn);
  }

  /** Reads a paid turn's claim again. A claim of an earlier chain is dropped. */
  async readClaim(turn: Turn): Promise<void> {
    if (turn.claimId === undefined || !turn.receipt) return;
    try {
      const claim = await readClaim(this.#session.chain.connection, BigInt(turn.claimId));
      if (claim.answer?.receiptHash.toLowerCase() === turn.receipt.hash.toLowerCase()) turn.claim = claim;
      else this.#forgetPayment(turn);
    } catch (error) {
      if (toWire(error).code === 'contract/unknown-claim') this.#forgetPayment(turn);
    }
  }

  /** Copies the question back into the composer. */
  edit(turn: Turn): void {
    this.draft = turn.question;
  }

  startNew(): void {
    if (this.turns.length === 0) return;
    this.#id = newId();
    this.#startedAt = Date.now();
    this.turns = [];
    writePreference('conversation', undefined);
    void this.#readHeads();
  }

  async open(head: ConversationHead): Promise<void> {
    if (this.busy || head.id === this.#id) return;
    const turns = await this.#store.load(head.id);
    if (!turns) return void (await this.#readHeads());
    this.#id = head.id;
    this.#startedAt = head.startedAt;
    this.turns = turns.map((kept) => Turn.revive(kept));
    writePreference('conversation', head.id);
    void this.#lookAtClaims();
  }

  async drop(head: ConversationHead): Promise<void> {
    await this.#store.drop(head.id);
    if (head.id === this.#id) {
      this.turns = [];
      this.#id = newId();
    }
    await this.#readHeads();
  }

  get currentId(): string {
    return this.#id;
  }

  save(): void {
    const [id, startedAt, turns] = [this.#id, this.#startedAt, [...this.turns]];
    if (turns.length === 0) return;
    writePreference('conversation', id);
    // One after another, so that an older state never overwrites a newer one.
    this.#saving = this.#saving
      .then(() => this.#store.save(id, startedAt, turns))
      .then(
        async () => void (await this.#readHeads()),
        () => {},
      );
  }

  async #restore(): Promise<void> {
    try {
      const heads = await this.#readHeads();
      const last = heads.find(({ id }) => id === readPreference('conversation'));
      if (last && this.turns.length === 0) await this.open(last);
    } finally {
      this.restored = true;
    }
  }

  async #readHeads(): Promise<ConversationHead[]> {
    return (this.heads = await this.#store.list());
  }

  #forgetPayment(turn: Turn): void {
    turn.payment = undefined;
    turn.claimId = undefined;
    turn.claim = undefined;
    this.save();
  }

  async #lookAtClaims(): Promise<void> {
    if (document.visibilityState === 'hidden') return;
    for (const turn of this.turns) {
      if (turn.claimId !== undefined && (!turn.claim || turn.claim.state === 'open')) await this.readClaim(turn);
    }
  }
}

function newId(): string {
  // randomUUID needs a secure context; a page served over plain http has getRandomValues.
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
