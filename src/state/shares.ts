import { percentages } from './percentages.ts';
import type { Hex } from '../protocol/bytes.ts';
import { divideByInfluence, floatToInteger } from '../protocol/fee.ts';
import type { Attribution, RecordInfluence } from '../workers/engine.api.ts';

export interface RecordShare extends RecordInfluence {
  /** Of 100; zero where the record did not help. */
  percent: number;
  /** Wei of the fee; undefined where the attribution is of a part of the answer. */
  wei: bigint | undefined;
}

export interface ContributorShare {
  contributor: Hex;
  percent: number;
  /** Records of theirs that helped. */
  records: number;
  wei: bigint | undefined;
}

export interface MadeBy {
  contributors: ContributorShare[];
  /** Greatest influence first. */
  helped: RecordShare[];
  /** Made the answer less likely; most harmful first. They earn nothing. */
  harmful: RecordShare[];
  /** Had no influence at all. */
  neutral: number;
}

/** Shares of an answer from its attribution: only positive influence counts, in exact integers. */
export function madeBy(attribution: Attribution, contributorsPart: bigint | undefined): MadeBy {
  const helpers = attribution.records.filter(({ influence }) => influence > 0);
  const weights = helpers.map(({ influence }) => floatToInteger(influence));
  const percents = percentages(weights);
  let parts: bigint[] | undefined;
  if (contributorsPart !== undefined) {
    // By record index, as the receipt divides it: equal influences are settled by the lower index.
    const scores = new Float64Array(Math.max(0, ...attribution.records.map(({ index }) => index + 1)));
    for (const { index, influence } of attribution.records) scores[index] = influence;
    parts = divideByInfluence(contributorsPart, scores);
  }
  const helped = helpers.map((entry, k) => ({ ...entry, percent: percents[k]!, wei: parts?.[entry.index] }));

  const sums = new Map<Hex, { weight: bigint; records: number; wei: bigint }>();
  helped.forEach(({ record, wei }, k) => {
    const contributor = record.contributor.toLowerCase() as Hex;
    const sum = sums.get(contributor) ?? { weight: 0n, records: 0, wei: 0n };
    sums.set(contributor, { weight: sum.weight + weights[k]!, records: sum.records + 1, wei: sum.wei + (wei ?? 0n) });
  });
  const people = [...sums].sort(([a, one], [b, two]) => (one.weight === two.weight ? (a < b ? -1 : 1) : one.weight > two.weight ? -1 : 1));
  const shared = percentages(people.map(([, { weight }]) => weight));
  return {
    contributors: people.map(([contributor, { records, wei }], k) => ({ contributor, percent: shared[k]!, records, wei: parts ? wei : undefined })),
    helped,
    harmful: attribution.records
      .filter(({ influence }) => influence < 0)
      .sort((a, b) => a.influence - b.influence || a.index - b.index)
      .map((entry) => ({ ...entry, percent: 0, wei: parts ? 0n : undefined })),
    neutral: attribution.records.filter(({ influence }) => influence === 0).length,
  };
}
