import { expect, test } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { packBatch } from '../../model/batch.ts';
import { recordWeight } from '../../model/record-loss.ts';
import { freeLora } from '../../model/lora.ts';
import { stepRecords, train } from '../../model/train.ts';
import { fromHex, keccak256, toHex, utf8Bytes } from '../../protocol/bytes.ts';
import { LOSS_SCALE } from '../record-gradients.ts';
import { RunPlan, plannedUnit, planLeaf } from './plan.ts';
import { smallRecords, smallRun } from './testing/small-run.ts';

const backend = await createCpuBackend();
const { model, plan } = smallRun(backend);
const { recipe, records, settings } = plan.subject;
const all = Array.from({ length: plan.count }, (_, unit) => unit);
const places = all.map((unit) => plan.place(unit));
const textsOf = (record: number) => records[record]!.map(({ ids }) => ids);

test('every epoch has every record once, in the order in which training takes them', () => {
  const perEpoch = 2;
  for (let epoch = 0; epoch < recipe.epochs; epoch++) {
    const fed = all.flatMap((unit) => {
      const place = places[unit]!;
      return place.kind === 'part' && Math.floor(place.step / perEpoch) === epoch ? plan.inputs(unit).texts.map(({ tokens }) => tokens) : [];
    });
    const order = [0, 1].flatMap((step) => stepRecords(recipe, records.length, epoch * perEpoch + step));
    expect([...order].sort()).toEqual([0, 1, 2]);
    expect(fed).toEqual(order.flatMap(textsOf));
  }
});

test('a part is fed what the pass of training packs', () => {
  for (const unit of all) {
    const place = places[unit]!;
    if (place.kind !== 'part') continue;
    const chosen = stepRecords(recipe, records.length, place.step).map((k) => records[k]!);
    const part = place.parts === 1 ? chosen : [chosen[place.part]!];
    const owner = part.flatMap((record) => record.map((_, s) => ({ record, s })));
    const batch = packBatch([part.flat()], (_g, at) => recordWeight(owner[at]!.record, owner[at]!.s) / chosen.length);
    const { texts } = plan.inputs(unit);
    expect(texts.flatMap(({ tokens }) => tokens.slice(0, -1))).toEqual([...batch.ids]);
    expect(texts.flatMap(({ tokens, answer }) => tokens.slice(-answer))).toEqual([...batch.targets]);
    expect(texts.flatMap(({ answer, weight }) => new Array<number>(answer).fill(weight))).toEqual([...batch.weights]);
  }
});

test('rate and corrections are those that training hands to its optimizer', async () => {
  const seen: number[][] = [];
  const spy = Object.create(backend, {
    run: { value: (...args: Parameters<typeof backend.run>) => {
      if (args[0].name === 'adamw') seen.push(['rate', 'correction1', 'correction2'].map((name) => Math.fround(args[3]![name]!)));
      return backend.run(...args);
    } },
  }) as typeof backend;
  freeLora(backend, await train({ ...model, backend: spy }, records, recipe));
  const lasts = all.filter((unit) => ['last', 'only'].includes(plan.program(unit) ?? ''));
  expect(lasts).toHaveLength(plan.steps);
  expect(lasts.map((unit) => plan.inputs(unit).scalars)).toEqual(seen.filter((_, k) => k % plan.tensors.length === 0));
  expect(all.filter((unit) => ['first', 'middle'].includes(plan.program(unit) ?? '')).map((unit) => plan.inputs(unit).scalars.length)).toEqual([0, 0]);
});

