/** The evaluation of attribution over task families: scores of methods and controls against retraining. */
import { join } from 'node:path';
import { OpenLedgerError, throwIfAborted } from '../../src/errors.ts';
import type { Engine } from '../../src/attribution/engine.ts';
import { CACHE, openEvalEngine } from './base/open-base.ts';
import { type ByKind, byKind, suspicion } from './controls/curation.ts';
import { METHODS, type Method, keptScores, scoresThere } from './controls/methods.ts';
import type { Scores } from './controls/reference.ts';
import { Subject } from './controls/subject.ts';
import { FAMILIES, type FamilyName, type Query, makeSet } from './families/make-set.ts';
import { groundTruth } from './ground-truth/ground-truth.ts';
import { Outcomes } from './ground-truth/outcomes.ts';
import { type RunName, type Setup, runs, setup, weightsOf } from './ground-truth/setup.ts';
import {
  type Comparison, type Interval, areaUnderCurve, bootstrapArea, bootstrapDifference, bootstrapScore, ceilingEffects, groupEffects, leaveOneOutEffects, mean, score, scoreOfQueries, withinClass,
} from './statistics.ts';
import type { Backend } from '../../src/kernels/backend.ts';

export interface Figure extends Interval {
  value: number;
}

export interface MethodFigures {
  id: string;
  title: string;
  kind: Method['kind'];
  /** Seeds that its scores are of. */
  seeds: number[];
  /** LDS at half of the records, the same with class counts regressed out, LDS with 5 % removed, leave-one-out. */
  half?: Figure | undefined;
  within?: Figure | undefined;
  five?: Figure | undefined;
  leaveOneOut?: Figure | undefined;
  /** Within class, above DataInf on the same queries and subsets. */
  aboveDataInf?: Figure | undefined;
  /** Mislabelled records found: by influence on questions of their own kind, of all kinds (the lower, the more suspicious), and on themselves. */
  ownArea?: Figure | undefined;
  allArea?: Figure | undefined;
  selfArea?: Figure | undefined;
  /** Processor time of a seed's scores, the least of the seeds: a busy machine makes it longer. */
  seconds: number;
  /** The same of each of its seeds for itself: how far they lie apart. */
  bySeed: SeedFigures[];
}

export interface SeedFigures {
  seed: number;
  half?: number | undefined;
  within?: number | undefined;
  aboveDataInf?: number | undefined;
}

export interface FamilyReport {
  family: FamilyName;
  records: number;
  queries: number;
  /** Seeds with how many retrains of each kind there are. A figure is the mean over the seeds that have retrains for it. */
  seeds: { seed: number; halves: number; fives: number; leaveOneOut: number; otherOrder: number }[];
  ceiling?: { half?: Figure | undefined; within?: Figure | undefined } | undefined;
  methods: MethodFigures[];
  /** Of the first seed, the query whose score by the first method is the median: what was predicted and what came, by method. */
  example?: { question: string; panels: { label: string; x: number[]; y: number[] }[] } | undefined;
}

export interface EvaluateOptions {
  families?: readonly FamilyName[] | undefined;
  seeds?: readonly number[] | undefined;
  /** Ids; all where undefined. */
  methods?: readonly string[] | undefined;
  small?: boolean | undefined;
  /** Threads that retrain; 0 for none beside this one. */
  workers?: number | undefined;
  /** Take the retrains that are there, and make none. */
  asIs?: boolean | undefined;
  /** Take the retrains and the scores that are there, and make none: a method's figures are then of the seeds that have its scores. */
  kept?: boolean | undefined;
  /** Resamples of a bootstrap. */
  samples?: number | undefined;
  /** Folder of outcomes and scores. */
  cache?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((text: string) => void) | undefined;
}

/** The method that the scatter plots show first. */
const DEFAULT_METHOD = 'curvature';

