import 'fake-indexeddb/auto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RECORDS, smallBase } from '../../tests/parity/receipt-of.ts';
import type { Catalog } from '../attribution/catalog.ts';
import type { Engine } from '../attribution/engine.ts';
import type { Matrix } from '../attribution/trace/run.ts';
import { TOTALS } from '../attribution/trace/payout-evidence.ts';
import { SEARCH_LIMITS, SearchPlan } from '../attribution/trace/search-plan.ts';
import { inputsBytes } from '../attribution/trace/step.ts';
import { shownBy } from '../attribution/trace/testing/shown-by.ts';
import { ALL_MATRICES, leafPlace } from '../attribution/trace/trace-nodes.ts';
import type { Tracer } from '../attribution/trace/tracer.ts';
import { TraceTree, leafValues } from '../attribution/trace/tree.ts';
import { fromWire } from '../errors.ts';
import { DEFAULT_RECIPE } from '../model/recipe.ts';
import { inputsHashOf } from '../protocol/answers.ts';
import { type FiledAnswer, readShortForm, shortForm } from '../protocol/answers-file.ts';
import { toHex } from '../protocol/bytes.ts';
import type { Deployment } from '../protocol/deployment.ts';
import { DEFAULT_PAYOUT_RULE } from '../protocol/payout-rule.ts';
import type { Receipt } from '../protocol/receipt.ts';
import { ALL_TABLES, WORKINGS, isOfWorkings } from '../protocol/workings-places.ts';
import { type Companion, createCompanion } from '../serve/gateway/companion.ts';
import type { SaidLeaves, ShownPiece, TracePlace } from './disputes.api.ts';
import type { Answered, ClaimQuery } from './engine.api.ts';
import { EngineSession } from './engine-session.ts';

const folder = mkdtempSync(join(tmpdir(), 'openledger-disputes-'));
const PRICES = { rateIn: String(10n ** 18n), rateOut: String(10n ** 18n), platformFee: '0', split: { platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 }, payout: DEFAULT_PAYOUT_RULE };
const NOWHERE = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';

let companion: Companion;
let session: EngineSession;
let honest: ClaimQuery;
let receipt: Receipt;
let tracer: Tracer;
let right: Matrix[];
let inputs: { tokens: number[]; answer: number };

const value = <T>(answered: Answered<T>): T => {
  if (!answered.ok) throw fromWire(answered.error);
  return answered.value;
};
const quiet = () => {};
const inspect = async (claim: ClaimQuery) => value(await session.inspectClaim('inspect', claim, quiet));

beforeAll(async () => {
  companion = await createCompanion({ store: join(folder, 'store'), staticDir: folder, port: 0, deployment: () => undefined });
  const deployment = { gateways: ['./'], base: { name: 'small', cid: await companion.store.addDirectory(smallBase()) } } as unknown as Deployment;
  session = new EngineSession();
  value(await session.open(deployment, `${companion.url}/`, 'cpu', undefined, quiet));
  const { trained, run } = value(await session.train('train', { name: 'Facts', records: RECORDS, recipe: { ...DEFAULT_RECIPE, rank: 4, alpha: 8, epochs: 12, batch: 2 } }, quiet, quiet));
  const { cid } = value(await session.publishTrained(trained));
  const versionCid = value(await session.writeJson({ openledger: 'datanet-version/1', name: 'Facts', records: RECORDS }));
  const adapter = { id: '1', cid, datanet: { id: '1', version: 1, cid: versionCid } };
  const { question } = RECORDS[0]!.questions[0]!;
  const answer = value(await session.ask('ask', adapter, question, { maxTokens: 6 }, quiet, quiet));
  const made = value(await session.makeReceipt('receipt', adapter, question, answer, PRICES, quiet));
  receipt = made.receipt;
  inputs = { tokens: [...answer.promptTokens, ...answer.answerTokens], answer: answer.answerTokens.length };
  honest = {
    adapter, programHash: run.ledger.program, receiptCid: made.cid, prices: PRICES, shown: [], inputs: undefined,
    answer: {
      tokensIn: answer.promptTokens.length, tokensOut: answer.answerTokens.length, receiptHash: made.hash, inputsHash: inputsHashOf(answer.promptTokens, answer.answerTokens),
      traceRoot: receipt.trace.root, workingsRoot: receipt.workingsRoot, payoutRoot: receipt.payoutRoot, payoutCount: receipt.payouts.length,
      allocated: receipt.payouts.reduce((sum, { amount }) => sum + BigInt(amount), 0n), read: [],
    },
  };
  const { catalog, engine } = inside();
  const loaded = await catalog.adapter(engine, cid);
  tracer = await engine.tracer(await catalog.ledger(engine, loaded, cid, await catalog.version(versionCid), versionCid));
  const all = tracer.program.instructions.map((_, k) => k);
  const matrices = await tracer.matrices(inputs, all);
  right = all.map((k) => matrices.get(k)!);
}, 60_000);
afterAll(async () => {
  session.close();
  await companion.close();
  rmSync(folder, { recursive: true, force: true });
});

