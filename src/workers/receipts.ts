/** What makes and checks receipts, in one piece: fetched when the first is asked for. */
import type { CurvatureLedger } from '../attribution/curvature/curvature-ledger.ts';
import type { LoadedAdapter } from '../attribution/engine.ts';
import { makeReceipt } from '../attribution/make-receipt.ts';
import { toHex } from '../protocol/bytes.ts';
import { type Json, canonicalJson } from '../protocol/canonical.ts';
import { receiptHash } from '../protocol/receipt.ts';
import type { DatanetVersionFile } from '../protocol/record.ts';
import type { AdapterRef, Answer, Pricing, ReceiptResult } from './engine.api.ts';
import type { Opened, Report } from './opened-engine.ts';

export { checkReceipt } from '../attribution/check.ts';
export { parseReceipt, receiptHash } from '../protocol/receipt.ts';

interface Prepared {
  adapter: LoadedAdapter;
  version: DatanetVersionFile;
  ledger: CurvatureLedger;
}

/** See EngineApi.makeReceipt. */
export async function receiptOfAnswer(
  { catalog, engine, publishUrl }: Opened, { adapter, version, ledger }: Prepared, ref: AdapterRef, question: string, answer: Answer, pricing: Pricing,
  { signal, onProgress }: { signal: AbortSignal; onProgress: Report },
): Promise<ReceiptResult> {
  const { loss, scores, noise } = await engine.influence(adapter, ledger, answer.promptTokens, answer.answerTokens);
  const { bytes, ...trace } = await engine.trace(ledger, answer.promptTokens, answer.answerTokens, {
    signal, onProgress: (done, total) => onProgress({ what: 'Trace of the computation', done, total, unit: 'steps' }),
  });
  const publish = async (content: Uint8Array) => {
    const cid = await catalog.store.addFile(content);
    if (publishUrl) await catalog.store.publish(cid, publishUrl, { signal });
    return cid;
  };
  const traceCid = await publish(bytes);
  const { receipt, recordParts } = makeReceipt({
    nonce: toHex(crypto.getRandomValues(new Uint8Array(16))),
    base: { cid: engine.identity.cid, root: engine.root, format: engine.format },
    sampling: answer.sampling,
    adapter: { id: ref.id, cid: ref.cid, root: adapter.root },
    datanet: { id: ref.datanet.id, version: ref.datanet.version, cid: ref.datanet.cid, records: version.records },
    ledger: adapter.run.ledger,
    trace: { ...trace, cid: traceCid },
    prompt: { text: engine.normalised(question), tokens: answer.promptTokens },
    // The text of all tokens: a stop text cuts what is shown, not what was computed.
    answer: { text: engine.tokenizer.decode(answer.answerTokens).trim(), tokens: answer.answerTokens },
    retrieval: answer.retrieval,
    loss, scores, noise, clusters: adapter.run.datanet.clusters, prices: pricing,
  });
  const cid = await publish(new TextEncoder().encode(canonicalJson(receipt as unknown as Json)));
  return { receipt, hash: receiptHash(receipt), cid, recordParts: recordParts.map(String) };
}
