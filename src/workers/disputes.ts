import type { Catalog } from '../attribution/catalog.ts';
import { parseJson } from '../attribution/catalog.ts';
import type { BaseIdentity } from '../attribution/engine.ts';
import { type Refutation, refutationOf } from '../attribution/trace/assertion.ts';
import { inspectFiled as inspectFiledAnswer } from '../attribution/trace/filed.ts';
import { findingOf } from '../attribution/trace/finding.ts';
import { type InspectedAnswer, inputsOf, inspectAnswer } from '../attribution/trace/inspect.ts';
import type { TraceInputs } from '../attribution/trace/instruction.ts';
import { MOST_PUBLISHED_BYTES } from '../attribution/trace/published.ts';
import { inTransactions, matrixAt, noSuchPlace, repliesTo } from '../attribution/trace/replies.ts';
import { searchLimits } from '../attribution/trace/search-plan.ts';
import type { TracePlace } from '../attribution/trace/trace-nodes.ts';
import type { TraceOptions, Tracer } from '../attribution/trace/tracer.ts';
import { noSuchWorkings, workingsReplies } from '../attribution/trace/workings-replies.ts';
import { OpenLedgerError, throwIfAborted } from '../errors.ts';
import { answerWorkings } from '../protocol/answer-workings.ts';
import { shortForm } from '../protocol/answers-file.ts';
import { fromHex } from '../protocol/bytes.ts';
import { payoutRoot } from '../protocol/fee.ts';
import type { Workings } from '../protocol/payout-workings.ts';
import { type Receipt, parseReceipt } from '../protocol/receipt.ts';
import { isOfWorkings } from '../protocol/workings-places.ts';
import type { AnswerToFile, ClaimFinding, ClaimQuery, DemandReplies, FiledFinding, FiledQuery, SaidLeaves } from './disputes.api.ts';
import type { AdapterRef, LoadProgress } from './engine.api.ts';

/** What computes claims again, and what answers demands: fetched when it is first asked for. */
interface Source {
  catalog: Catalog;
  base: BaseIdentity;
  /** Makes a base of this machine's library known to the catalog. */
  openBase(base: { cid: string; format?: string }): Promise<void>;
}

interface Options {
  signal: AbortSignal;
  onProgress(progress: LoadProgress): void;
}

const RECEIPT_BYTES = 16 * 2 ** 20;

/**
 * Whether a claim follows from what its adapter was registered with. Throws `cancelled`, `storage/…` where adapter, base or
 * records cannot be had, and what building a ledger throws.
 */
export async function inspectClaim(source: Source, claim: ClaimQuery, options: Options): Promise<ClaimFinding> {
  const began = performance.now();
  const { tracer, version, clusters, tokens, receipt } = await load(source, claim, options);
  const published = receipt && (await orNothing(source.catalog.store.readFile(receipt.trace.cid, undefined, { signal: options.signal, maxBytes: MOST_PUBLISHED_BYTES }), options.signal));
  const inspected: InspectedAnswer = {
    answer: claim.answer, programHash: claim.programHash, prices: claim.prices, receipt: tokens, published,
    contributors: version.records.map(({ contributor }) => contributor), clusters,
  };
  const trace = traceOptions(options);
  const found = await inspectAnswer(tracer, inspected, trace);
  const finding = await findingOf(tracer, found, { answer: claim.answer, records: version.records, clusters, shown: claim.shown }, { ...trace, ...(claim.left && { limits: searchLimits(claim.left) }) });
  const { own } = found;
  return { ...finding, seconds: (performance.now() - began) / 1000, ...(own && own.tree.root !== claim.answer.traceRoot && { ownRoot: own.tree.root }) };
}

