import { type ClaimOnChain, claimOfReceipt, readClaim } from '../chain/list-claims.ts';
import { OpenLedgerError, type WireError, toWire } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';
import { type Receipt, parseReceipt, receiptHash } from '../protocol/receipt.ts';
import type { CheckStep, LoadProgress } from '../workers/engine.api.ts';
import { compareWithChain } from './compare-with-chain.ts';
import type { Session } from './session.svelte.ts';

export type CheckSource = { kind: 'cid'; cid: string } | { kind: 'json'; json: string; name: string };

/** A line of the check: the worker's steps, and what the chain says of the same receipt. */
export type Line = Omit<CheckStep, 'step'> & { step: CheckStep['step'] | 'registry' | 'claim' };

const STEPS: { step: Line['step']; label: string }[] = [
  { step: 'receipt', label: 'Receipt, fetched by hash' },
  { step: 'base', label: 'Base model' },
  { step: 'adapter', label: 'Adapter' },
  { step: 'datanet', label: 'Datanet version' },
  { step: 'ledger', label: 'Curvature ledger, built again here' },
  { step: 'answer', label: 'Answer, generated again' },
  { step: 'influence', label: 'Influence of every record, with its noise' },
  { step: 'trace', label: 'Trace of the computation' },
  { step: 'shares', label: 'Fee and shares, by the payout rule' },
  { step: 'registry', label: 'Adapter and Datanet, as on the chain' },
  { step: 'claim', label: 'Payment, as on the chain' },
];
const MOST_BYTES = 16 * 1024 * 1024;

/** Recomputing a receipt on this machine. */
export class CheckState {
  source = $state.raw<CheckSource | undefined>(undefined);
  receipt = $state.raw<Receipt | undefined>(undefined);
  hash = $state<Hex | undefined>(undefined);
  lines = $state.raw<(Line | { step: Line['step']; label: string; state: 'waiting' })[]>([]);
  phase = $state<'empty' | 'reading' | 'read' | 'checking' | 'equal' | 'different' | 'failed'>('empty');
  progress = $state.raw<LoadProgress | undefined>(undefined);
  error = $state.raw<WireError | undefined>(undefined);
  /** The claim that paid this receipt; undefined where none did or it was not read. */
  claim = $state.raw<ClaimOnChain | undefined>(undefined);
  claimRead = $state(false);

  #session: Session;
  #stop: AbortController | undefined;
  #run = 0;

  constructor(session: Session) {
    this.#session = session;
    session.chain.onBlock(() => {
      if (this.claim?.state === 'open') void this.readClaim();
    });
  }

  get busy(): boolean {
    return this.phase === 'reading' || this.phase === 'checking';
  }

