import { ALL_MATRICES, CUT, MOST_DEPTH, MOST_RANGE, type TracePlace, cutPlace, leafPlace } from './trace-nodes.ts';
import { depthOf, shownCount, widthOf } from './tree-nodes.ts';

/** A node that is false, and all before it is right: the first false leaf is under it. */
export type Suspect = Omit<TracePlace, 'depth' | 'levels'>;

export interface SearchLimits {
  /** Rounds of demands and replies in which the search should end. */
  rounds: number;
  /** Rounds that there is time for from now on. */
  most: number;
  /** Places demanded in one round. */
  places: number;
  /** What the search may cost (GAS below); it takes more rounds where it would cost more. */
  gas: number;
  /** Whether cuts can be asked for: of claims (Disputes.search). */
  cuts: boolean;
  /** Whether the search may end with an assertion of the leaves that are right (Disputes.assertLeaves): of claims, not of runs. */
  asserts: boolean;
}

/**
 * Three rounds, commitment and proof are eight transactions of both sides, and five million gas less what commitment, proof and the
 * inputs of 1,024 tokens cost is left for the search. Bonds are some 300,000 gas a round more than replies cost: with them and the
 * proof a challenger pays less than the half of the least bond, 7.5 million gas, that they win.
 */
export const SEARCH_LIMITS: SearchLimits = { rounds: 3, most: 8, places: 16, gas: 4_350_000, cuts: true, asserts: true };

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
 * Gas of both sides: of a round's two transactions, of each place in both with its proof, of what is shown (40 gas a byte, EIP-7623),
 * of a cut's node with its level. Measured: contracts/snapshots/Disputes.json, `npm run bench -- --only claims`.
 */
export const GAS = { round: 180_000, place: 85_000, hash: 1_285, leaf: 41_200, cut: 1_400 };
/** Hashes of a cut that are worth thinking about at most: Games.MOST_CUT words of levels, less one for chance (asDemanded in chain/demand-places.ts). */
const MOST_CUT = 63 * 32;
/** Prices of a second round that are tried for a cut. */
const TRIES = 48;

/** The first place that a search of a whole trace asks for. @param counts leaves of each matrix */
export function searchBegin(counts: readonly number[], limits = SEARCH_LIMITS): TracePlace {
  return new SearchPlan(counts, limits.places, limits.asserts).places({ index: ALL_MATRICES, level: depthOf(counts.length), leaf: 0 }, limits)[0]!;
}

interface Plan {
  gas: number;
  places: TracePlace[];
}

const cheaper = (a: Plan | undefined, b: Plan | undefined): Plan | undefined => (a && (!b || a.gas <= b.gas) ? a : b);

/** What one round costs. @param counts leaves of each matrix */
export function roundGas(counts: readonly number[], places: readonly TracePlace[]): number {
  return places.reduce((sum, { index, leaf, level, depth, levels }) => {
    if (depth === CUT) return sum + GAS.place + 32 * levels!.length * GAS.cut;
    const count = index === ALL_MATRICES ? counts.length : counts[index]!;
    return sum + GAS.place + (depth > 0 ? GAS.hash * shownCount({ count, level, place: leaf, depth }) : GAS.leaf * shownCount({ count, level, place: leaf, depth: level }));
  }, GAS.round);
}

/** Says what to demand, so that the worst that can come costs least. For one trace and one set of limits. */
export class SearchPlan {
  private readonly counts: readonly number[];
  private readonly most: number;
  private readonly asserts: boolean;
  private readonly known = new Map<string, Plan | undefined>();
  private readonly cut = new Map<number, Plan | undefined>();
  private readonly inside = new Map<number, { gas: number; depth: number }>();

  /**
   * @param counts leaves of each matrix, in order
   * @param asserts the last round is an assertion, where it is about leaves below one node
   */
  constructor(counts: readonly number[], places: number, asserts = false) {
    this.counts = counts;
    this.most = Math.max(1, places);
    this.asserts = asserts;
  }

