import { type Division, type ReceiptPrices, divideFee } from '../protocol/divide-fee.ts';
import type { Hex } from '../protocol/bytes.ts';
import { computeFee } from '../protocol/fee.ts';
import type { PayoutRule } from '../protocol/payout-rule.ts';
import { type RetrievalLog, retrievalPart } from '../protocol/retrieval-share.ts';
import type { Attribution, RecordInfluence } from '../workers/engine.api.ts';
import { percentages } from './percentages.ts';

/**
 * Where a score stands by the payout rule: `helped` and `against` are beyond what chance gives, `chance` is within it,
 * `none` is a record without score and noise, which the rule does not count (a copy, or one that taught nothing).
 */
export type Standing = 'helped' | 'against' | 'chance' | 'none';

export interface RecordShare extends RecordInfluence {
  standing: Standing;
  /** What of the score chance could have made: the payout rule's threshold, in units of the score. */
  threshold: number;
  /** Of 100, of the contributors' part. */
  percent: number;
  /** Wei of the fee; undefined where the attribution is of a part of the answer. */
  wei: bigint | undefined;
  /** Of these, wei for having been read before the answer. */
  forReading: bigint | undefined;
  /** Records that say the same and were left out for it. */
  copies: number[];
}

export interface ContributorShare {
  contributor: Hex;
  percent: number;
  /** Their records that helped more than chance, or were read. */
  records: number[];
  wei: bigint | undefined;
}

export interface MadeBy {
  /** Those who earn, most first. */
  contributors: ContributorShare[];
  /** What no record has evidence enough for: it goes to the stakers. */
  returned: { percent: number; wei: bigint | undefined };
  /** What records would have earned beyond the most that one can: it goes to the stakers as well. */
  overCap: { percent: number; wei: bigint | undefined };
  /** The most that one record can earn, of 100. */
  cap: number;
  /** Standard deviations of its noise that a record must stand above zero. */
  multiple: number;
  /** Made the answer more likely, chance or not: those who earn most first, then by influence. */
  helped: RecordShare[];
  /** Made it less likely; most harmful first. */
  harmful: RecordShare[];
  /** Neither; copies are not among them. */
  neutral: RecordShare[];
  /** Copies of earlier records, by index. */
  copies: RecordShare[];
}

export interface AnswerDivision extends Division {
  /** Wei that contributors can get at most; what the rule does not give of it goes to the stakers. */
  contributorsPart: bigint;
  /** Wei of it that go to records for having been read. */
  forReading: bigint;
  rule: PayoutRule;
}

/** The division of an answer's fee by its attribution, as its receipt will have it. Throws `payout/invalid`, `retrieval/invalid`. */
export function divisionOfAttribution(attribution: Attribution, tokensIn: number, tokensOut: number, prices: ReceiptPrices, retrieval?: RetrievalLog): AnswerDivision {
  const n = attribution.records.length;
  const scores = new Float64Array(n);
  const noise = new Float64Array(n);
  const contributors = new Array<Hex>(n);
  for (const entry of attribution.records) {
    scores[entry.index] = entry.influence;
    noise[entry.index] = entry.noise;
    contributors[entry.index] = entry.record.contributor;
  }
  const read = retrieval?.retrieved ?? [];
  const rates = { rateIn: BigInt(prices.rateIn), rateOut: BigInt(prices.rateOut), platformFee: BigInt(prices.platformFee) };
  const contributorsPart = computeFee(tokensIn, tokensOut, rates, prices.split).contributors;
  return {
    ...divideFee(tokensIn, tokensOut, prices, scores, noise, contributors, read),
    contributorsPart,
    forReading: retrievalPart(contributorsPart, prices.payout.retrievalPart, read.length),
    rule: prices.payout,
  };
}

/** For shares without a price, such as those of a part of an answer: a round sum, all of it for contributors. */
export function divisionWithoutPrice(attribution: Attribution, rule: PayoutRule): AnswerDivision {
  const prices = { rateIn: '0', rateOut: String(10n ** 24n), platformFee: '0', split: { platform: 0, owner: 0, stakers: 0, contributors: 10_000 }, payout: rule };
  return divisionOfAttribution(attribution, 0, 1000, prices);
}

