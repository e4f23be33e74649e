import { expect, test } from 'vitest';
import { type DemandPrice, assertionBond, demandBonds, fileBond } from '../chain/demand-price.ts';
import { type Place, filePlace, leafOf } from '../chain/place.ts';
import { ALL_TABLES } from '../protocol/workings-places.ts';
import type { Challengeable } from './claim-check.ts';
import { stakesOf, wayOf } from './disputes-cost.ts';

const PRICE: DemandPrice = { reply: 300_000n, further: 100_000n, hash: 1_300n, leaf: 45_000n, gas: 1n };
const claim = { bond: 15_000_000n, answers: 3, tokensIn: 30, tokensOut: 15 };
const demand = (...places: object[]) => ({ kind: 'demand', where: '', seconds: 1, certain: true, places }) as unknown as Challengeable;
const asserting = (values: number) => ({ kind: 'assert', assertion: { own: { values: `0x${'00000000'.repeat(values)}` } } }) as unknown as Challengeable;
const cut: Place = { ...leafOf(1, 2 ** 32 - 1, 9), depth: 255, levels: [`0x${'00'.repeat(32)}`] };
const workings = { ...leafOf(1, ALL_TABLES, 0), level: 3, depth: 3 };

test('how a challenge goes on follows from what is asked for', () => {
  expect(wayOf(demand(leafOf(1, 7, 2)))).toBe('leaf');
  expect(wayOf(demand(cut, workings))).toBe('search');
  expect(wayOf(demand(workings))).toBe('workings');
  expect(wayOf(demand(filePlace))).toBe('file');
  expect(wayOf(asserting(1))).toBe('assert');
  expect(wayOf({ kind: 'false' } as Challengeable)).toBe('prove');
});

test('bonds are those of the contract, and the stakes stay below what is won', () => {
  const stakes = (finding: Challengeable) => stakesOf(finding, claim, PRICE, 1n);
  expect(stakes(demand(filePlace)).bonds).toBe(fileBond(PRICE, claim));
  expect(stakes(asserting(256)).bonds).toBe(assertionBond(PRICE));
  expect(stakes(demand(cut, workings)).bonds).toBe(demandBonds(PRICE, [cut, workings]));
  // Commitment, assertion, and to say that nobody refuted it.
  expect(stakes(asserting(256)).transactions).toBe(3);
  // Of the first parts: nodes, commitment, assertion, silence; of the file: first parts with the commitment, nodes, assertion, silence.
  expect([demand(cut), demand(filePlace)].map((finding) => stakes(finding).transactions)).toEqual([5, 5]);
  for (const finding of [demand(cut, workings), demand(workings), demand(leafOf(0, 1, 2))]) expect(stakes(finding).gas! + stakes(finding).bonds).toBeLessThan(claim.bond / 2n);
  // The bond of what is right comes back.
  expect(stakes(asserting(16_384)).gas!).toBeLessThan(claim.bond / 2n);
  expect(stakesOf(asserting(1), claim, PRICE, undefined).gas).toBeUndefined();
});