const inside = () => (session as unknown as { opened: { catalog: Catalog; engine: Engine } }).opened;

/** The trace with one bit flipped, nothing else changed. */
function flipped(at: number, place: number, bit: number): Matrix[] {
  const trace = right.map((matrix, k) => (k === at ? { ...matrix, values: matrix.values.slice() } : matrix));
  new Uint32Array(trace[at]!.values.buffer)[place]! ^= 2 ** bit;
  return trace;
}

/** A claim of a trace, published with its receipt, or with nothing. */
async function claimOf(trace: Matrix[], publish: boolean): Promise<ClaimQuery> {
  const tree = TraceTree.of(trace);
  const { store } = inside().catalog;
  const json = { ...receipt, trace: { ...receipt.trace, root: tree.root, cid: await store.addFile(tree.bytes()) } };
  return { ...honest, answer: { ...honest.answer, traceRoot: tree.root }, receiptCid: publish ? await store.addFile(new TextEncoder().encode(JSON.stringify(json))) : NOWHERE };
}

const AT = 40;

describe('a claim computed again', () => {
  it('is right', async () => {
    expect(await inspect(honest)).toMatchObject({ kind: 'right' });
  });

  it('is false where it pays others, or for other tokens; the evidence is at hand', async () => {
    const { answer } = honest;
    const payout = await inspect({ ...honest, answer: { ...answer, allocated: answer.allocated + 1n } });
    expect(payout).toMatchObject({ kind: 'false', evidence: { kind: 'payout', evidence: { table: TOTALS } } });
    // Of workings nobody published anything: some of them are demanded first.
    const workings = await inspect({ ...honest, answer: { ...answer, workingsRoot: receipt.trace.root } });
    if (workings.kind !== 'demand') throw new Error(workings.kind);
    expect([workings.certain, workings.places.length > 0, workings.places.every(isOfWorkings)]).toEqual([true, true, true]);
    const tokens = await inspect({ ...honest, answer: { ...answer, tokensIn: answer.tokensIn + 1 } });
    expect(tokens).toMatchObject({ kind: 'false', evidence: { kind: 'inputs', inputs: toHex(inputsBytes(inputs)) } });
  });

  it('is false where one bit of its published trace is: the element is named', async () => {
    const place = right[AT]!.columns + 1;
    const finding = await inspect(await claimOf(flipped(AT, place, 3), true));
    expect(finding).toMatchObject({ kind: 'false', evidence: { kind: 'step', step: { index: AT, row: 1, column: 1 } } });
    expect(finding.where).toContain('row 1, column 1');
  });

  it('that follows another program says nothing', async () => {
    expect(await inspect({ ...honest, programHash: receipt.trace.root })).toMatchObject({ kind: 'unchecked' });
  });

  it('that was withheld is demanded, and what is right asserted where what is shown ends', async () => {
    const trace = flipped(AT, 0, 12);
    const claim = await claimOf(trace, false);
    const show = shownBy(trace);
    let finding = await inspect(claim);
    // Without the receipt even the tokens are unknown; they come with the first reply.
    expect(finding).toMatchObject({ kind: 'demand', certain: false, places: [{ index: ALL_MATRICES }] });
    expect(finding.ownRoot).toBeUndefined();
    const shown: ShownPiece[] = [];
    let rounds = 0;
    while (finding.kind === 'demand' && rounds++ < 30) {
      shown.push(...finding.places.map(show));
      finding = await inspect({ ...claim, shown, inputs: toHex(inputsBytes(inputs)) });
      // With it a commitment to the own trace can be made beside a demand.
      expect(finding.ownRoot).toBe(TraceTree.of(right).root);
    }
    expect(finding).toMatchObject({ kind: 'false', evidence: { kind: 'step', step: { index: AT, row: 0, column: 0 } } });
    expect(rounds).toBeLessThanOrEqual(2);
    const twice = flipped(AT, 0, 12);
    new Uint32Array(twice[AT]!.values.buffer)[1]! ^= 1;
    const other = await claimOf(twice, false);
    const found = await inspect({ ...other, shown: (await shownOf(other, twice)), inputs: toHex(inputsBytes(inputs)) });
    const root = TraceTree.of(right).root;
    expect(found).toMatchObject({ kind: 'assert', place: { index: AT }, ownRoot: root, assertion: { ownRoot: root, matrix: { index: AT, inputs: '0x' } } });
    // The search is planned for the time that is left.
    const planned = vi.spyOn(SearchPlan.prototype, 'places');
    for (const [left, most] of [[undefined, SEARCH_LIMITS.most], [{ seconds: 130, replyTime: 60 }, 3], [{ seconds: 0, replyTime: 60 }, 1]] as const) {
      planned.mockClear();
      expect(await inspect({ ...claim, shown: shown.slice(0, 1), inputs: toHex(inputsBytes(inputs)), left })).toMatchObject({ kind: 'demand' });
      expect(planned.mock.lastCall![1].most).toBe(most);
    }
    planned.mockRestore();
  }, 60_000);
});

