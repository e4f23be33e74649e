/** What is asked about an attribution beyond its scores, in one piece: fetched when it is first asked for. */
import { Audit } from '../attribution/audit.ts';
import { curate } from '../attribution/curation.ts';
import type { CurvatureLedger } from '../attribution/curvature/curvature-ledger.ts';
import type { Engine, LoadedAdapter } from '../attribution/engine.ts';
import { indexRecords, quotesOfAnswer } from '../attribution/quotes/record-quotes.ts';
import { RETRIEVAL_METHOD, type RetrievalIndex, buildRetrieval, retrieve } from '../attribution/retrieval/retrieval.ts';
import { spearman } from '../attribution/rank-correlation.ts';
import type { DatanetRecord, VersionRecord } from '../protocol/record.ts';
import type { RetrievalLog } from '../protocol/retrieval-share.ts';
import type { AnswerQuote, AnswerTokens, AuditResult, Curation, LoadProgress, PartInfluence } from './engine.api.ts';

export { clusterRecords } from '../protocol/clusters/cluster-records.ts';

interface Options {
  signal: AbortSignal;
  onProgress: (progress: LoadProgress) => void;
}

/** Only the last of each is kept: a page looks at one Datanet at a time. */
let quoteIndex: { key: string; index: ReturnType<typeof indexRecords> } | undefined;
let retrieval: { key: string; index: RetrievalIndex } | undefined;
let audit: { engine: Engine; key: string; run: Audit } | undefined;

export function quotesOf(key: string, records: readonly VersionRecord[], text: string): AnswerQuote[] {
  if (quoteIndex?.key !== key) quoteIndex = { key, index: indexRecords(records) };
  return quotesOfAnswer(quoteIndex.index, text).map(({ begin, end, records: places, count, weight }) => ({ begin, end, records: places, count, weight }));
}

export async function influenceOfParts(
  engine: Engine, adapter: LoadedAdapter, ledger: CurvatureLedger, { promptTokens, answerTokens }: AnswerTokens, parts: readonly { from: number; to: number }[], records: readonly number[],
): Promise<PartInfluence[]> {
  const found = await engine.influences(adapter, ledger, promptTokens, answerTokens, parts);
  return found.map(({ scores, noise }, i) => ({ ...parts[i]!, influence: records.map((k) => scores[k]!), noise: records.map((k) => noise[k]!) }));
}

/** The prompt with records of the Datanet before the question, and what was put there. */
export function promptWithRetrieved(
  engine: Engine, key: string, records: readonly VersionRecord[], adapter: LoadedAdapter, question: string, most: number, maxTokens?: number,
): { prompt: number[]; retrieval: RetrievalLog | undefined } {
  if (!engine.readsRecords) return { prompt: engine.prompt(question), retrieval: undefined };
  // Which records are copies is the adapter's run's word.
  const { clusters } = adapter.run.datanet;
  const about = `${key} ${clusters?.join() ?? ''}`;
  if (retrieval?.key !== about) retrieval = { key: about, index: buildRetrieval(records, { clusterOf: clusters }) };
  const found = retrieve(retrieval.index, engine.normalised(question), { most });
  const { ids, used } = engine.promptWithRecords(question, found.map(({ record }) => records[record]!), maxTokens);
  return { prompt: ids, retrieval: used ? { method: RETRIEVAL_METHOD, most, retrieved: found.slice(0, used) } : undefined };
}

export async function auditAnswer(
  engine: Engine, adapter: LoadedAdapter, key: string, records: readonly VersionRecord[], ledger: CurvatureLedger, { promptTokens, answerTokens }: AnswerTokens, selection: { from: number; to: number } | undefined, { signal, onProgress }: Options,
): Promise<AuditResult> {
  const began = performance.now();
  const tell = (what: string) => (done: number, total: number) => onProgress({ what, done, total, unit: 'steps' });
  // The run is the same for every answer of an adapter.
  if (audit?.engine !== engine || audit.key !== key) {
    audit = undefined;
    audit = { engine, key, run: await Audit.begin(engine, adapter, records, { signal, onProgress: tell('Following the training again') }) };
  }
  const { influence, loss } = await audit.run.influence(promptTokens, answerTokens, selection, { signal, onProgress: tell('Reversing the training') });
  const { scores } = await engine.influence(adapter, ledger, promptTokens, answerTokens, selection);
  return { influence: [...influence], loss, agreement: spearman(influence, scores), seconds: (performance.now() - began) / 1000 };
}

export async function curateRecords(
  engine: Engine, adapter: LoadedAdapter, records: readonly VersionRecord[], ledger: CurvatureLedger, heldOut: readonly DatanetRecord[], { signal, onProgress }: Options,
): Promise<Curation> {
  const began = performance.now();
  const { clusters } = adapter.run.datanet;
  const rows = records.flatMap((_, k) => (!clusters || clusters[k] === k ? [k] : []));
  const standings = await curate(engine.model, ledger, engine.sequences(rows.map((k) => records[k]!)), heldOut.length ? engine.sequences(heldOut) : undefined, {
    signal, onProgress: (done, total) => onProgress({ what: 'How each record stands', done, total, unit: 'records' }),
  });
  const row = new Map(rows.map((k, at) => [k, at]));
  return {
    heldOut: heldOut.length, seconds: (performance.now() - began) / 1000,
    records: records.map((record, index) => {
      const standing = standings[row.get(index) ?? -1];
      return standing ? { index, record, ...standing } : { index, record, influence: 0, noise: 0, helped: 0, hurt: 0, leverage: 0, outlier: false, copyOf: clusters![index] };
    }),
  };
}