/** As inspectClaim, of an answer that was shown with its batch. */
export async function inspectFiled(source: Source, { filed, programHash, prices, adapter }: FiledQuery, options: Options): Promise<FiledFinding> {
  const began = performance.now();
  const { tracer, version, clusters } = await loadSubject(source, adapter, undefined, options);
  const contributors = version.records.map(({ contributor }) => contributor);
  const { right, where, claimed, begin, own } = await inspectFiledAnswer(tracer, filed, { programHash, prices, contributors, clusters }, traceOptions(options));
  const said = { where, seconds: (performance.now() - began) / 1000 };
  if (right) return { kind: 'right', ...said };
  if (claimed) return { kind: 'known', answer: claimed, ...said };
  return begin ? { kind: 'demand', places: [begin.cut, ...begin.workings], ownRoot: own?.tree.root, ...said } : { kind: 'unchecked', ...said };
}

/** Throws `dispute/not-shown` where the claim is not what is computed here, and what inspectClaim throws. */
export async function replyToDemands(source: Source, claim: ClaimQuery, places: readonly TracePlace[], options: Options): Promise<DemandReplies> {
  const { tracer, version, clusters, inputs } = await loadToShow(source, claim, options);
  const [ofPayouts, ofTrace] = [places.filter(isOfWorkings), places.filter((place) => !isOfWorkings(place))];
  const missing: DemandReplies['missing'] = ofTrace.flatMap((place) => {
    const matrix = noSuchPlace(tracer, inputs, place);
    return matrix ? [{ place, matrix }] : [];
  });
  const there = ofTrace.filter((place) => !missing.some((one) => one.place === place));
  if (!there.length && !ofPayouts.length) return { shown: [], missing };
  const trace = traceOptions(options);
  const { tree, scores, noise } = await traceHere(tracer, inputs, claim, trace);
  const shown = there.length ? await repliesTo(tracer, inputs, there, { ...trace, tree }) : [];
  if (!ofPayouts.length) return { shown: inTransactions(shown), missing };
  const workings = workingsHere(claim, { scores, noise, contributors: version.records.map(({ contributor }) => contributor), clusters });
  const none = ofPayouts.filter((place) => noSuchWorkings(workings, place));
  missing.push(...none.map((place) => ({ place, matrix: matrixAt(tracer, inputs, place.index) })));
  return { shown: inTransactions([...shown, ...workingsReplies(tracer, inputs, workings, ofPayouts.filter((place) => !none.includes(place)))]), missing };
}

/** Throws `dispute/not-shown` where the claim is not what is computed here, and what inspectClaim throws. */
export async function refuteAssertions(source: Source, claim: ClaimQuery, said: readonly SaidLeaves[], options: Options): Promise<Refutation[]> {
  const { tracer, inputs } = await loadToShow(source, claim, options);
  const trace = traceOptions(options);
  const { tree } = await traceHere(tracer, inputs, claim, trace);
  const refutations: Refutation[] = [];
  for (const one of said) refutations.push(await refutationOf(tracer, inputs, tree, one, one, trace));
  return refutations;
}

/** What is shown of a batch on chain: protocol/answers-file.ts. Throws `dispute/not-shown`, `cancelled`. */
export async function fileOfAnswers(catalog: Catalog, answers: readonly AnswerToFile[], signal: AbortSignal): Promise<Uint8Array> {
  const inputs: TraceInputs[] = [];
  for (const { answer, receiptCid, inputs: shown } of answers) {
    const tokens = tokensIn(shown) ?? (await readReceipt(catalog, receiptCid, signal));
    const found = tokens && inputsOf(tokens, answer);
    if (!found) throw notShown(NO_TOKENS);
    inputs.push(found);
  }
  return shortForm(answers.map(({ answer }) => answer), inputs);
}

const NO_TOKENS = 'The receipt with the question’s and answer’s tokens cannot be had.';

/** What it takes to show anything of a claim. */
async function loadToShow(source: Source, claim: ClaimQuery, options: Options) {
  const { tracer, tokens, version, clusters } = await load(source, claim, options);
  const inputs = tokens && inputsOf(tokens, claim.answer);
  if (tracer.programHash !== claim.programHash) throw notShown('The adapter’s files give another program than it is registered with.');
  if (!inputs) throw notShown(NO_TOKENS);
  return { tracer, version, clusters, inputs };
}

async function traceHere(tracer: Tracer, inputs: TraceInputs, { answer }: ClaimQuery, options: TraceOptions) {
  const trace = await tracer.trace(inputs, options);
  if (trace.tree.root !== answer.traceRoot) throw notShown('The trace computed here is not the one that was claimed.');
  return trace;
}

