/** PayoutJudge divides as divideFee does, for random answers: same root, same count, same sum. */
import { createClient, encodeFunctionData, decodeFunctionResult, http } from 'viem';
import { call } from 'viem/actions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomWord } from '../arithmetic/random.ts';
import { bitsOf, fromBits } from '../arithmetic/rf32.ts';
import { countingRecords } from '../attribution/trace/evidence.ts';
import { type Hex, keccak256, toHex } from '../protocol/bytes.ts';
import { divideFee, recordsThatCount } from '../protocol/divide-fee.ts';
import { payoutRoot } from '../protocol/fee.ts';
import { type VersionRecord, versionRoot } from '../protocol/record.ts';
import { trainedHash, trainedRecords } from '../protocol/trained-records.ts';
import { disputesAbi, payoutJudgeAbi } from './generated/abis.ts';
import { type ScratchChain, startScratchChain, word } from './testing/scratch-chain.ts';

let chain: ScratchChain;
beforeAll(async () => {
  chain = await startScratchChain();
}, 60_000);
afterAll(() => chain?.stop());

let at = 0;
const random = () => randomWord(77, 1, at++);
const below = (end: number) => random() % end;

/** Answers every call with 1, n, ⌈n/256⌉: every opening is right, and every matrix is one row of n. */
function agreeable(n: number): Hex {
  const store = (value: number, place: number) => `61${value.toString(16).padStart(4, '0')}60${place.toString(16).padStart(2, '0')}52`;
  return `0x${store(1, 0)}${store(n, 32)}${store(Math.ceil(n / 256), 64)}60606000f3`;
}

const littleEndian = (values: readonly number[]): Hex => `0x${values.map((value) => bitsOf(value).toString(16).padStart(8, '0').match(/../g)!.reverse().join('')).join('')}`;
const pieces = (values: readonly number[]) =>
  Array.from({ length: Math.ceil(values.length / 256) }, (_, leaf) => ({ input: 0, leaf, values: littleEndian(values.slice(leaf * 256, leaf * 256 + 256)), proof: [] }));
const matrix = (index: number) => ({
  header: { instructionsRoot: word('00'), instructionCount: 10n, constantsRoot: word('00'), constantCount: 0n, window: 0n },
  inputs: '0x' as Hex, index, instruction: '0x' as Hex, instructionProof: [],
});

test('60 random answers: records that taught nothing, records that were read, harm, caps, ties', async () => {
  const client = createClient({ transport: http(chain.anvil.url) });
  const address = chain.connection.contracts.disputes;
  const judge = await chain.connection.publicClient.readContract({ address, abi: disputesAbi, functionName: 'judge' });
  let paid = 0;
  for (let round = 0; round < 60; round++) {
    // Every fourth adapter was trained without its copies: their scores are zero, and stand in no column.
    const n = round === 0 ? 300 : 1 + below(round % 5 ? 12 : 40);
    const people = Array.from({ length: 1 + below(n) }, () => toHex(keccak256(Uint8Array.of(below(256), round))).slice(0, 42) as Hex);
    const contributors = Array.from({ length: n }, () => people[below(people.length)]!);
    const clusters = round % 4 ? undefined : contributors.map((_, k) => (k > 0 && below(3) === 0 ? 0 : k));
    const trained = trainedRecords(clusters);
    const isCopy = (k: number) => trained.length > 0 && !trained.includes(k);
    const noise = contributors.map((_, k) => (isCopy(k) || below(5) === 0 ? 0 : fromBits((((120 + below(4)) << 23) | below(2 ** 23)) >>> 0)));
    const scores = noise.map((one, k) => (isCopy(k) || below(4) === 0 ? 0 : Math.fround(Math.fround(one || 0.01) * (below(40) - 12))));
    const read = round % 3 ? [] : [...new Set(Array.from({ length: 1 + below(16) }, () => below(n)))].slice(0, 16);
    const payout = { nullMultiple: 1000 + below(3000), reserve: below(3000), clusterCap: 1000 + below(9001), retrievalPart: below(5001) };
    const prices = { rateIn: '0', rateOut: String(10n ** BigInt(3 + below(18)) + BigInt(below(1000))), platformFee: '7', split: { platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 }, payout };
    const here = divideFee(3, 40, prices, scores, noise, contributors, read.map((record) => ({ record })));
    const amount = (BigInt(prices.rateOut) * 40n) / 1000n / 2n;
    const records = contributors.map((contributor, k): VersionRecord => ({ text: `Record ${k}.`, questions: [], contributor, contribution: String(k) }));
    // Others may be brought too: they change nothing.
    const counting = [...new Set([...recordsThatCount(here, read), ...Array.from(contributors.keys()).filter(() => below(8) === 0)])].sort((a, b) => a - b);
    const columnsOf = (values: readonly number[]) => (trained.length ? trained.map((k) => values[k]!) : values);
    const payoutCase = { programHash: word('01'), inputsHash: word('02'), traceRoot: word('03'), versionRoot: versionRoot(records), records: BigInt(n), trainedHash: trainedHash(clusters), amount, rule: payout, read };
    const evidence = { scores: matrix(8), noise: matrix(9), scorePieces: pieces(columnsOf(scores)), noisePieces: pieces(columnsOf(noise)), ...countingRecords(records, counting), trained: toHex(Uint8Array.from(trained.flatMap((k) => [k >>> 24, k >>> 16, k >>> 8, k]))) };
    const { data } = await call(client, {
      to: judge, data: encodeFunctionData({ abi: payoutJudgeAbi, functionName: 'divide', args: [payoutCase, evidence] }),
      stateOverride: [{ address: chain.connection.contracts.referee, code: agreeable(columnsOf(scores).length) }],
    });
    const there = decodeFunctionResult({ abi: payoutJudgeAbi, functionName: 'divide', data: data! });
    expect(there, JSON.stringify({ round, scores, noise, contributors, read, payout })).toEqual([true, payoutRoot(here.payouts), BigInt(here.payouts.length), here.fee.contributors]);
    paid += here.payouts.length;
  }
  // The cases are worth comparing.
  expect(paid).toBeGreaterThan(60);
}, 60_000);