/** Throws `eval/unknown-family`, `eval/unknown-method`, `cancelled`, and what training throws. Ended anywhere, it goes on where it stopped. */
export async function evaluateFamilies(backend: Backend, options: EvaluateOptions = {}): Promise<FamilyReport[]> {
  const { small = false, signal } = options;
  const families = options.families ?? (Object.keys(FAMILIES) as FamilyName[]);
  const methods = METHODS.filter(({ id }) => options.methods?.includes(id) ?? true);
  const unknown = (kind: string, name: string, all: readonly string[]) =>
    new OpenLedgerError({ code: `eval/unknown-${kind}`, what: `There is no ${kind} named “${name.slice(0, 40)}”.`, why: `There are ${all.join(', ')}.`, next: 'Name one of these.' });
  for (const family of families) if (!(family in FAMILIES)) throw unknown('family', family, Object.keys(FAMILIES));
  for (const id of options.methods ?? []) if (!METHODS.some((method) => method.id === id)) throw unknown('method', id, METHODS.map((method) => method.id));
  const engine = await openEvalEngine(backend, { size: small ? 'small' : 'full', signal });
  try {
    const reports: FamilyReport[] = [];
    for (const family of families) reports.push(await evaluateFamily(engine, family, methods, options));
    return reports;
  } finally {
    engine.close();
  }
}

/** One seed of a family: what retraining gave, and each method's scores. */
interface SeedResults {
  all: Setup;
  outcomes: ReadonlyMap<RunName, number[]>;
  scores: Map<string, { test: Scores; byKind: ByKind; self: number[] | undefined; seconds: number }>;
}

async function evaluateFamily(engine: Engine, family: FamilyName, methods: readonly Method[], options: EvaluateOptions): Promise<FamilyReport> {
  const { seeds = [1, 2, 3], small = false, samples = small ? 50 : 400 } = options;
  const results: SeedResults[] = [];
  for (const seed of seeds) results.push(await evaluateSeed(engine, setup(family, seed, small ? 'small' : 'full'), methods, options));
  const figure = (comparisons: Comparison[]): Figure | undefined =>
    comparisons.length && comparisons.every(({ real }) => (real[0]?.length ?? 0) >= 3) ? { value: mean(comparisons.map(score)), ...bootstrapScore(comparisons, { samples }) } : undefined;
  const first = results[0]!;
  options.onProgress?.(`${family}: statistics`);
  return {
    family,
    records: first.all.records.length,
    queries: first.all.queries.length,
    seeds: results.map(({ all, outcomes }) => ({
      seed: all.seed, halves: named(all, outcomes, 'half-').length, fives: named(all, outcomes, 'five-').length, leaveOneOut: named(all, outcomes, 'loo-').length,
      otherOrder: named(all, outcomes, 'order-1-half-').length,
    })),
    ceiling: { half: figure(ceilings(results, false)), within: figure(ceilings(results, true)) },
    methods: methods.flatMap(({ id, title, kind }) => {
      const own = results.filter((result) => result.scores.has(id));
      if (!own.length) return [];
      const { half, within, five, leaveOneOut } = comparisonsOf(own, id);
      // On the same seeds, queries and subsets.
      const floor = id !== 'datainf' && own.every((result) => result.scores.has('datainf')) ? comparisonsOf(own, 'datainf').within : [];
      const above = floor.length ? figure(within) : undefined;
      const scores = own.map((result) => result.scores.get(id)!);
      return [{
        id, title, kind, seeds: own.map(({ all }) => all.seed),
        half: figure(half), within: figure(within), five: figure(five), leaveOneOut: figure(leaveOneOut),
        aboveDataInf: above && { value: above.value - mean(floor.map(score)), ...bootstrapDifference(within, floor, { samples }) },
        ownArea: area(own, own.map(({ all }, r) => suspicion(scores[r]!.byKind, all.classOf, 'own')), samples),
        allArea: area(own, own.map(({ all }, r) => suspicion(scores[r]!.byKind, all.classOf, 'all')), samples),
        selfArea: scores.every(({ self }) => self) ? area(own, scores.map(({ self }) => self!), samples) : undefined,
        seconds: Math.min(...scores.map(({ seconds }) => seconds)),
        bySeed: own.map((result) => ofSeed(result, id)),
      }];
    }),
    example: example(first, methods),
  };
}