/** Shares of an answer from its attribution, and from what the payout rule made of it; `priced` false leaves the wei out. */
export function madeBy(attribution: Attribution, division: AnswerDivision, priced = true): MadeBy {
  const { description, counted, recordParts } = division;
  const evidence = new Map(counted.map((index, row) => [index, description.records[row]!]));
  const paid = recordParts.reduce((sum, part) => sum + part, 0n);
  const whole = division.contributorsPart;
  const overCap = beyondCap(division, whole - paid);
  const returned = whole - paid - overCap;
  const percents = percentages([...recordParts, overCap, returned]);
  const copies = copiesOf(attribution);

  const shares = attribution.records.map((entry): RecordShare => {
    const found = evidence.get(entry.index);
    const part = recordParts[entry.index]!;
    return {
      ...entry,
      standing: !found ? 'none' : found.evidence > 0n ? 'helped' : found.evidence < 0n ? 'against' : 'chance',
      threshold: (entry.noise * description.multiple) / 1000,
      percent: percents[entry.index]!,
      wei: priced ? part : undefined,
      forReading: priced ? part - (found?.part ?? 0n) : undefined,
      copies: copies.get(entry.index) ?? [],
    };
  });

  const people = new Map<Hex, { part: bigint; records: number[] }>();
  for (const { index, record, standing } of shares) {
    const part = recordParts[index]!;
    if (part === 0n && standing !== 'helped') continue;
    const contributor = record.contributor.toLowerCase() as Hex;
    const sum = people.get(contributor) ?? { part: 0n, records: [] };
    people.set(contributor, { part: sum.part + part, records: [...sum.records, index] });
  }
  const earners = [...people].filter(([, { part }]) => part > 0n).sort(([a, one], [b, two]) => (one.part === two.part ? (a < b ? -1 : 1) : one.part > two.part ? -1 : 1));
  const shared = percentages([...earners.map(([, { part }]) => part), overCap, returned]);

  const own = shares.filter(({ copyOf }) => copyOf === undefined);
  return {
    contributors: earners.map(([contributor, { part, records }], k) => ({ contributor, percent: shared[k]!, records, wei: priced ? part : undefined })),
    returned: { percent: shared.at(-1)!, wei: priced ? returned : undefined },
    overCap: { percent: shared.at(-2)!, wei: priced ? overCap : undefined },
    cap: division.rule.clusterCap / 100,
    multiple: description.multiple / 1000,
    helped: own
      .filter(({ influence }) => influence > 0)
      .sort((a, b) => compare(recordParts[b.index]!, recordParts[a.index]!) || b.influence - a.influence || a.index - b.index),
    harmful: own.filter(({ influence }) => influence < 0).sort((a, b) => a.influence - b.influence || a.index - b.index),
    neutral: own.filter(({ influence }) => influence === 0),
    copies: shares.filter(({ copyOf }) => copyOf !== undefined).sort((a, b) => a.index - b.index),
  };
}

/** Wei that the cap took from records: docs/payout.md, step 6, before what harm costs; at most what went to the stakers. */
function beyondCap({ description, contributorsPart, rule, forReading }: AnswerDivision, most: bigint): bigint {
  const amount = contributorsPart - forReading;
  const sum = description.contributors.reduce((all, { weight }) => all + weight, description.reserve);
  const cap = (amount * BigInt(rule.clusterCap)) / 10_000n;
  const over = description.records.reduce((all, { capped, evidence }) => (capped ? all + (amount * evidence) / sum - cap : all), 0n);
  return over < most ? over : most;
}

/** Of each record those that are copies of it. */
function copiesOf({ records }: Attribution): Map<number, number[]> {
  const out = new Map<number, number[]>();
  for (const { index, copyOf } of records) if (copyOf !== undefined) out.set(copyOf, [...(out.get(copyOf) ?? []), index].sort((a, b) => a - b));
  return out;
}

const compare = (a: bigint, b: bigint) => (a === b ? 0 : a > b ? 1 : -1);
