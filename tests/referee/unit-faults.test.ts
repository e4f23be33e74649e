/** Units of real runs on chain: an element of every operation stands as it is, and is convicted with one bit changed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { UNIT_MODELS, gradientUnits, smallRun, trainingUnits } from '../../src/attribution/trace/testing/small-units.ts';
import { type ScratchReferee, startReferee } from './scratch-referee.ts';
import { UnitClaims } from './unit-claims.ts';

let referee: ScratchReferee;
beforeAll(async () => {
  referee = await startReferee();
}, 60_000);
afterAll(() => referee?.stop());

test.each(UNIT_MODELS.map((model, number) => [model[0], model, number] as const))('%s', async (_name, [, options, recipe], number) => {
  const run = await smallRun(await createCpuBackend(), options, recipe);
  const training = await trainingUnits(run);
  const gradients = await gradientUnits(run, training.at(-1)!.made, ['own', { seed: 7, draw: 1 }]);
  const each = [...new Map([...training, ...gradients].map((unit) => [unit.kind, unit])).values()];
  const asked = new Set<string>();
  for (const unit of each) {
    const claims = await UnitClaims.of(run.tracer, unit, number);
    // Every operation with the first kind that has it, and a part of them with the others.
    for (const op of claims.ops.filter((one, k) => !asked.has(one) || (k + number) % 5 === 0)) {
      asked.add(op);
      const { where, honest, lie } = claims.about(op);
      expect(await referee.isFalse(honest), where).toBe(false);
      expect(await referee.isFalse(lie), where).toBe(true);
    }
  }
}, 60_000);