/** All that a search asks a claimant to show before it ends. */
async function shownOf(claim: ClaimQuery, trace: Matrix[]): Promise<ShownPiece[]> {
  const show = shownBy(trace);
  const shown: ShownPiece[] = [];
  for (;;) {
    const finding = await inspect({ ...claim, shown, ...(shown.length && { inputs: toHex(inputsBytes(inputs)) }) });
    if (finding.kind !== 'demand') return shown;
    shown.push(...finding.places.map(show));
  }
}

describe('an answer that was shown with its batch', () => {
  const ask = async (answer: ClaimQuery['answer'], change: Partial<FiledAnswer> = {}) => {
    const [filed] = readShortForm(shortForm([answer], [inputs]), 1);
    return value(await session.inspectFiled('filed', { adapter: honest.adapter, programHash: honest.programHash, prices: PRICES, filed: { ...filed!, ...change } }, quiet));
  };

  it('is right; or false, and known or not', async () => {
    const { answer } = honest;
    expect(await ask(answer)).toMatchObject({ kind: 'right' });
    const more = { ...answer, allocated: answer.allocated + 1n };
    expect(await ask(more)).toMatchObject({ kind: 'known', answer: more });
    const other = await ask({ ...answer, traceRoot: TraceTree.of(flipped(AT, 0, 12)).root });
    expect(other).toMatchObject({ kind: 'demand', ownRoot: receipt.trace.root, places: [{ index: ALL_MATRICES, levels: expect.any(Array) }, { index: ALL_TABLES }] });
    expect(await ask(answer, { madeHash: receipt.trace.root })).toMatchObject({ kind: 'demand' });
  });
});