function workingsHere({ answer, prices }: ClaimQuery, ground: Pick<Parameters<typeof answerWorkings>[0], 'scores' | 'noise' | 'contributors' | 'clusters'>): Workings {
  const workings = answerWorkings({ ...ground, tokensIn: answer.tokensIn, tokensOut: answer.tokensOut, prices, read: answer.read });
  if (workings.root !== answer.workingsRoot || payoutRoot(workings.payouts) !== answer.payoutRoot) throw notShown('The payouts computed here are not those that were claimed.');
  return workings;
}

function notShown(why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'dispute/not-shown', what: 'This machine cannot show what was demanded.', why, next: 'Whoever has the claim’s own trace can show it until the time is over.' });
}

async function load(source: Source, claim: ClaimQuery, options: Options) {
  const receipt = await readReceipt(source.catalog, claim.receiptCid, options.signal);
  const tokens = receipt && inputsOf(receipt, claim.answer) ? receipt : (tokensIn(claim.inputs) ?? receipt);
  return { ...(await loadSubject(source, claim.adapter, receipt, options)), receipt, tokens };
}

/** What answers of an adapter are computed with. `receipt`: of one of them, which may name a base of this machine's library. */
async function loadSubject({ catalog, base, openBase }: Source, ref: AdapterRef, receipt: Receipt | undefined, { signal, onProgress }: Options) {
  const options = { signal, onProgress: (what: string, done: number, total: number | undefined, unit: 'bytes' | 'records') => onProgress({ what, done, total, unit }) };
  if (receipt && receipt.base.cid !== base.cid) await openBase(receipt.base);
  const source = catalog.checkSource(base, ref.datanet.cid, options);
  const engine = await source.engine(receipt?.base.cid ?? base.cid, receipt?.base.format);
  const adapter = await source.adapter(engine, ref.cid);
  const version = await source.version(ref.datanet.cid);
  // The program's hash, which the chain has, is over the ledger's rows too: a published one need not be believed.
  const ledger = await catalog.ledger(engine, adapter, ref.cid, version, ref.datanet.cid, options).catch((error: unknown) => {
    if (error instanceof OpenLedgerError && error.code.startsWith('ledger/')) return source.ledger(engine, adapter, ref.cid, version);
    throw error;
  });
  throwIfAborted(signal);
  onProgress({ what: 'What the adapter is registered with', done: 0, total: undefined, unit: 'steps' });
  return { tracer: await engine.tracer(ledger, { signal }), version, clusters: adapter.run.datanet.clusters };
}

/** Untrusted; undefined where it cannot be had or is none. */
async function readReceipt(catalog: Catalog, cid: string, signal: AbortSignal): Promise<Receipt | undefined> {
  const bytes = await orNothing(catalog.store.readFile(cid, undefined, { signal, maxBytes: RECEIPT_BYTES }), signal);
  try {
    return bytes && parseReceipt(parseJson(bytes, 'The receipt'));
  } catch {
    return undefined;
  }
}

async function orNothing<T>(reading: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await reading;
  } catch {
    throwIfAborted(signal);
    return undefined;
  }
}

/** Tokens that were shown on chain: uint32 length of the answer, then each token, big-endian. */
function tokensIn(inputs: ClaimQuery['inputs']): InspectedAnswer['receipt'] {
  if (!inputs) return undefined;
  const bytes = fromHex(inputs);
  const view = new DataView(bytes.buffer);
  const words = Array.from({ length: Math.floor(bytes.length / 4) }, (_, k) => view.getUint32(4 * k));
  const [answer = 0, ...tokens] = words;
  if (answer < 1 || answer > tokens.length) return undefined;
  return { prompt: { tokens: tokens.slice(0, -answer) }, answer: { tokens: tokens.slice(-answer) } };
}

function traceOptions({ signal, onProgress }: Options) {
  return { signal, onProgress: (done: number, total: number) => onProgress({ what: 'Trace of the computation', done, total, unit: 'steps' }) };
}