  /** Takes what a person pasted: a link to a receipt, a CID, or the receipt itself. */
  async openText(text: string): Promise<void> {
    const trimmed = text.trim();
    if (trimmed.startsWith('{')) return this.open({ kind: 'json', json: trimmed, name: 'pasted text' });
    const cid = cidIn(trimmed);
    if (cid) return this.open({ kind: 'cid', cid });
    this.#clear();
    this.#fail(
      new OpenLedgerError({
        code: 'check/not-a-receipt',
        what: trimmed === '' ? 'There is nothing to check yet.' : 'This is neither a link to a receipt, nor a CID, nor a receipt.',
        next: 'Paste the whole link, or the receipt’s text from its first { to its last }.',
      }),
    );
  }

  async openFile(file: File): Promise<void> {
    this.#clear();
    if (file.size > MOST_BYTES) {
      this.#fail(
        new OpenLedgerError({
          code: 'check/too-large',
          what: 'This file is too large for a receipt.',
          why: `It has ${file.size} bytes; ${MOST_BYTES} are allowed.`,
        }),
      );
      return;
    }
    try {
      const json = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
      await this.open({ kind: 'json', json, name: file.name });
    } catch (error) {
      this.#fail(new OpenLedgerError({ code: 'check/not-a-receipt', what: 'This file is not a receipt.', why: 'It is not text in UTF-8.', cause: error }));
    }
  }

  /** Reads and shows the receipt; recomputing starts with `start`. */
  async open(source: CheckSource): Promise<void> {
    this.#clear();
    const run = ++this.#run;
    this.source = source;
    this.phase = 'reading';
    try {
      const json = source.kind === 'cid' ? await this.#session.engine.readJson(source.cid) : parsed(source.json);
      const receipt = parseReceipt(json);
      if (run !== this.#run) return;
      this.receipt = receipt;
      this.hash = receiptHash(receipt);
      this.lines = STEPS.map((step) => ({ ...step, state: 'waiting' as const }));
      this.phase = 'read';
      await this.readClaim();
    } catch (error) {
      if (run === this.#run) this.#fail(error);
    }
  }

  stop(): void {
    this.#stop?.abort();
  }

  /** Fetches everything by hash and recomputes it here; stops at the first difference. */
  async start(): Promise<void> {
    const { source, receipt, hash } = this;
    if (!source || !receipt || !hash || this.busy) return;
    const run = ++this.#run;
    this.#stop = new AbortController();
    this.phase = 'checking';
    this.error = undefined;
    this.lines = STEPS.map((step) => ({ ...step, state: 'waiting' as const }));
    try {
      const result = await this.#session.engine.job(
        (api, job) =>
          api.check(
            job,
            source.kind === 'cid' ? { cid: source.cid } : { json: source.json },
            (step) => run === this.#run && this.#show(step),
            (progress) => run === this.#run && this.phase === 'checking' && (this.progress = progress),
          ),
        this.#stop.signal,
      );
      if (run !== this.#run) return;
      this.progress = undefined;
      this.#stop = undefined;
      const equal = result.equal && (await this.#askChain(receipt, hash));
      if (run === this.#run) this.phase = equal ? 'equal' : 'different';
    } catch (error) {
      if (run !== this.#run) return;
      this.progress = undefined;
      this.lines = this.lines.map((line) => (line.state === 'working' ? { ...line, state: 'failed' as const } : line));
      this.#fail(error);
    }
  }

  /** The claim that paid this receipt, from the chain. */
  async readClaim(): Promise<void> {
    const { hash } = this;
    if (!hash) return;
    const { connection } = this.#session.chain;
    try {
      const id = await claimOfReceipt(connection, hash);
      const claim = id === undefined ? undefined : await readClaim(connection, id);
      if (hash !== this.hash) return;
      this.claim = claim;
      this.claimRead = true;
    } catch {
      // The status line says that the chain cannot be reached; the check says it again at its step.
    }
  }

  /** What only the chain knows: that adapter and Datanet are the registered ones, and what was paid. */
  async #askChain(receipt: Receipt, hash: Hex): Promise<boolean> {
    const { chain } = this.#session;
    for (const step of ['registry', 'claim'] as const) {
      const label = STEPS.find((one) => one.step === step)!.label;
      this.#show({ step, state: 'working', label, detail: '' });
      const began = performance.now();
      const { detail, difference } = await compareWithChain(step, receipt, hash, chain);
      const seconds = (performance.now() - began) / 1000;
      this.#show({ step, state: difference ? 'different' : 'equal', label, detail, seconds, ...(difference && { difference }) });
      if (difference) return false;
    }
    return true;
  }

  #show(line: Line): void {
    // A late “working” must not undo a result.
    if (line.state === 'working' && this.lines.some((before) => before.step === line.step && before.state !== 'waiting')) return;
    // The words are the page's own.
    this.lines = this.lines.map((before) => (before.step === line.step ? { ...line, label: before.label } : before));
  }

  #clear(): void {
    this.#stop?.abort();
    this.#run++;
    this.source = undefined;
    this.receipt = undefined;
    this.hash = undefined;
    this.claim = undefined;
    this.claimRead = false;
    this.lines = [];
    this.progress = undefined;
    this.error = undefined;
    this.phase = 'empty';
  }

  #fail(error: unknown): void {
    this.error = toWire(error);
    this.phase = this.error.code === 'cancelled' ? 'read' : 'failed';
  }
}

/** The CID in a link of this or another host, an ipfs: address, or by itself. */
export function cidIn(text: string): string | undefined {
  const at = /#\/check\/([^/?#\s]+)/.exec(text) ?? /\/ipfs\/([^/?#\s]+)/.exec(text) ?? /^ipfs:\/\/([^/?#\s]+)/.exec(text) ?? /^(\S+)$/.exec(text);
  const cid = at?.[1];
  return cid && /^(b[a-z2-7]{30,120}|Qm[1-9A-HJ-NP-Za-km-z]{44}|z[1-9A-HJ-NP-Za-km-z]{30,120})$/.test(cid) ? cid : undefined;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new OpenLedgerError({
      code: 'check/not-a-receipt',
      what: 'This is not a receipt.',
      why: 'It is not complete JSON.',
      next: 'Paste it from its first { to its last }.',
      cause: error,
    });
  }
}
