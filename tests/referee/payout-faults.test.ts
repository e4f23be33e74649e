/** Payouts of right traces: one wei, one bit, one contributor changed is found by the judge on chain; right ones stand. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ScratchChain, startScratchChain } from '../../src/chain/testing/scratch-chain.ts';
import { FaultyPayouts, PAYOUT_FAULTS } from './payout-faults.ts';
import { MODELS } from './planted-faults.ts';

let chain: ScratchChain;
beforeAll(async () => {
  chain = await startScratchChain();
}, 60_000);
afterAll(() => chain?.stop());

test('false payouts are found, right ones stand', async () => {
  const [, options, tokens, answer] = MODELS[0]!;
  const payouts = await FaultyPayouts.of(chain, options, tokens, answer, 1);
  let faults = 0;
  for (let round = 0; round < 6; round++) {
    expect((await payouts.judge(undefined)).stands).toBe(true);
    for (const fault of PAYOUT_FAULTS) {
      const { where, right, stands, agrees } = await payouts.judge(fault);
      if (right.length === 0) continue;
      faults++;
      expect(stands, where).toBe(false);
      expect(agrees, where).toBe(true);
    }
  }
  expect(faults).toBeGreaterThan(12);
}, 60_000);
