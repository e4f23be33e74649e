/** Units between gradients and ledger on chain: a flipped bit anywhere is found and convicted where it is; the right element stands. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FaultyLedgers, LEDGER_FAULTS, LEDGER_RUNS, type PlantedLedgerFault } from './ledger-faults.ts';
import { type ScratchReferee, startReferee } from './scratch-referee.ts';
import { TAMPERINGS, tamper } from './tampering.ts';

/** Of each kind, for each run. `npm run bench -- --only faults` plants more. */
const EACH = 2;

let referee: ScratchReferee;
beforeAll(async () => {
  referee = await startReferee();
}, 60_000);
afterAll(() => referee?.stop());

test.each(LEDGER_RUNS.map((run, number) => [run[0], run, number] as const))('%s', async (_name, run, number) => {
  const ledgers = await FaultyLedgers.of(run, number);
  let planted = 0;
  let before: PlantedLedgerFault | undefined;
  for (const fault of LEDGER_FAULTS) {
    for (let k = 0; k < EACH; k++) {
      const found = await ledgers.plant(fault);
      if (!found) continue;
      planted++;
      expect(found.inPlace, found.where).toBe(true);
      expect(await referee.isFalse(found.question), found.where).toBe(true);
      expect(await referee.isFalse(found.honest), found.where).toBe(false);
      // Whatever is changed of true evidence, and of a proof against another unit, refutes nothing.
      for (const how of TAMPERINGS) {
        const changed = tamper(found.honest, before?.honest ?? found.honest, how, (end) => ledgers.below(end));
        expect(await referee.isFalse(changed), `${how}: ${found.where}`).not.toBe(true);
      }
      expect(await referee.isFalse({ ...found.question, unit: found.honest.unit, innerRoot: found.honest.innerRoot }), `stolen: ${found.where}`).not.toBe(true);
      before = found;
    }
  }
  expect(planted).toBeGreaterThan(8);
}, 120_000);
