import type { VersionRecord } from '../protocol/record.ts';
import type { Answer, AnswerQuote, Attribution, AuditResult } from '../workers/engine.api.ts';
import { dropKept, keep, keptKeys, readKept } from './local-database.ts';
import type { AskedAdapter, TurnPayment, TurnReceipt } from './turn.svelte.ts';

const MOST_CONVERSATIONS = 30;
const MOST_TURNS = 60;

/** What of a turn is kept. */
export interface KeptTurn {
  readonly id: string;
  readonly question: string;
  readonly askedAt: number;
  readonly adapter: AskedAdapter | undefined;
  readonly model?: string | undefined;
  readonly library?: string | undefined;
  text: string;
  answer: Answer | undefined;
  attribution: Attribution | undefined;
  quotes?: AnswerQuote[] | undefined;
  /** The audit of the whole answer, which took long. */
  audit?: AuditResult | undefined;
  receipt: TurnReceipt | undefined;
  payment: TurnPayment | undefined;
  claimId: string | undefined;
}

interface StoredTurn extends Omit<KeptTurn, 'attribution'> {
  /** Influence by record index; the records themselves are kept once for each version. `copies`: [record, what it is a copy of]. */
  influence: { loss: number; seconds: number; scores: number[]; noise: number[]; copies: [number, number][] } | undefined;
}

interface StoredConversation {
  openledger: 'conversation/1';
  id: string;
  startedAt: number;
  turns: StoredTurn[];
}

export interface ConversationHead {
  id: string;
  startedAt: number;
  title: string;
  turns: number;
}

/** Conversations kept on this machine, separately for each deployment. */
export class ConversationStore {
  #scope: string;
  #recordsKept = new Set<string>();

  constructor(scope: string) {
    this.#scope = scope;
  }

  /** Newest first; beyond the bound the oldest are dropped. */
  async list(): Promise<ConversationHead[]> {
    const heads: ConversationHead[] = [];
    for (const key of await keptKeys(this.#key(''))) {
      const stored = await this.#stored(key);
      if (!stored || stored.turns.length === 0) continue;
      heads.push({ id: stored.id, startedAt: stored.startedAt, title: stored.turns[0]!.question, turns: stored.turns.length });
    }
    heads.sort((a, b) => b.startedAt - a.startedAt);
    for (const old of heads.splice(MOST_CONVERSATIONS)) await this.drop(old.id);
    return heads;
  }

  async load(id: string): Promise<KeptTurn[] | undefined> {
    const stored = await this.#stored(this.#key(id));
    if (!stored) return undefined;
    return Promise.all(stored.turns.map(kept));
  }

  /** Turns that another tab added to the same conversation stay. */
  async save(id: string, startedAt: number, turns: readonly KeptTurn[]): Promise<void> {
    const key = this.#key(id);
    const mine = new Map(turns.map((turn) => [turn.id, turn]));
    const before = (await this.#stored(key))?.turns ?? [];
    const merged = [...before.filter((turn) => !mine.has(turn.id)), ...turns.map(toStored)].sort((a, b) => a.askedAt - b.askedAt).slice(-MOST_TURNS);
    for (const turn of turns) await this.#keepRecords(turn);
    await keep(key, { openledger: 'conversation/1', id, startedAt, turns: merged } satisfies StoredConversation);
  }

  async drop(id: string): Promise<void> {
    await dropKept(this.#key(id));
  }

  async #stored(key: string): Promise<StoredConversation | undefined> {
    const value = (await readKept(key)) as StoredConversation | undefined;
    return value?.openledger === 'conversation/1' && Array.isArray(value.turns) ? value : undefined;
  }

  async #keepRecords(turn: KeptTurn): Promise<void> {
    const cid = turn.adapter?.ref.datanet.cid;
    if (!cid || !turn.attribution || this.#recordsKept.has(cid)) return;
    const records: VersionRecord[] = [];
    for (const { index, record } of turn.attribution.records) records[index] = record;
    await keep(recordsKey(cid), records);
    this.#recordsKept.add(cid);
  }

  #key(id: string): string {
    return `conversation:${this.#scope}:${id}`;
  }
}

const recordsKey = (cid: string) => `records:${cid}`;

async function kept({ influence, ...turn }: StoredTurn): Promise<KeptTurn> {
  const cid = turn.adapter?.ref.datanet.cid;
  const attribution = influence && cid ? await revived(influence, cid) : undefined;
  const back = { ...turn, attribution, quotes: attribution && turn.quotes, audit: attribution && turn.audit };
  // A receipt of an earlier version had no payout rule: it cannot be divided or paid any more.
  const outdated = turn.receipt && !turn.receipt.pricing.payout;
  return outdated ? { ...back, receipt: undefined, payment: undefined, claimId: undefined } : back;
}

async function revived({ loss, seconds, scores, noise, copies }: NonNullable<StoredTurn['influence']>, cid: string): Promise<Attribution | undefined> {
  const records = (await readKept(recordsKey(cid))) as VersionRecord[] | undefined;
  // An earlier version kept scores of another method, without their noise.
  if (!Array.isArray(records) || !Array.isArray(noise) || records.length !== scores.length || records.length !== noise.length) return undefined;
  const copyOf = new Map(copies);
  return {
    loss,
    seconds,
    records: records
      .map((record, index) => ({ index, record, influence: scores[index]!, noise: noise[index]!, ...(copyOf.has(index) && { copyOf: copyOf.get(index) }) }))
      .sort((a, b) => b.influence - a.influence || a.index - b.index),
  };
}

function toStored(turn: KeptTurn): StoredTurn {
  let influence: StoredTurn['influence'];
  if (turn.attribution) {
    const { loss, seconds, records } = turn.attribution;
    const scores: number[] = new Array<number>(records.length).fill(0);
    const noise = scores.slice();
    const copies: [number, number][] = [];
    for (const entry of records) {
      scores[entry.index] = entry.influence;
      noise[entry.index] = entry.noise;
      if (entry.copyOf !== undefined) copies.push([entry.index, entry.copyOf]);
    }
    influence = { loss, seconds, scores, noise, copies };
  }
  const { id, question, askedAt, adapter, model, library, text, answer, quotes, audit, receipt, payment, claimId } = turn;
  // Through JSON: adapters come from reactive lists, and the database cannot hold their proxies.
  return JSON.parse(JSON.stringify({ id, question, askedAt, adapter, model, library, text, answer, influence, quotes, audit, receipt, payment, claimId })) as StoredTurn;
}
