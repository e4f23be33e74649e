import { OpenLedgerError } from '../errors.ts';
import type { Hex } from './bytes.ts';
import { BASIS_POINTS, float32Parts } from './fee.ts';

/** Governed on chain (`Settlement.payoutRule()`); docs/payout.md says what each does and why. */
export interface PayoutRule {
  /** How many standard deviations of its noise one record alone must stand above zero, in thousandths; more records ask for more. */
  nullMultiple: number;
  /** The reserve, in thousandths of the mean noise of a record. */
  reserve: number;
  /** Most that one cluster of copies can earn of one answer, in basis points of what the contributors could get. */
  clusterCap: number;
  /** Part of the contributors' part that goes to records that were read with the question, where any were, in basis points. */
  retrievalPart: number;
}
export const DEFAULT_PAYOUT_RULE: PayoutRule = { nullMultiple: 2000, reserve: 1000, clusterCap: 9000, retrievalPart: 2000 };
/** Bounds of governance, both ends included; the same numbers stand in Settlement.sol. */
export const PAYOUT_RULE_BOUNDS = { nullMultiple: [1000, 10_000], reserve: [0, 10_000], clusterCap: [1000, 10_000], retrievalPart: [0, 5000] } as const;

/** One answer: arrays have one entry for each record that was trained, the representative of its cluster. */
export interface PayoutInput {
  /** The contributors' part of the fee, wei, below 2^128. */
  amount: bigint;
  /** Influence on this answer, float32 values; positive helped. */
  scores: ArrayLike<number>;
  /** Standard deviation of that score where record and answer have nothing to do with each other, float32 values, not negative. */
  noise: ArrayLike<number>;
  /** Who committed the record first. */
  contributors: readonly Hex[];
  rule: PayoutRule;
}

/** Integers are in units of 2^unitLog2 of a score. */
export interface RecordEvidence {
  score: bigint;
  noise: bigint;
  /** What of the score noise could have made. */
  threshold: bigint;
  /** The score moved towards zero by the threshold; zero where noise could have made all of it. */
  evidence: bigint;
  /** Wei. */
  part: bigint;
  /** The cluster's cap cut this part. */
  capped: boolean;
}

export interface ContributorEvidence {
  contributor: Hex;
  /** Sum of the scores of its records, signed. */
  score: bigint;
  /** What of that sum noise could have made: score − Σ evidence. */
  withinNoise: bigint;
  /** max(0, score − withinNoise). */
  weight: bigint;
  /** Wei: the sum of its records' parts. */
  pay: bigint;
}

export interface PayoutDescription {
  /** A score of 1 is 2^-unitLog2 units. */
  unitLog2: number;
  /** Standard deviations asked for with this many records, in thousandths. */
  multiple: number;
  reserve: bigint;
  records: RecordEvidence[];
  /** By address. */
  contributors: ContributorEvidence[];
  /** Wei paid to contributors; `amount − allocated` is returned to the pool. */
  allocated: bigint;
}

export const MOST_PAYOUT_RECORDS = 2 ** 24;
/** 2 ln 2 in millionths: what one doubling of the records adds to the square of the multiple. */
const PER_DOUBLING = 1_386_294n;
/** Scores keep 57 bits below the last bit of the greatest, so a sum of 2^24 of them stays below 2^106, and nothing overflows a uint256. */
const SPARE_BITS = 57;

/** Wei for each record, in order. See describePayout. */
export function dividePayout(input: PayoutInput): bigint[] {
  return describePayout(input).records.map(({ part }) => part);
}

/**
 * The payout rule with everything it computes on the way; the same integers as contracts/src/libraries/PayoutMath.sol.
 * Formulas and reasons: docs/payout.md. Errors: `payout/invalid` (lengths, numbers that are not finite float32,
 * negative noise, parameters or an amount out of bounds).
 */
export function describePayout(input: PayoutInput): PayoutDescription {
  checkPayoutInput(input);
  const { amount, contributors, rule } = input;
  const n = contributors.length;
  const { scores, noise, unitLog2 } = quantise(input.scores, input.noise);
  const multiple = noiseMultiple(n, rule.nullMultiple);
  const thresholds = noise.map((one) => ceilDivide(one * multiple, 1000n));
  const evidence = scores.map((score, k) => softThreshold(score, thresholds[k]!));

  const groups = new Map<string, Group>();
  contributors.forEach((address, k) => {
    const key = address.toLowerCase();
    const group = groups.get(key) ?? { contributor: key as Hex, score: 0n, evidence: 0n, positive: 0n, gross: 0n, harm: 0n, pay: 0n };
    groups.set(key, group);
    group.score += scores[k]!;
    group.evidence += evidence[k]!;
    if (evidence[k]! > 0n) group.positive += evidence[k]!;
  });
  const weightOf = (group: Group) => (group.evidence > 0n ? group.evidence : 0n);
  const allWeights = [...groups.values()].reduce((sum, group) => sum + weightOf(group), 0n);
  const allNoise = noise.reduce((sum, one) => sum + one, 0n);
  const reserve = n ? ceilDivide(allNoise * BigInt(rule.reserve), 1000n * BigInt(n)) : 0n;

  const cap = (amount * BigInt(rule.clusterCap)) / BASIS_POINTS;
  const whole = reserve + allWeights;
  const records = scores.map((score, k): RecordEvidence => {
    const group = groups.get(contributors[k]!.toLowerCase())!;
    const uncapped = weightOf(group) > 0n && evidence[k]! > 0n ? (amount * evidence[k]!) / whole : 0n;
    const part = uncapped > cap ? cap : uncapped;
    group.gross += part;
    return { score, noise: noise[k]!, threshold: thresholds[k]!, evidence: evidence[k]!, part, capped: uncapped > cap };
  });
  for (const group of groups.values()) group.harm = weightOf(group) > 0n ? ceilDivide(amount * (group.positive - group.evidence), whole) : 0n;
  records.forEach((record, k) => {
    const group = groups.get(contributors[k]!.toLowerCase())!;
    const net = group.gross > group.harm ? group.gross - group.harm : 0n;
    if (record.part > 0n) record.part = (record.part * net) / group.gross;
    group.pay += record.part;
  });
  const people = [...groups.values()].sort((a, b) => (a.contributor < b.contributor ? -1 : 1)).map((group) => ({
    contributor: group.contributor, score: group.score, withinNoise: group.score - group.evidence, weight: weightOf(group), pay: group.pay,
  }));
  return { unitLog2, multiple: Number(multiple), reserve, records, contributors: people, allocated: people.reduce((sum, { pay }) => sum + pay, 0n) };
}

