/** Payouts of right traces: one wei, one bit, one contributor, one row of the workings changed is convicted by the judge on chain, in its place; right ones stand. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FaultyPayouts, PAYOUT_FAULTS } from './payout-faults.ts';
import { MODELS } from './planted-faults.ts';
import { type ScratchJudge, startJudge } from './scratch-judge.ts';

let judge: ScratchJudge;
beforeAll(async () => {
  judge = await startJudge();
}, 60_000);
afterAll(() => judge?.stop());

// Without copies, and with: then not every record has a column.
test.each([1, 2])('false payouts are convicted in their place, right ones stand (%i)', async (stream) => {
  const [, options, tokens, answer] = MODELS[0]!;
  const payouts = await FaultyPayouts.of(judge, options, tokens, answer, stream);
  const planted = new Map<string, number>();
  for (let round = 0; round < 12; round++) {
    for (const fault of PAYOUT_FAULTS) {
      const found = await payouts.plant(fault);
      if (!found) continue;
      expect(found.convicted, found.where).toBe(true);
      expect(found.inPlace, found.where).toBe(true);
      planted.set(fault, (planted.get(fault) ?? 0) + 1);
    }
    for (let k = 0; k < 3; k++) {
      const { stands, where } = await payouts.challenge();
      expect(stands, where).toBe(true);
    }
  }
  for (const fault of PAYOUT_FAULTS) expect(planted.get(fault) ?? 0, fault).toBeGreaterThan(2);
}, 60_000);