async function evaluateSeed(engine: Engine, all: Setup, methods: readonly Method[], { cache = CACHE, asIs, kept, workers, signal, onProgress }: EvaluateOptions): Promise<SeedResults> {
  const label = `${all.name} ${all.seed}`;
  const outcomes = asIs || kept
    ? new Outcomes(cache, all).done
    : await groundTruth(all, { workers, signal, cache, onProgress: (done, total) => (done % 20 === 0 || done === total) && onProgress?.(`${label}: ${done} of ${total} retrains`) });
  const folder = join(cache, all.size === 'full' ? all.name : `${all.name}-small`, String(all.seed));
  // Adapters are trained when the first method that has no scores on disk asks for one.
  const questions = heldOut(all);
  const pools = FAMILIES[all.name].kinds.map((_, kind) => questions.flatMap((one, q) => (one.class === kind ? [q] : [])));
  const subjects: { plain?: Subject; mislabelled?: Subject } = {};
  const plain = async () => (subjects.plain ??= await Subject.train(engine, { records: all.records, queries: all.queries, recipe: all.recipe, signal }));
  const mislabelled = async () => (subjects.mislabelled ??= await Subject.train(engine, { records: all.mislabelled.records, queries: questions, recipe: all.recipe, signal }));
  const scores: SeedResults['scores'] = new Map();
  try {
    for (const method of methods) {
      throwIfAborted(signal);
      onProgress?.(`${label}: ${method.title}`);
      const key = [all.key, engine.root, method.id, method.version, method.settings];
      const scoresOf = async (name: string, of: unknown, make: Parameters<typeof keptScores>[2]) => {
        const file = join(folder, `scores-${name}.json`);
        return kept ? scoresThere(file, of) : keptScores(file, of, make);
      };
      const test = await scoresOf(method.id, key, async () => ({ scores: await method.scores(await plain()) }));
      const wrong = await scoresOf(`${method.id}-mislabelled`, [...key, questions.length, 'mislabelled'], async () => {
        const subject = await mislabelled();
        return { scores: method.pooled ? await method.pooled(subject, pools) : await (method.evidence ?? method.scores)(subject), self: await method.self?.(subject) };
      });
      if (!test || !wrong) continue;
      const influence = byKind(wrong.scores, method.pooled ? pools.map((_, kind) => kind) : questions.map((one) => one.class), pools.length);
      scores.set(method.id, { test: test.scores, byKind: influence, self: wrong.self, seconds: test.seconds });
    }
  } finally {
    subjects.plain?.free();
    subjects.mislabelled?.free();
  }
  return { all, outcomes, scores };
}

/** Questions with right answers that wrong records are looked for with: twenty of a kind, the set-up's own first. */
function heldOut({ name, seed, size, records, queries }: Setup): Query[] {
  const more = (size === 'small' ? 2 : 20) * FAMILIES[name].kinds.length - queries.length;
  const set = makeSet(FAMILIES[name], seed, { records: records.length, queries: queries.length, valQueries: more });
  return [...set.queries, ...set.valQueries];
}

/** Names of a kind of run that have outcomes, in order. */
const named = (all: Setup, outcomes: ReadonlyMap<RunName, number[]>, prefix: string) => runs(all).filter((run) => run.startsWith(prefix) && outcomes.has(run));

/** Fewest subsets that leave something when the counts of the classes are regressed out. */
const fewest = ({ classOf }: Setup) => new Set(classOf).size + 4;

/** Figures of one seed without their intervals. */
function ofSeed(result: SeedResults, id: string): SeedFigures {
  const value = ([comparison]: Comparison[]) => comparison && score(comparison);
  const { half, within } = comparisonsOf([result], id);
  const floor = id !== 'datainf' && result.scores.has('datainf') ? value(comparisonsOf([result], 'datainf').within) : undefined;
  return { seed: result.all.seed, half: value(half), within: value(within), aboveDataInf: floor === undefined ? undefined : value(within)! - floor };
}

