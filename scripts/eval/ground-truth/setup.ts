import { createHash } from 'node:crypto';
import { permutation } from '../../../src/arithmetic/random.ts';
import { OpenLedgerError } from '../../../src/errors.ts';
import type { TrainRecipe } from '../../../src/model/recipe.ts';
import type { Size } from '../base/open-base.ts';
import { BASE, SMALL_BASE } from '../base/pretrain.ts';
import { FAMILIES, type FamilyName, SIZES, type TaskSet, makeSet } from '../families/make-set.ts';

/** How many retrains of each kind. */
export interface RunCounts {
  /** A random half of the records. */
  halves: number;
  /** All but a random twentieth. */
  fives: number;
  /** All but one. */
  leaveOneOut: number;
  /** Random halves with other queries, to set a constant on. */
  valHalves: number;
  /** Other orders of the records. Of the first, the halves are trained too; of the others, only all records. */
  orders: number;
}

export interface Setup extends TaskSet {
  name: FamilyName;
  seed: number;
  size: Size;
  recipe: TrainRecipe;
  counts: RunCounts;
  /** Changes with everything that decides the outcomes, but not the engine's code. */
  key: string;
}

/**
 * `full`, `half-3`, `five-3`, `loo-3`, `val-full` and `val-3` (these two with the other queries), `mislabelled`,
 * `order-1-full`, `order-1-half-3`. Half 3 is the same records in every order.
 */
export type RunName = string;

/**
 * A large alpha and a small rate: the adapter's effect grows while its factors move little, so that a run is nearly
 * linear in its records' weights. Large steps of few records made orders of the same records disagree. One run over 200
 * records takes one to three seconds on one thread.
 */
const RECIPE: TrainRecipe = {
  rank: 4, alpha: 64, rslora: false, targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
  seed: 1, epochs: 10, batch: 40, rate: 4e-4,
};
const RECIPES: Record<FamilyName, TrainRecipe> = { arithmetic: { ...RECIPE, rate: 2e-4 }, transformations: RECIPE };

const COUNTS: RunCounts = { halves: 100, fives: 100, leaveOneOut: 200, valHalves: 60, orders: 2 };
const SMALL_COUNTS: RunCounts = { halves: 8, fives: 8, leaveOneOut: 40, valHalves: 4, orders: 1 };

/** Everything an evaluation of a family with a seed is about: a pure function of the three. */
export function setup(name: FamilyName, seed: number, size: Size = 'full'): Setup {
  const small = size === 'small';
  const set = makeSet(FAMILIES[name], seed, small ? { records: 40, queries: 6, valQueries: 6 } : SIZES);
  const recipe = { ...RECIPES[name], seed, ...(small && { epochs: 2 }) };
  const counts = small ? SMALL_COUNTS : COUNTS;
  const key = createHash('sha256').update(JSON.stringify([set, recipe, counts, small ? SMALL_BASE : BASE])).digest('hex');
  return { ...set, name, seed, size, recipe, counts, key };
}

const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** All runs in the order in which they are best made: what most figures need comes first. */
export function runs({ counts }: Setup): RunName[] {
  return [
    'full', 'val-full', 'mislabelled', ...numbered('half-', counts.halves), ...numbered('val-', counts.valHalves),
    ...numbered('five-', counts.fives), ...numbered('loo-', counts.leaveOneOut),
    ...Array.from({ length: counts.orders }, (_, j) => `order-${j + 1}-full`),
    ...(counts.orders ? numbered('order-1-half-', counts.halves) : []),
  ];
}

/** Streams of random numbers for what is left out, apart from those of records, base and training. */
const STREAM = { half: 20_000, five: 30_000, val: 40_000, order: 50_000 };
const FIVE_PERCENT = 0.05;

interface Run {
  kind: 'full' | 'half' | 'five' | 'loo' | 'mislabelled';
  index: number;
  order: number;
  val: boolean;
}

function parseRun(run: RunName): Run {
  const parsed = /^(?:order-(?<order>\d+)-)?(?:(?<kind>full|mislabelled|val-full)|(?<numbered>half|five|loo|val)-(?<index>\d+))$/u.exec(run)?.groups;
  if (!parsed) {
    throw new OpenLedgerError({ code: 'eval/unknown-run', what: `There is no retraining named “${run.slice(0, 40)}”.`, why: 'Names are such as full, half-3, five-3, loo-3, val-3, order-1-half-3.', next: 'Take one of runs(setup).' });
  }
  const kind = parsed.kind ?? parsed.numbered!;
  return {
    kind: kind === 'val' ? 'half' : kind === 'val-full' ? 'full' : (kind as Run['kind']),
    index: Number(parsed.index ?? 0), order: Number(parsed.order ?? 0), val: kind.startsWith('val'),
  };
}

/** Weight of each record in a run, in the order of `records`: 1, or 0 where it is left out. A pure function of seed and name. */
export function weightsOf({ records, seed }: Pick<Setup, 'records' | 'seed'>, run: RunName): number[] {
  const { kind, index, val } = parseRun(run);
  const n = records.length;
  const weights = new Array<number>(n).fill(1);
  const leaveOut = (stream: number, count: number) => {
    for (const k of permutation(n, seed, stream + index).slice(0, count)) weights[k] = 0;
  };
  if (kind === 'half') leaveOut(val ? STREAM.val : STREAM.half, Math.floor(n / 2));
  if (kind === 'five') leaveOut(STREAM.five, Math.round(n * FIVE_PERCENT));
  if (kind === 'loo') weights[index] = 0;
  return weights;
}

/** In which order a run is given its records. The adapter begins alike in all orders. */
export function orderOf({ records, seed }: Pick<Setup, 'records' | 'seed'>, run: RunName): number[] {
  const { order } = parseRun(run);
  return order ? permutation(records.length, seed, STREAM.order + order) : records.map((_, k) => k);
}

/** The records that a run trains on, before order and weights, and the queries whose losses it reports. */
export function materialOf(all: Setup, run: RunName): { records: Setup['records']; queries: Setup['queries'] } {
  const { kind, val } = parseRun(run);
  return { records: kind === 'mislabelled' ? all.mislabelled.records : all.records, queries: val ? all.valQueries : all.queries };
}
