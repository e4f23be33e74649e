import { ALL_MATRICES, MOST_DEPTH, type TracePlace, leafPlace } from './trace-nodes.ts';
import { depthOf, shownCount, widthOf } from './tree-nodes.ts';

/** A node that is false, and all before it is right: the first false leaf is under it. */
export type Suspect = Omit<TracePlace, 'depth'>;

export interface SearchLimits {
  /** Rounds of demands and replies in which the search should end. */
  rounds: number;
  /** Rounds that there is time for from now on. */
  most: number;
  /** Places demanded in one round. */
  places: number;
  /** What the search may cost (GAS below); it takes more rounds where it would cost more. */
  gas: number;
}

/**
 * Three rounds, commitment and proof are eight transactions of both sides. With the proof, all costs stay below half of the
 * least bond of a claim, 7.5 million gas: a search that costs more than it wins is made by nobody.
 */
export const SEARCH_LIMITS: SearchLimits = { rounds: 3, most: 8, places: 16, gas: 6_400_000 };

/** Seconds in which demands can still be made, and how long each round can take. */
export interface SearchTime {
  seconds: number;
  replyTime: number;
}

/** As many rounds as there is time for, should each reply come at the last moment. */
export function searchLimits({ seconds, replyTime }: SearchTime, places = SEARCH_LIMITS.places): SearchLimits {
  return { ...SEARCH_LIMITS, most: Math.max(1, Math.min(SEARCH_LIMITS.most, 1 + Math.floor(seconds / replyTime))), places: Math.max(1, Math.min(SEARCH_LIMITS.places, places)) };
}

/**
 * What a challenger pays, in gas at the price by which bonds are reckoned: bonds of the places (Games.sol) with what it takes to
 * demand them, and each round's transaction. A reply costs less than its bond, so this bounds the gas of both sides.
 */
export const GAS = { round: 60_000, place: 360_000, hash: 1_300 };

/** The first place that a search of a whole trace asks for. @param counts leaves of each matrix */
export function searchBegin(counts: readonly number[], limits = SEARCH_LIMITS): TracePlace {
  return new SearchPlan(counts, limits.places).places({ index: ALL_MATRICES, level: depthOf(counts.length), leaf: 0 }, limits)[0]!;
}

interface Plan {
  gas: number;
  places: TracePlace[];
}

const cheaper = (a: Plan | undefined, b: Plan | undefined): Plan | undefined => (a && (!b || a.gas <= b.gas) ? a : b);
const nodesGas = (depth: number) => GAS.place + 2 ** depth * GAS.hash;
/** What one round costs. */
export const roundGas = (places: readonly TracePlace[]) => places.reduce((sum, { depth }) => sum + (depth > 0 ? nodesGas(depth) : GAS.place), GAS.round);

/** Says what to demand, so that the worst that can come costs least. For one trace and one set of limits. */
export class SearchPlan {
  private readonly counts: readonly number[];
  private readonly most: number;
  private readonly known = new Map<string, Plan | undefined>();

  /** @param counts leaves of each matrix, in order */
  constructor(counts: readonly number[], places: number) {
    this.counts = counts;
    this.most = Math.max(1, places);
  }

  /** What to demand of a suspect: in as few rounds from `rounds` on as `gas` allows, within `most`; else what costs least, or can be done at all. */
  places(suspect: Suspect, { rounds, most, gas }: Pick<SearchLimits, 'rounds' | 'most' | 'gas'>): TracePlace[] {
    let best: Plan | undefined;
    // A tree of 2^32 leaves is gone through in 32 rounds of one level each.
    for (let left = Math.max(1, Math.min(rounds, most)); left <= 64 && (left <= most || !best); left++) {
      const plan = this.plan(suspect, left);
      if (plan && plan.gas <= gas) return plan.places;
      best = cheaper(best, plan);
    }
    if (!best) throw new RangeError('no demand leads to a leaf');
    return best.places;
  }

  private plan(suspect: Suspect, rounds: number): Plan | undefined {
    const key = `${suspect.index} ${suspect.level} ${suspect.leaf} ${rounds}`;
    if (!this.known.has(key)) this.known.set(key, suspect.index === ALL_MATRICES ? this.ofAll(suspect, rounds) : this.ofMatrix(suspect, rounds));
    return this.known.get(key);
  }

