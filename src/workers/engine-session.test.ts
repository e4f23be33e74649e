import 'fake-indexeddb/auto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RECORDS, smallBase } from '../../tests/parity/receipt-of.ts';
import { fromWire } from '../errors.ts';
import { DEFAULT_RECIPE } from '../model/recipe.ts';
import { COPY_RULE } from '../protocol/clusters/copy-rule.ts';
import type { Deployment } from '../protocol/deployment.ts';
import { recordsRoot } from '../protocol/record.ts';
import { type Companion, createCompanion } from '../serve/gateway/companion.ts';
import type { Answered, TrainInput, TrainStep } from './engine.api.ts';
import { EngineSession } from './engine-session.ts';

const folder = mkdtempSync(join(tmpdir(), 'openledger-session-'));
let companion: Companion;
let deployment: Deployment;
beforeAll(async () => {
  companion = await createCompanion({ store: join(folder, 'store'), staticDir: folder, port: 0, deployment: () => undefined });
  deployment = { gateways: ['./'], base: { name: 'small', cid: await companion.store.addDirectory(smallBase()) } } as unknown as Deployment;
});
afterAll(async () => {
  await companion.close();
  rmSync(folder, { recursive: true, force: true });
});

it('goes on after the device was lost: the next question loads again and is answered', async () => {
  const session = new EngineSession();
  expect(await session.open(deployment, `${companion.url}/`, 'cpu', undefined, () => {})).toMatchObject({ ok: true });
  const before = await session.ask('one', undefined, 'Who repairs clocks?', {}, () => {}, () => {});
  expect(before).toMatchObject({ ok: true });
  (session as unknown as { lost: boolean }).lost = true;
  const after = await session.ask('two', undefined, 'Who repairs clocks?', {}, () => {}, () => {});
  expect(after).toMatchObject({ ok: true });
  if (before.ok && after.ok) expect(after.value.answerTokens).toEqual(before.value.answerTokens);
  session.close();
});

it('answers errors as plain data with their codes', async () => {
  const session = new EngineSession();
  expect(await session.ask('one', undefined, 'x', {}, () => {}, () => {})).toMatchObject({ ok: false, error: { code: 'engine/not-open' } });
  await session.open(deployment, `${companion.url}/`, 'cpu', undefined, () => {});
  expect(await session.ask('two', undefined, '  ', {}, () => {}, () => {})).toMatchObject({ ok: false, error: { code: 'model/empty-prompt' } });
  expect(await session.publishTrained('none')).toMatchObject({ ok: false, error: { code: 'engine/no-such-run' } });
  session.close();
});