/** What a method predicts of every kind of retraining against what came, one comparison for each seed that has such retrains. */
function comparisonsOf(results: readonly SeedResults[], id: string) {
  const groups = (prefix: string, within: boolean) =>
    ofSeeds(results, ({ all, outcomes, scores }) => {
      const names = named(all, outcomes, prefix);
      if (names.length < (within ? fewest(all) : 1)) return undefined;
      const weights = names.map((run) => weightsOf(all, run));
      const effects = groupEffects(scores.get(id)!.test, weights, names.map((run) => outcomes.get(run)!));
      return within ? withinClass(effects, weights, all.classOf) : effects;
    });
  return {
    half: groups('half-', false),
    within: groups('half-', true),
    five: groups('five-', false),
    leaveOneOut: ofSeeds(results, ({ all, outcomes, scores }) => {
      const names = named(all, outcomes, 'loo-');
      const full = outcomes.get('full');
      if (!names.length || !full) return undefined;
      const left = names.map((run) => weightsOf(all, run).indexOf(0));
      const chosen = scores.get(id)!.test.map((row) => left.map((k) => row[k]!));
      return leaveOneOutEffects(chosen, names.map((run) => outcomes.get(run)!), full);
    }),
  };
}

function ofSeeds(results: readonly SeedResults[], make: (result: SeedResults) => Comparison | undefined): Comparison[] {
  return results.flatMap((result) => make(result) ?? []);
}

/** With fewer halves in the other order the ceiling would be chance. */
const FEWEST_OF_CEILING = 40;

/** The halves retrained in another order against those in the first. */
function ceilings(results: readonly SeedResults[], within: boolean): Comparison[] {
  return ofSeeds(results, ({ all, outcomes }) => {
    const names = named(all, outcomes, 'half-').filter((run) => outcomes.has(`order-1-${run}`));
    if (names.length < Math.min(FEWEST_OF_CEILING, all.counts.halves) || (within && names.length < fewest(all))) return undefined;
    const effects = ceilingEffects(names.map((run) => outcomes.get(run)!), names.map((run) => outcomes.get(`order-1-${run}`)!));
    return within ? withinClass(effects, names.map((run) => weightsOf(all, run)), all.classOf) : effects;
  });
}

/** Areas of all seeds together: each seed's scores are ranked for themselves. */
function area(results: readonly SeedResults[], suspicion: readonly (readonly number[])[], samples: number): Figure {
  const flipped = results.map(({ all }) => all.mislabelled.flipped);
  const intervals = suspicion.map((scores, s) => bootstrapArea(scores, flipped[s]!, { samples, seed: 7 + s }));
  return {
    value: mean(suspicion.map((scores, s) => areaUnderCurve(scores, flipped[s]!))),
    low: mean(intervals.map(({ low }) => low)),
    high: mean(intervals.map(({ high }) => high)),
  };
}

function example(result: SeedResults, methods: readonly Method[]): FamilyReport['example'] {
  const [leading] = [DEFAULT_METHOD, 'curvature-float64'].filter((id) => result.scores.has(id));
  const shown = methods.filter(({ id }) => result.scores.has(id) && (id === leading || id === 'datainf' || id === 'replay'));
  const lines = shown.map(({ id, title }) => ({ id, title, comparison: comparisonsOf([result], id).half[0] }));
  const main = lines.find(({ id }) => id === leading) ?? lines[0];
  if (!main?.comparison) return undefined;
  const byQuery = scoreOfQueries(main.comparison);
  const order = [...byQuery.keys()].sort((a, b) => byQuery[a]! - byQuery[b]! || a - b);
  const q = order[Math.floor(order.length / 2)]!;
  return {
    question: result.all.queries[q]!.question,
    panels: lines.map(({ title, comparison }) => ({ label: `${title} (${scoreOfQueries(comparison!)[q]!.toFixed(2)})`, x: comparison!.predicted[q]!, y: comparison!.real[q]! })),
  };
}
