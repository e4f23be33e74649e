/** Every method and control of the evaluation under one interface, and its scores kept on disk. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { influence } from '../../../src/attribution/datainf.ts';
import { curvatureInfluence } from '../../../src/attribution/curvature/curvature-influence.ts';
import { buildCurvatureLedger, freeCurvatureLedger } from '../../../src/attribution/curvature/curvature-ledger.ts';
import { CURVATURE, type CurvatureSettings, runPace } from '../../../src/attribution/curvature/settings.ts';
import { buildLedger, freeLedger } from '../../../src/attribution/ledger.ts';
import { replay } from '../../../src/attribution/replay/replay.ts';
import { cosine, gradientProduct, random, tfidf, tracIn } from './controls.ts';
import { hiddenRows } from './gradients.ts';
import { type Scores, curvatureReference, earlyStoppingReference } from './reference.ts';
import type { Subject } from './subject.ts';

export interface Method {
  id: string;
  title: string;
  /** `method`: what the product has; `control`: what it must beat; `reference`: other forms of the methods. */
  kind: 'method' | 'reference' | 'control';
  /** Raised where its scores change: those on disk are then made again. */
  version: number;
  /** What else decides its scores. */
  settings?: unknown;
  /** [query][record], positive = the record helped. */
  scores(subject: Subject): Promise<Scores>;
  /**
   * Where wrong records are looked for: [question][record] in the units that the product shows them in, and for pools of
   * questions at once [pool][record], where that is cheaper. `scores` where undefined.
   */
  evidence?(subject: Subject): Promise<Scores>;
  pooled?(subject: Subject, pools: readonly (readonly number[])[]): Promise<Scores>;
  /** [record] influence of each record on its own loss; large ones are suspicious. */
  self?(subject: Subject): Promise<number[]>;
}

/** Labels a record of the curvature at the last adapter alone, and the damping relative to the mean eigenvalue: the best on validation halves. */
const LAST = { draws: 4, damping: 30 };
/** Of the empirical Fisher matrix, likewise. */
const EMPIRICAL_DAMPING = 100;

const diagonal = (scores: Scores) => scores.map((row, k) => row[k]!);
const textOf = ({ question, answer }: { question: string; answer: string }) => `${question} ${answer}`;

async function dataInf({ engine: { model }, lora, examples, signal }: Subject, queries: Subject['asked']): Promise<Scores> {
  const ledger = await buildLedger(model, lora, examples, { signal });
  try {
    const out: Scores = [];
    for (const query of queries) out.push([...(await influence(model, lora, ledger, query[0]!)).scores]);
    return out;
  } finally {
    freeLedger(model, ledger);
  }
}

/** `inNoise`: in standard deviations of chance. */
async function curvature(subject: Subject, queries: Subject['asked'], settings: CurvatureSettings, inNoise = false): Promise<Scores> {
  const { engine: { model }, lora, examples, recipe, signal } = subject;
  const ledger = await buildCurvatureLedger(model, await subject.loras(settings.checkpoints), examples, settings, runPace(recipe, examples.length), { signal });
  try {
    const out: Scores = [];
    for (const [query] of queries) {
      const [found] = await curvatureInfluence(model, lora, ledger, query!, [{ from: 0, to: query!.ids.length - query!.start }]);
      out.push(Array.from(found!.scores, (score, k) => (inNoise ? (found!.noise[k]! > 0 ? score / found!.noise[k]! : 0) : score)));
    }
    return out;
  } finally {
    freeCurvatureLedger(model.backend, ledger);
  }
}