  /** What to demand of a suspect: in as few rounds from `rounds` on as `gas` allows, within `most`; else what costs least, or can be done at all. */
  places(suspect: Suspect, { rounds, most, gas, cuts = false }: Pick<SearchLimits, 'rounds' | 'most' | 'gas'> & { cuts?: boolean }): TracePlace[] {
    let best: Plan | undefined;
    // A tree of 2^32 leaves is gone through in 32 rounds of one level each.
    for (let left = Math.max(1, Math.min(rounds, most)); left <= 64 && (left <= most || (!best && !this.asserts)); left++) {
      const plan = cheaper(cuts ? this.ofCut(suspect, left) : undefined, this.plan(suspect, left));
      if (plan && plan.gas <= gas) return plan.places;
      best = cheaper(best, plan);
    }
    // In so little time leaves of several matrices are asked for.
    if (!best && this.asserts) return new SearchPlan(this.counts, this.most).places(suspect, { rounds, most, gas, cuts });
    if (!best) throw new RangeError('no demand leads to a leaf');
    return best.places;
  }

  /** What the worst costs, in gas; undefined where no places lead to a leaf in so many rounds. */
  worst(suspect: Suspect, rounds: number, cuts = true): number | undefined {
    return cheaper(cuts ? this.ofCut(suspect, rounds) : undefined, this.plan(suspect, rounds))?.gas;
  }

  private plan(suspect: Suspect, rounds: number): Plan | undefined {
    const key = `${suspect.index} ${suspect.level} ${suspect.leaf} ${rounds}`;
    if (!this.known.has(key)) this.known.set(key, suspect.index === ALL_MATRICES ? this.ofAll(suspect, rounds) : this.ofMatrix(suspect, rounds));
    return this.known.get(key);
  }

  /** Of the whole tree over all matrices: the fewest nodes, each of which costs no more than a price in the rounds after it. */
  private ofCut({ index, level, leaf }: Suspect, rounds: number): Plan | undefined {
    if (index !== ALL_MATRICES || level !== depthOf(this.counts.length) || leaf > 0 || rounds < 2 || level === 0) return undefined;
    if (!this.cut.has(rounds)) this.cut.set(rounds, this.cutFor(level, rounds));
    return this.cut.get(rounds);
  }

  private cutFor(level: number, rounds: number): Plan | undefined {
    const price = (at: number, place: number) => this.plan({ index: ALL_MATRICES, level: at, leaf: place }, rounds - 1)?.gas ?? Infinity;
    // From the least that every matrix by itself allows up.
    const least = this.counts.reduce((most, _, k) => Math.max(most, price(0, k)), 0);
    if (least === Infinity) return undefined;
    const prices = new Set([least]);
    for (let at = 0; at <= Math.min(level, 5); at++) for (let k = 0; k < widthOf(this.counts.length, at); k++) if (price(at, k) > least && price(at, k) < Infinity) prices.add(price(at, k));
    const sorted = [...prices].sort((a, b) => a - b);
    const step = Math.max(1, Math.floor(sorted.length / TRIES));
    let best: { gas: number; levels: number[] } | undefined;
    for (let k = 0; k < sorted.length; k += step) {
      const levels: number[] = [];
      const part = (at: number, place: number): void => {
        if (place * 2 ** at >= this.counts.length) return;
        if (at === 0 || price(at, place) <= sorted[k]!) return void levels.push(at);
        part(at - 1, 2 * place);
        part(at - 1, 2 * place + 1);
      };
      part(level, 0);
      const gas = GAS.round + GAS.place + 32 * Math.ceil(levels.length / 32) * GAS.cut + sorted[k]!;
      if (levels.length <= MOST_CUT && (!best || gas < best.gas)) best = { gas, levels };
    }
    return best && { gas: best.gas, places: [cutPlace(best.levels)] };
  }

  private ofMatrix({ index, level, leaf }: Suspect, rounds: number): Plan | undefined {
    const { gas, depth } = this.within(level, Math.min(2 ** level, this.counts[index]! - leaf * 2 ** level), rounds);
    return gas === Infinity ? undefined : { gas, places: [{ index, leaf, level, depth }] };
  }