interface Group {
  contributor: Hex;
  score: bigint;
  /** Sum of its records' evidence, and of what of it is above zero. */
  evidence: bigint;
  positive: bigint;
  /** Wei: what the records that helped earn, what those that hurt cost, what is paid. */
  gross: bigint;
  harm: bigint;
  pay: bigint;
}

/**
 * √(z² + 2 ln 2 · ⌈log2 n⌉) in thousandths, rounded down: with it the chance that any of n unrelated records earns
 * anything stays below that of one record at z (Gaussian noise), however many records there are.
 */
export function noiseMultiple(records: number, nullMultiple: number): bigint {
  const doublings = records < 2 ? 0 : 32 - Math.clz32(records - 1);
  return integerSqrt(BigInt(nullMultiple) ** 2n + PER_DOUBLING * BigInt(doublings));
}

/** `score` moved towards zero by `threshold`; zero where it does not reach it. */
export function softThreshold(score: bigint, threshold: bigint): bigint {
  if (score > threshold) return score - threshold;
  return score < -threshold ? score + threshold : 0n;
}

/** All in one unit, 2^-80 of the greatest power of two among them; what is finer is cut off scores and rounded up in noise. */
export function quantise(scores: ArrayLike<number>, noise: ArrayLike<number>): { scores: bigint[]; noise: bigint[]; unitLog2: number } {
  const scoreParts = Array.from(scores, float32Parts);
  const noiseParts = Array.from(noise, float32Parts);
  let top = 1;
  for (const { exponent } of scoreParts) top = Math.max(top, exponent);
  for (const { exponent } of noiseParts) top = Math.max(top, exponent);
  const integer = ({ significand, exponent }: { significand: number; exponent: number }, up: boolean): bigint => {
    const shift = SPARE_BITS + exponent - top;
    const value = BigInt(significand);
    if (shift >= 0) return value << BigInt(shift);
    const down = value >> BigInt(-shift);
    return up && down << BigInt(-shift) !== value ? down + 1n : down;
  };
  return {
    scores: scoreParts.map((parts) => (parts.negative ? -integer(parts, false) : integer(parts, false))),
    noise: noiseParts.map((parts) => integer(parts, true)),
    unitLog2: top - 150 - SPARE_BITS,
  };
}

export function ceilDivide(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

/** ⌊√value⌋ by Newton's method, exact. */
function integerSqrt(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Throws `payout/invalid` naming the parameter that is out of its bounds. */
export function checkPayoutRule(rule: PayoutRule): void {
  for (const name of ['nullMultiple', 'reserve', 'clusterCap', 'retrievalPart'] as const) {
    const [least, most] = PAYOUT_RULE_BOUNDS[name];
    if (!Number.isInteger(rule[name]) || rule[name] < least || rule[name] > most) throw invalid(`The rule’s ${name} is ${rule[name]}; ${least} to ${most} are allowed.`);
  }
}

/** Throws `payout/invalid`, see describePayout. */
export function checkPayoutInput({ amount, scores, noise, contributors, rule }: PayoutInput): void {
  checkPayoutRule(rule);
  const n = contributors.length;
  if (scores.length !== n || noise.length !== n) throw invalid(`There are ${scores.length} scores, ${noise.length} noise values and ${n} contributors.`);
  if (n > MOST_PAYOUT_RECORDS) throw invalid(`There are ${n} records; at most ${MOST_PAYOUT_RECORDS} are allowed.`);
  if (amount < 0n || amount >> 128n) throw invalid(`The amount is ${amount} wei; it must be from 0 to 2^128 − 1.`);
  for (let k = 0; k < n; k++) {
    for (const value of [scores[k]!, noise[k]!]) {
      if (!Number.isFinite(value) || Math.fround(value) !== value) throw invalid(`Record ${k} has ${value}, which is not a finite float32.`);
    }
    if (noise[k]! < 0) throw invalid(`Record ${k} has the noise ${noise[k]}, which is negative.`);
    if (!/^0x[0-9a-f]{40}$/i.test(contributors[k]!)) throw invalid(`Record ${k} has no contributor’s address.`);
  }
}

function invalid(why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'payout/invalid', what: 'The fee cannot be divided.', why, next: 'Make the attribution again.' });
}
