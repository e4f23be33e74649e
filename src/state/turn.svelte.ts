import type { ClaimOnChain } from '../chain/list-claims.ts';
import type { WireError } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { AdapterRef, Answer, Attribution, LoadProgress, Pricing } from '../workers/engine.api.ts';
import type { KeptTurn } from './conversations.ts';
import { type AnswerWord, sentencesOf, wordsOf } from './answer-words.ts';
import { TurnInfluence } from './turn-influence.svelte.ts';

export interface AskedAdapter {
  ref: AdapterRef;
  name: string;
  datanetName: string;
}

export interface TurnReceipt {
  cid: string;
  hash: Hex;
  pricing: Pricing;
  /** Roots of the answer's trace and of its payouts' workings, as the receipt has them; absent in what was kept before receipts had them. */
  traceRoot?: Hex;
  workingsRoot?: Hex;
}

/** What a payment left behind; amounts as decimal wei so that it can be kept. */
export interface TurnPayment {
  claimId: string;
  payer: Hex;
  total: string;
  bond: string;
  gasPaid: string;
  deadline: number;
  transaction: Hex;
  balanceBefore: string;
  balanceAfter: string;
}

/** Influence on some words of the answer only: [from, to) of its words. */
export interface PartInfluence {
  from: number;
  to: number;
  attribution?: Attribution;
  error?: WireError;
}

/** One question with everything that follows from it. */
export class Turn {
  readonly id: string;
  readonly question: string;
  /** Milliseconds. */
  readonly askedAt: number;
  /** Undefined: the base model alone was asked. */
  readonly adapter: AskedAdapter | undefined;
  /** Name of a model or adapter of this machine's library that answered; undefined for the network's own. */
  readonly model: string | undefined;
  /** Id of the adapter in the library. */
  readonly library: string | undefined;

  phase = $state<'waiting' | 'answering' | 'answered' | 'failed'>('waiting');
  /** The text so far. */
  text = $state('');
  progress = $state.raw<LoadProgress | undefined>(undefined);
  answer = $state.raw<Answer | undefined>(undefined);
  error = $state.raw<WireError | undefined>(undefined);

  tracing = $state(false);
  attribution = $state.raw<Attribution | undefined>(undefined);
  traceError = $state.raw<WireError | undefined>(undefined);
  part = $state.raw<PartInfluence | undefined>(undefined);
  /** Words, quotes and the audit. */
  readonly influence = new TurnInfluence();

  receipt = $state.raw<TurnReceipt | undefined>(undefined);
  /** What was paid from here. */
  payment = $state.raw<TurnPayment | undefined>(undefined);
  /** The claim that paid exactly this receipt. */
  claimId = $state<string | undefined>(undefined);
  /** As the chain has it. */
  claim = $state.raw<ClaimOnChain | undefined>(undefined);

  words: AnswerWord[] = $derived(this.answer ? wordsOf(this.answer.pieces) : []);
  sentences = $derived(sentencesOf(this.words));

  constructor(parts: { id: string; question: string; askedAt: number; adapter: AskedAdapter | undefined; model?: string | undefined; library?: string | undefined }) {
    this.id = parts.id;
    this.question = parts.question;
    this.askedAt = parts.askedAt;
    this.adapter = parts.adapter;
    this.model = parts.model;
    this.library = parts.library;
  }

  /** A turn from an earlier visit. */
  static revive(kept: KeptTurn): Turn {
    const turn = new Turn(kept);
    turn.text = kept.text;
    turn.answer = kept.answer;
    turn.attribution = kept.attribution;
    turn.influence.quotes = kept.quotes;
    turn.influence.audit = kept.audit;
    turn.receipt = kept.receipt;
    turn.payment = kept.payment;
    turn.claimId = kept.claimId;
    turn.phase = kept.answer ? 'answered' : 'failed';
    if (!kept.answer) {
      turn.error = {
        code: 'ask/interrupted',
        what: 'The page was closed before the answer was complete.',
        next: 'Ask again; nothing was charged.',
      };
    }
    return turn;
  }

  get quotes() {
    return this.influence.quotes;
  }

  get audit() {
    return this.influence.audit;
  }

  get busy(): boolean {
    return this.phase === 'waiting' || this.phase === 'answering';
  }

  /** How far it has come on its way to the people who made it. */
  get standing(): 'computed' | 'paid' | 'final' | 'refuted' | undefined {
    if (!this.attribution) return undefined;
    if (this.claimId === undefined) return 'computed';
    if (this.claim?.state === 'final') return 'final';
    if (this.claim?.state === 'refuted') return 'refuted';
    return 'paid';
  }
}