test('units read the state before them and the part before them, the ledger its checkpoint', () => {
  let state = 0;
  for (const unit of all) {
    const place = places[unit]!;
    if (place.kind === 'given') expect(plan.sources(unit)).toEqual([]);
    if (place.kind === 'part') {
      expect(plan.sources(unit)).toEqual(place.part ? [state, unit - 1] : [state]);
      if (place.part === place.parts - 1) state = unit;
      expect(plan.outputs(unit)).toHaveLength((place.part === place.parts - 1 ? 3 : 1) * plan.tensors.length);
    }
    if (place.kind === 'gradient') expect(plan.sources(unit)).toEqual([plan.stateUnit(plan.checkpoints[place.at]!)]);
  }
  expect(state).toBe(plan.stateUnit(plan.steps));
});

test('the ledger has own labels, draws and the draw of chance of every record, at every checkpoint', () => {
  const gradients = places.flatMap((place, unit) => (place.kind === 'gradient' ? [{ ...place, unit }] : []));
  const expected = plan.checkpoints.flatMap((_, at) => [0, 1, 2].flatMap((labels) => [0, 1, 2].map((record) => ({ kind: 'gradient', at, labels, record }))));
  expect(gradients.map(({ unit: _unit, ...place }) => place)).toEqual(expected);
  for (const { unit, labels, record, at } of gradients) {
    expect(plan.gradientUnit(at, labels, record)).toBe(unit);
    const { texts, scalars } = plan.inputs(unit);
    expect(texts.map(({ tokens }) => tokens)).toEqual(textsOf(record));
    const predicted = texts.reduce((sum, { answer }) => sum + answer, 0);
    expect(scalars).toHaveLength(labels ? predicted : 0);
    expect(scalars.every((u) => u >= 0 && u < 1)).toBe(true);
    const weight = recordWeight(records[record]!, 0);
    expect(texts[0]!.weight).toBe(Math.fround((labels ? Math.sqrt(weight) : weight) * LOSS_SCALE));
  }
  // Draws are of different numbers.
  expect(new Set(gradients.filter(({ labels }) => labels).map(({ unit }) => plan.inputs(unit).scalars[0])).size).toBe(6);
  expect(plan.labels.at(-1)!.labels).toEqual({ seed: settings.seed, draw: settings.draws });
});

test('a leaf of the plan is what abi.encode makes of a unit, and names what the unit is fed', () => {
  const hash = (kind: string) => toHex(keccak256(utf8Bytes(kind)));
  const initial = `0x${'ab'.repeat(32)}` as const;
  expect(plannedUnit(plan, 0, hash, initial)).toEqual({ programHash: `0x${'0'.repeat(64)}`, inputsHash: initial, sources: [] });
  const leaves = all.map((unit) => toHex(planLeaf(plannedUnit(plan, unit, hash, initial))));
  expect(new Set(leaves).size).toBe(plan.count);
  expect(fromHex(leaves[0]!)).toHaveLength(32);
});

test('a run of too many units, or of parts that nobody can judge, is refused before they are listed; a place beyond the last is none', () => {
  const subject = { ...plan.subject, recipe: { ...recipe, epochs: 10_000, batch: 1 }, records: Array.from({ length: 200 }, () => smallRecords(40)[0]!) };
  expect(() => new RunPlan(subject)).toThrow(expect.objectContaining({ code: 'run/too-long' }));
  // Two records of 1,500 tokens: apart they can be judged, in one part they cannot.
  const long = { ids: new Array<number>(1501).fill(1), start: 1 };
  const parts = (accumulate: number) => () => new RunPlan({ ...plan.subject, recipe: { ...recipe, accumulate }, records: [[long], [long]] });
  expect(parts(1)).toThrow(expect.objectContaining({ code: 'run/part-too-long' }));
  expect(parts(2)).not.toThrow();
  // 64 slots for a factor of 12,800 numbers.
  const wide = (rank: number) => () => new RunPlan({ ...plan.subject, recipe: { ...recipe, rank }, settings: { ...settings, dimension: 128 } });
  expect(wide(640)).toThrow(expect.objectContaining({ code: 'run/adapter-too-large' }));
  expect(wide(64)).not.toThrow();
  expect(() => plan.place(plan.count)).toThrow(RangeError);
});