describe('training', () => {
  const recipe = { ...DEFAULT_RECIPE, rank: 4, alpha: 8, epochs: 4, batch: 2 };
  const records = RECORDS.map(({ text, questions }) => ({ text, questions }));
  const input: TrainInput = { name: 'Facts', records, recipe, keep: { about: { datanet: '7' } } };
  const opened = async () => {
    const session = new EngineSession();
    expect(await session.open(deployment, `${companion.url}/`, 'cpu', undefined, () => {})).toMatchObject({ ok: true });
    return session;
  };
  const value = <T>(answered: Answered<T>): T => {
    if (!answered.ok) throw fromWire(answered.error);
    return answered.value;
  };
  /** Begins a run and pauses it after a step. */
  const pausedAt = async (session: EngineSession, given: TrainInput, at: number) => {
    const paused = await session.train('pause', given, ({ step }) => step === at && void session.cancel('pause'), () => {});
    expect(paused).toMatchObject({ ok: false, error: { code: 'cancelled' } });
  };

  it('pauses, and a new session goes on to the same bytes; nothing is left when it is dropped', async () => {
    const first = await opened();
    const whole = value(await first.train('whole', { ...input, keep: undefined }, () => {}, () => {}));
    const published = value(await first.publishTrained(whole.trained));
    await first.discardTrained(whole.trained);
    expect(value(await first.keptRuns())).toEqual([]);
    await pausedAt(first, input, 5);
    first.close();

    const second = await opened();
    const [kept, ...others] = value(await second.keptRuns());
    expect(others).toEqual([]);
    expect(kept).toMatchObject({ step: 5, steps: 12, about: { datanet: '7' }, recipe, heldOut: 0, running: false, lasting: true });
    expect(kept!.curve.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    const seen: TrainStep[] = [];
    const again = value(await second.train('again', { ...input, keep: undefined, resume: kept!.id }, (step) => seen.push(step), () => {}));
    expect(seen.map(({ step }) => step)).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
    expect(seen[0]!.earlier).toEqual(kept!.curve);
    expect(seen[1]!.seconds).toBeGreaterThan(kept!.seconds);
    expect(again.finalLoss).toBe(whole.finalLoss);
    expect(value(await second.publishTrained(again.trained))).toEqual(published);

    // Kept to the end: whoever closes the tab now only waits for the gradients.
    const [ended] = value(await second.keptRuns());
    expect(ended).toMatchObject({ id: kept!.id, step: 12 });
    const steps: number[] = [];
    const thrice = value(await second.train('thrice', input, ({ step }) => steps.push(step), () => {}));
    expect(steps).toEqual([12]);
    expect(value(await second.publishTrained(thrice.trained))).toEqual(published);
    value(await second.dropKeptRun(kept!.id));
    expect(value(await second.keptRuns())).toEqual([]);
    expect(await second.train('gone', { ...input, resume: kept!.id }, () => {}, () => {})).toMatchObject({ ok: false, error: { code: 'train/bad-checkpoint' } });
    second.close();
  });

  it('keeps a run at once when it begins and when it is asked to', async () => {
    const session = await opened();
    const kept: (number | undefined)[] = [];
    const { id } = await new Promise<{ id: string }>((resolve) => {
      void session.train('ask', { ...input, recipe: { ...recipe, seed: 2 } }, ({ step, keptStep, run }) => {
        kept.push(keptStep);
        if (step === 3) void session.keepTraining('ask');
        if (step === 12) resolve({ id: run });
      }, () => {});
    });
    expect(kept.slice(0, 5)).toEqual([undefined, 1, 1, 3, 3]);
    value(await session.status());
    await session.ask('after', undefined, 'Who?', { maxTokens: 1 }, () => {}, () => {});
    value(await session.dropKeptRun(id));
    session.close();
  });

  it('does not go on with other records', async () => {
    const session = await opened();
    await pausedAt(session, input, 2);
    const [kept] = value(await session.keptRuns());
    const other = await session.train('other', { ...input, records: records.slice(1), resume: kept!.id }, () => {}, () => {});
    expect(other).toMatchObject({ ok: false, error: { code: 'train/bad-checkpoint', why: 'The records are not those of the run.' } });
    value(await session.dropKeptRun(kept!.id));
    session.close();
  });

  it('holds records out of a trial: their loss after every round, and a records root of the rest', async () => {
    const session = await opened();
    const points: TrainStep[] = [];
    const trial = { ...input, heldOut: 0.4 };
    const tried = value(await session.train('trial', trial, (step) => points.push(step), () => {}));
    expect(tried.heldOut).toHaveLength(2);
    expect(points.map(({ heldOut }) => heldOut !== undefined)).toEqual([false, true, false, true, false, true, false, true]);
    expect(tried.run.datanet).toEqual({ name: 'Facts', records: 3, copies: COPY_RULE, recordsRoot: recordsRoot(records.filter((_, k) => !tried.heldOut.includes(k))) });
    const [kept] = value(await session.keptRuns());
    expect(kept).toMatchObject({ heldOut: 0.4, curve: points.map(({ step, loss, heldOut }) => ({ step, loss, ...(heldOut === undefined ? {} : { heldOut }) })) });
    value(await session.dropKeptRun(kept!.id));
    session.close();
  });

  it('says what a run will take, and what is too much', async () => {
    const session = await opened();
    const plan = value(await session.planTraining(input));
    expect(plan.weightBytes).toBeGreaterThan(100_000);
    expect(plan.trainingBytes).toBeGreaterThan(plan.weightBytes);
    expect(plan.allowedBytes).toBeGreaterThan(2 ** 31);
    const status = value(await session.status());
    const trained = value(await session.train('measured', { ...input, keep: undefined }, () => {}, () => {}));
    const { peakBytes } = value(await session.status());
    expect(status.peakBytes).toBeLessThan(peakBytes);
    const planned = Math.max(plan.trainingBytes, plan.ledgerBytes);
    expect(planned).toBeGreaterThanOrEqual(peakBytes);
    expect(planned).toBeLessThan(peakBytes * 1.5);
    await session.discardTrained(trained.trained);
    expect(await session.planTraining({ ...input, recipe: { ...recipe, rank: 0 } })).toMatchObject({ ok: false, error: { code: 'train/bad-recipe' } });
    // Its ledger is sketched: a great adapter and many records need no more than few bits a record.
    expect(await session.planTraining({ ...input, recipe: { ...recipe, rank: 1024 }, records: Array.from({ length: 900 }, () => records[0]!) })).toMatchObject({ ok: true });
    session.close();
  });
});