export const METHODS: readonly Method[] = [
  {
    id: 'curvature', title: 'Curvature (the default)', kind: 'method', version: 7, settings: CURVATURE,
    scores: (subject) => curvature(subject, subject.asked, CURVATURE),
    evidence: (subject) => curvature(subject, subject.asked, CURVATURE, true),
    self: async (subject) => diagonal(await curvature(subject, subject.examples, CURVATURE)),
  },
  {
    id: 'datainf', title: 'DataInf', kind: 'method', version: 1,
    scores: (subject) => dataInf(subject, subject.asked),
    self: async (subject) => diagonal(await dataInf(subject, subject.examples)),
  },
  {
    id: 'replay', title: 'Exact replay', kind: 'method', version: 1,
    async scores({ engine: { model }, examples, recipe, asked, signal }) {
      const { pools } = await replay(model, examples, recipe, asked.map(([sequence]) => ({ answers: [{ sequence: sequence! }] })), { signal });
      return pools.map(({ influence: row }) => [...row]);
    },
    async pooled({ engine: { model }, examples, recipe, asked, signal }, groups) {
      const pools = groups.map((group) => ({ answers: group.map((q) => ({ sequence: asked[q]![0]!, weight: 1 / group.length })) }));
      return (await replay(model, examples, recipe, pools, { signal })).pools.map(({ influence: row }) => [...row]);
    },
  },
  {
    id: 'curvature-float64', title: 'Curvature, float64, rows not rounded', kind: 'reference', version: 6, settings: CURVATURE,
    scores: async (subject) => {
      const { recipe, examples } = subject;
      const { time, batch } = runPace(recipe, examples.length);
      return earlyStoppingReference(await subject.pointsOfRun(CURVATURE.checkpoints, CURVATURE.draws), batch, CURVATURE.damping / time);
    },
  },
  {
    id: 'curvature-last', title: 'Curvature at the last adapter alone', kind: 'reference', version: 2, settings: LAST,
    scores: async (subject) => curvatureReference(await subject.labelGradients(LAST.draws), await subject.recordGradients(), await subject.queryGradients(), LAST.damping),
    self: async (subject) => {
      const records = await subject.recordGradients();
      return diagonal(curvatureReference(await subject.labelGradients(LAST.draws), records, records, LAST.damping));
    },
  },
  {
    id: 'empirical-fisher', title: 'Empirical Fisher, exact inverse', kind: 'reference', version: 2, settings: EMPIRICAL_DAMPING,
    scores: async (subject) => {
      const records = await subject.recordGradients();
      return curvatureReference(records, records, await subject.queryGradients(), EMPIRICAL_DAMPING);
    },
    self: async (subject) => {
      const records = await subject.recordGradients();
      return diagonal(curvatureReference(records, records, records, EMPIRICAL_DAMPING));
    },
  },
  {
    id: 'gradient-product', title: 'Gradient product', kind: 'control', version: 1,
    scores: async (subject) => gradientProduct(await subject.recordGradients(), await subject.queryGradients()),
    self: async (subject) => {
      const records = await subject.recordGradients();
      return diagonal(gradientProduct(records, records));
    },
  },
  {
    id: 'tracin', title: 'TracIn, Adam’s scaling', kind: 'control', version: 1,
    scores: async (subject) => tracIn(await subject.tracInCheckpoints()),
    self: async (subject) => diagonal(tracIn((await subject.tracInCheckpoints()).map((one) => ({ ...one, queries: one.records })))),
  },
  {
    id: 'representations', title: 'Similarity of representations', kind: 'control', version: 1,
    scores: async ({ engine: { model }, lora, examples, asked }) => cosine(await hiddenRows(model, lora, examples), await hiddenRows(model, lora, asked)),
  },
  {
    id: 'tfidf', title: 'TF-IDF, no model', kind: 'control', version: 1,
    scores: ({ records, queries }) => Promise.resolve(tfidf(records.map(({ text, questions }) => [text, ...questions.map(textOf)].join(' ')), queries.map(textOf))),
  },
  {
    id: 'random', title: 'Random', kind: 'control', version: 1,
    scores: ({ records, queries, recipe }) => Promise.resolve(random(records.length, queries.length, recipe.seed)),
  },
];

/** Scores of a method with the seconds of processor time that they took beside what other methods had made already. */
export interface Kept {
  seconds: number;
  scores: Scores;
  self?: number[] | undefined;
}

const hashOf = (key: unknown) => createHash('sha256').update(JSON.stringify(key)).digest('hex');

/** Scores from `file`, where they were made for the same `key`. */
export function scoresThere(file: string, key: unknown): Kept | undefined {
  const found = read(file);
  return found?.key === hashOf(key) ? found : undefined;
}

/** The same, or made and kept. */
export async function keptScores(file: string, key: unknown, make: () => Promise<Omit<Kept, 'seconds'>>): Promise<Kept> {
  const found = scoresThere(file, key);
  if (found) return found;
  // Of the processor: evaluations run for hours beside other work.
  const began = process.cpuUsage();
  const scores = await make();
  const { user, system } = process.cpuUsage(began);
  const made: Kept = { ...scores, seconds: (user + system) / 1e6 };
  mkdirSync(join(file, '..'), { recursive: true });
  // Whole or not at all: a run may be ended anywhere.
  writeFileSync(`${file}.new`, JSON.stringify({ key: hashOf(key), ...made }));
  renameSync(`${file}.new`, file);
  return made;
}

function read(file: string): (Kept & { key: string }) | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Kept & { key: string };
  } catch {
    return undefined;
  }
}