  private ofMatrix({ index, level, leaf }: Suspect, rounds: number): Plan | undefined {
    const { gas, depth } = this.within(level, Math.min(2 ** level, this.counts[index]! - leaf * 2 ** level), rounds);
    if (gas === Infinity) return undefined;
    if (depth > 0) return { gas, places: [{ index, leaf, level, depth }] };
    const count = shownCount({ count: this.counts[index]!, level, place: leaf, depth: level });
    return { gas, places: Array.from({ length: count }, (_, k) => leafPlace({ index, leaf: leaf * 2 ** level + k })) };
  }

  /** Of a node over `count` leaves of a matrix; depth 0: its leaves. */
  private within(level: number, count: number, rounds: number): { gas: number; depth: number } {
    let best = { gas: count <= this.most ? GAS.round + count * GAS.place : Infinity, depth: 0 };
    for (let depth = 1; rounds > 1 && depth <= Math.min(level, MOST_DEPTH); depth++) {
      const gas = GAS.round + nodesGas(depth) + this.within(level - depth, Math.min(count, 2 ** (level - depth)), rounds - 1).gas;
      if (gas < best.gas) best = { gas, depth };
    }
    return best;
  }

  private ofAll({ level, leaf }: Suspect, rounds: number): Plan | undefined {
    if (level === 0) return this.plan({ index: leaf, level: depthOf(this.counts[leaf]!), leaf: 0 }, rounds);
    let best = this.ofGroup(level, leaf, rounds);
    for (let depth = 1; rounds > 1 && depth <= Math.min(level, MOST_DEPTH); depth++) {
      let worst = 0;
      const under = level - depth;
      for (let k = leaf * 2 ** depth; k < Math.min((leaf + 1) * 2 ** depth, widthOf(this.counts.length, under)); k++) {
        worst = Math.max(worst, this.plan({ index: ALL_MATRICES, level: under, leaf: k }, rounds - 1)?.gas ?? Infinity);
      }
      if (worst < Infinity) best = cheaper({ gas: GAS.round + nodesGas(depth) + worst, places: [{ index: ALL_MATRICES, level, leaf, depth }] }, best);
    }
    return best;
  }

  /** Of a few matrices at once: nodes of each, so many levels above the leaves; or all their leaves. */
  private ofGroup(level: number, leaf: number, rounds: number): Plan | undefined {
    const [from, end] = [leaf * 2 ** level, Math.min((leaf + 1) * 2 ** level, this.counts.length)];
    // Every second matrix tells of the one beside it.
    if (end - from > 2 * this.most) return undefined;
    const indices = Array.from({ length: end - from }, (_, k) => from + k);
    const leaves = indices.reduce((sum, index) => sum + this.counts[index]!, 0);
    let best: Plan | undefined;
    if (leaves <= this.most) {
      const places = indices.flatMap((index) => Array.from({ length: this.counts[index]! }, (_, k) => leafPlace({ index, leaf: k })));
      best = { gas: GAS.round + leaves * GAS.place, places };
    }
    const deepest = Math.max(...indices.map((index) => depthOf(this.counts[index]!)));
    for (let under = 0; rounds > 1 && under < deepest; under++) {
      const places = indices.flatMap((index): TracePlace[] => {
        const top = depthOf(this.counts[index]!);
        return top > under ? [{ index, leaf: 0, level: top, depth: top - under }] : [];
      });
      const shown = new Set(places.map(({ index }) => index));
      if (indices.some((index) => !shown.has(index) && !shown.has(index ^ 1))) places.push({ index: ALL_MATRICES, leaf, level, depth: level });
      if (places.length > this.most || places.some(({ depth }) => depth > MOST_DEPTH)) continue;
      const rest = Math.max(...indices.map((index) => {
        const count = this.counts[index]!;
        return this.within(Math.min(under, depthOf(count)), Math.min(2 ** under, count), rounds - 1).gas;
      }));
      if (rest < Infinity) best = cheaper({ gas: GAS.round + places.reduce((sum, { depth }) => sum + nodesGas(depth), 0) + rest, places }, best);
    }
    return best;
  }
}
