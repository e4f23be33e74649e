/** Claims of whole answers: one fault anywhere is shown on chain by its first false element; right claims cannot be shown false. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FAULTS, FaultyClaims, MODELS } from './planted-faults.ts';
import { type ScratchReferee, startReferee } from './scratch-referee.ts';
import { TAMPERINGS, tamper } from './tampering.ts';

const HONEST = 8;

let referee: ScratchReferee;
beforeAll(async () => {
  referee = await startReferee();
}, 60_000);
afterAll(() => referee?.stop());

test.each(MODELS.map((model, number) => [model[0], model, number] as const))('%s: faults are convicted, any element of the right claim stands', async (_name, [, options, tokens, answer], number) => {
  const claims = await FaultyClaims.of(options, tokens, answer, 1);
  for (let k = 0; k < HONEST; k++) expect(await referee.isFalse(claims.honest())).toBe(false);
  for (const how of TAMPERINGS) {
    const tampered = tamper(claims.honest(), claims.honest(), how, (end) => claims.below(end));
    expect(await referee.isFalse(tampered), how).not.toBe(true);
  }
  // Half of the kinds with each model.
  const kinds = FAULTS.filter((_, kind) => kind % 2 === number % 2);
  let convicted = 0;
  for (const fault of kinds) {
    const planted = await claims.plant(fault);
    if (!planted) continue;
    expect(await referee.isFalse(planted.question), planted.where).toBe(true);
    expect(await referee.isFalse(planted.honest), planted.where).toBe(false);
    expect(await referee.isFalse(claims.stolen(planted)), planted.where).not.toBe(true);
    expect(planted.inPlace, planted.where).toBe(true);
    convicted++;
  }
  expect(convicted).toBeGreaterThanOrEqual(kinds.length - 1);
}, 60_000);
