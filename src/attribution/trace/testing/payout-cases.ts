/** Made-up answers whose fee is to be divided: copies, harm, caps, ties, records that taught nothing, readers without columns, nobody paid. */
import { randomUnit, randomWord } from '../../../arithmetic/random.ts';
import { fromBits } from '../../../arithmetic/rf32.ts';
import { type Hex, keccak256, toHex } from '../../../protocol/bytes.ts';
import type { WorkingsInput } from '../../../protocol/payout-workings.ts';
import { trainedRecords } from '../../../protocol/trained-records.ts';

export interface PayoutCaseOptions {
  stream: number;
  /** Records of the version; some from 1 on where it is not said. */
  records?: number;
  /** Most contributors. */
  people?: number;
}

export interface MadeUpPayout extends WorkingsInput {
  clusters: readonly number[] | undefined;
  trained: readonly number[];
}

/** The same for the same stream. */
export function madeUpPayout({ stream, records, people: mostPeople }: PayoutCaseOptions): MadeUpPayout {
  let drawn = 0;
  const below = (end: number) => randomWord(91, stream, drawn++) % end;
  const unit = () => randomUnit(92, stream, drawn++);
  const n = records ?? (stream % 9 === 0 ? 1 : 1 + below(stream % 5 ? 14 : 90));
  const people = Array.from({ length: 1 + below(mostPeople ?? n) }, (_, k) => toHex(keccak256(Uint8Array.of(k, k >> 8, stream))).slice(0, 42) as Hex);
  // Nobody can sign as address 0; whoever publishes a version can still name it.
  if (stream % 7 === 3) people[0] = `0x${'0'.repeat(40)}`;
  // Addresses come with and without capitals.
  const contributors = Array.from({ length: n }, () => {
    const who = people[below(people.length)]!;
    return below(4) ? who : (`0x${who.slice(2).toUpperCase()}` as Hex);
  });
  const clusters = below(3) ? undefined : contributors.map((_, k) => (k > 0 && below(3) === 0 ? 0 : k));
  const trained = trainedRecords(clusters);
  const columns = trained.length || n;
  // Noise of sizes near each other, so far apart that bits are cut off, among the least floats and the greatest; zeros of both signs.
  const [least, sizes] = [[125, 4], [77, 100], [0, 3], [190, 50]][below(4)] as [number, number];
  const zero = () => (below(2) ? -0 : 0);
  const noise = Float32Array.from({ length: columns }, () => (below(6) === 0 ? zero() : fromBits((((least + below(sizes)) << 23) | below(2 ** 23)) >>> 0)));
  const harm = unit();
  const scores = noise.map((one) => (below(5) === 0 ? zero() : (one || 2 ** (least - 127)) * (40 * unit() - 30 * harm)));
  const read = below(2) ? [] : [...new Set(Array.from({ length: 1 + below(16) }, () => below(n)))];
  return {
    amount: below(12) === 0 ? BigInt(below(3)) : 10n ** BigInt(3 + below(27)) + BigInt(below(1000)),
    scores, noise, contributors, clusters, trained, read,
    rule: { nullMultiple: 1000 + below(2000), reserve: below(3000), clusterCap: 1000 + below(9001), retrievalPart: below(5001) },
  };
}