  /** Of a node over `count` leaves of a matrix; depth 0: its leaves. */
  private within(level: number, count: number, rounds: number): { gas: number; depth: number } {
    const key = (rounds * 64 + level) * 2 ** 32 + count;
    const known = this.inside.get(key);
    if (known) return known;
    let best = { gas: level <= MOST_RANGE ? GAS.round + GAS.place + count * GAS.leaf : Infinity, depth: 0 };
    for (let depth = 1; rounds > 1 && depth <= Math.min(level, MOST_DEPTH); depth++) {
      const under = 2 ** (level - depth);
      const gas = GAS.round + GAS.place + Math.ceil(count / under) * GAS.hash + this.within(level - depth, Math.min(count, under), rounds - 1).gas;
      if (gas < best.gas) best = { gas, depth };
    }
    this.inside.set(key, best);
    return best;
  }

  private ofAll({ level, leaf }: Suspect, rounds: number): Plan | undefined {
    if (level === 0) return this.plan({ index: leaf, level: depthOf(this.counts[leaf]!), leaf: 0 }, rounds);
    let best = this.ofGroup(level, leaf, rounds);
    for (let depth = 1; rounds > 1 && depth <= Math.min(level, MOST_DEPTH); depth++) {
      let worst = 0;
      const under = level - depth;
      const end = Math.min((leaf + 1) * 2 ** depth, widthOf(this.counts.length, under));
      for (let k = leaf * 2 ** depth; k < end; k++) worst = Math.max(worst, this.plan({ index: ALL_MATRICES, level: under, leaf: k }, rounds - 1)?.gas ?? Infinity);
      if (worst < Infinity) best = cheaper({ gas: GAS.round + GAS.place + (end - leaf * 2 ** depth) * GAS.hash + worst, places: [{ index: ALL_MATRICES, level, leaf, depth }] }, best);
    }
    return best;
  }

  /** Of a few matrices at once: nodes of each, so many levels above the leaves; or all their leaves. */
  private ofGroup(level: number, leaf: number, rounds: number): Plan | undefined {
    const [from, end] = [leaf * 2 ** level, Math.min((leaf + 1) * 2 ** level, this.counts.length)];
    // Every second matrix tells of the one beside it.
    if (end - from > 2 * this.most) return undefined;
    const indices = Array.from({ length: end - from }, (_, k) => from + k);
    const tops = indices.map((index) => depthOf(this.counts[index]!));
    let best: Plan | undefined;
    // Leaves of several matrices have to be shown, and then proved false: two transactions more than an assertion in the last round.
    if (indices.length <= this.most && (rounds > 1 || !this.asserts) && tops.every((top) => top <= MOST_RANGE)) {
      const places = indices.map((index, k) => ({ ...leafPlace({ index, leaf: 0 }), level: tops[k]! }));
      best = { gas: roundGas(this.counts, places), places };
    }
    const deepest = Math.max(...tops);
    for (let under = 0; rounds > 1 && under < deepest; under++) {
      const places = indices.flatMap((index, k): TracePlace[] => (tops[k]! > under ? [{ index, leaf: 0, level: tops[k]!, depth: tops[k]! - under }] : []));
      const shown = new Set(places.map(({ index }) => index));
      if (level > 0 && indices.some((index) => !shown.has(index) && !shown.has(index ^ 1))) places.push({ index: ALL_MATRICES, leaf, level, depth: level });
      if (places.length > this.most || places.some(({ depth }) => depth > MOST_DEPTH)) continue;
      const rest = indices.reduce((most, index, k) => Math.max(most, this.within(Math.min(under, tops[k]!), Math.min(2 ** under, this.counts[index]!), rounds - 1).gas), 0);
      if (rest < Infinity) best = cheaper({ gas: roundGas(this.counts, places) + rest, places }, best);
    }
    return best;
  }
}