describe('what was asserted of a claim', () => {
  const refute = (claim: ClaimQuery, ...said: SaidLeaves[]) => session.refuteAssertions('refute', claim, said, quiet);
  const leaf = (trace: Matrix[]): SaidLeaves => ({ index: AT, leaf: 0, level: 0, values: leafValues(trace[AT]!, 0).values });

  it('is refuted by its first element that does not follow, or by its being what is claimed', async () => {
    const [wrong, same] = value(await refute(honest, leaf(flipped(AT, 1, 3)), leaf(right)));
    expect(wrong).toMatchObject({ matrix: { index: AT }, asserted: { leaf: 0, level: 0 }, step: { index: AT, row: 0, column: 1 } });
    expect(wrong!.asserted.node).not.toBe(wrong!.asserted.claimed);
    expect(same!.asserted.node).toBe(same!.asserted.claimed);
  });

  it('is not refuted where the claim is not what is computed here', async () => {
    expect(await refute(await claimOf(flipped(AT, 0, 1), true), leaf(right))).toMatchObject({ ok: false, error: { code: 'dispute/not-shown' } });
  });
});

describe('the file of a batch', () => {
  it('takes tokens from the receipts, or from what was shown on chain', async () => {
    const { answer, receiptCid } = honest;
    const shown = { answer, receiptCid: NOWHERE, inputs: toHex(inputsBytes(inputs)) };
    const file = value(await session.fileOfAnswers('file', [{ answer, receiptCid, inputs: undefined }, shown]));
    expect(file).toEqual(shortForm([answer, answer], [inputs, inputs]));
    expect(await session.fileOfAnswers('file', [shown, { ...shown, inputs: undefined }])).toMatchObject({ ok: false, error: { code: 'dispute/not-shown' } });
  });
});

describe('a demand', () => {
  const reply = (claim: ClaimQuery, ...places: TracePlace[]) => session.replyToDemands('reply', claim, places, quiet);
  const first = leafPlace({ index: AT, leaf: 0 });

  it('is answered with the leaf, or with its not being there; several at once', async () => {
    const beyond = leafPlace({ index: right.length, leaf: 0 });
    const nodes = { index: AT, leaf: 0, level: 1, depth: 1 };
    const { shown, missing } = value(await reply(honest, first, nodes, beyond));
    expect(shown).toMatchObject([[{ matrix: { index: AT }, leaves: [{ leaf: 0, proof: TraceTree.of(right).proof(AT, 0) }], nodes: [{ level: 1, hashes: [expect.any(String), expect.any(String)] }] }]]);
    expect(missing).toMatchObject([{ place: beyond, matrix: { index: right.length } }]);
    expect(value(await reply(honest, beyond))).toMatchObject({ shown: [], missing: [{ place: beyond }] });
  });

  it('for the payouts’ workings is answered too, beside one for the trace', async () => {
    const [all, leaf, none] = [{ index: ALL_TABLES, leaf: 0, level: 3, depth: 3 }, leafPlace({ index: WORKINGS + 1, leaf: 0 }), leafPlace({ index: WORKINGS + 2, leaf: 7 })];
    const { shown, missing } = value(await reply(honest, first, all, leaf, none));
    expect(shown.flat().map(({ matrix, leaves, nodes }) => [matrix.index, leaves.length, nodes[0]?.hashes.length])).toEqual([[AT, 1, undefined], [ALL_TABLES, 0, 6], [WORKINGS + 1, 1, undefined]]);
    expect(missing).toMatchObject([{ place: none, matrix: { index: WORKINGS + 2 } }]);
    expect(value(await reply(honest, none))).toMatchObject({ shown: [], missing: [{ place: none }] });
    expect(await reply({ ...honest, answer: { ...honest.answer, workingsRoot: receipt.trace.root } }, all)).toMatchObject({ ok: false, error: { code: 'dispute/not-shown' } });
  });

  it('is not answered for a claim that is not what is computed here', async () => {
    expect(await reply(await claimOf(flipped(AT, 0, 1), true), first)).toMatchObject({ ok: false, error: { code: 'dispute/not-shown' } });
    expect(await reply({ ...honest, receiptCid: NOWHERE }, first)).toMatchObject({ ok: false, error: { code: 'dispute/not-shown' } });
  });
});
