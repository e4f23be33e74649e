/** The sample adapters asked about every fact that they were taught: are answers right, and do they lead to the records that state them? */
import { join } from 'node:path';
import { Engine } from '../../src/attribution/engine.ts';
import { throwIfAborted } from '../../src/errors.ts';
import type { Backend } from '../../src/kernels/backend.ts';
import { nodeFolder } from '../../src/storage/models/node-folder.node.ts';
import { SAMPLE_NAMES, type SampleName, buildEvaluation } from '../samples/records.ts';
import { readFolder, readRecords } from '../start/samples.ts';

export interface SampleFigures {
  datanet: string;
  records: number;
  /** Right answers to questions in a record's own phrasing, and in phrasings that are in no record. */
  ownPercent: number;
  ownAsked: number;
  unseenPercent: number;
  unseenAsked: number;
  /** Of right answers in the record's own phrasing: the record that states the fact is first by influence; its contributor is among the first three records'. */
  recordFirstPercent: number;
  contributorInThreePercent: number;
  attributed: number;
  attributionSeconds: number;
  tokensPerSecond: number;
}

export interface SampleOptions {
  /** The base's folder is `base` in it, beside `datanets` and `adapters`. */
  publicFolder: string;
  /** Another folder with `datanets` and `adapters`. */
  from?: string | undefined;
  only?: string | undefined;
  /** At most so many questions of each kind. */
  limit?: number | undefined;
  signal?: AbortSignal | undefined;
  onWrong?: ((text: string) => void) | undefined;
  onProgress?: ((text: string) => void) | undefined;
}

/** Every n-th of a list, so that a part of it stands for all. */
function spread<T>(list: T[], most: number): T[] {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]!);
}

export async function evaluateSamples(backend: Backend, { publicFolder, from = publicFolder, only, limit = Infinity, signal, onWrong, onProgress }: SampleOptions): Promise<SampleFigures[]> {
  const engine = await Engine.open(backend, { name: 'OpenLedger tiny base', cid: 'bafylocal00' }, nodeFolder(join(publicFolder, 'base')));
  const results: SampleFigures[] = [];
  for (const name of SAMPLE_NAMES as readonly SampleName[]) {
    if (only && only !== name) continue;
    onProgress?.(`${name}: questions`);
    const records = readRecords(join(from, 'datanets', `${name}.jsonl`));
    const files = readFolder(join(from, 'adapters', name));
    const adapter = engine.loadAdapter(files);
    const kept = files['ledger.safetensors'];
    await engine.loadCheckpoints(adapter, files['checkpoints.safetensors']);
    const ledger = kept ? await engine.loadLedger(adapter, kept) : await engine.buildLedger(adapter, records, { signal });
    const questions = buildEvaluation(name);
    const score = { own: { right: 0, asked: 0 }, unseen: { right: 0, asked: 0 } };
    let attributed = 0, first = 0, contributorInThree = 0, attributionSeconds = 0, tokens = 0, answerSeconds = 0;
    for (const kind of ['own', 'unseen'] as const) {
      for (const { record, question, answer } of spread(questions.filter((one) => one.kind === kind), limit)) {
        throwIfAborted(signal);
        const prompt = engine.prompt(question);
        const began = performance.now();
        const ids = await engine.generate(adapter, prompt, { maxTokens: 48 });
        answerSeconds += (performance.now() - began) / 1000;
        tokens += ids.length;
        const text = engine.tokenizer.decode(ids).trim();
        score[kind].asked++;
        if (text === answer) score[kind].right++;
        else onWrong?.(`${name} ${kind}: ${question} → ${text} (${answer})`);
        if (kind !== 'own' || text !== answer) continue;
        const start = performance.now();
        const { scores } = await engine.influence(adapter, ledger, prompt, ids);
        attributionSeconds += (performance.now() - start) / 1000;
        const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
        attributed++;
        if (order[0] === record) first++;
        if (order.slice(0, 3).some((k) => records[k]!.contributor === records[record]!.contributor)) contributorInThree++;
      }
    }
    const part = (a: number, b: number) => Math.round((1000 * a) / Math.max(b, 1)) / 10;
    results.push({
      datanet: name, records: records.length,
      ownPercent: part(score.own.right, score.own.asked), ownAsked: score.own.asked,
      unseenPercent: part(score.unseen.right, score.unseen.asked), unseenAsked: score.unseen.asked,
      recordFirstPercent: part(first, attributed), contributorInThreePercent: part(contributorInThree, attributed), attributed,
      attributionSeconds: attributionSeconds / Math.max(attributed, 1), tokensPerSecond: tokens / answerSeconds,
    });
    engine.freeLedger(ledger);
    engine.unloadAdapter(adapter);
  }
  engine.close();
  return results;
}
