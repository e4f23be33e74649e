import { expect, test } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { fromHex, toHex } from '../../protocol/bytes.ts';
import { verifyMerkleProof } from '../../protocol/merkle.ts';
import type { Matrix } from '../trace/run.ts';
import { type UnitKind, isGradientKind } from '../trace/unit-program.ts';
import { planLeaf } from './plan.ts';
import { RunReplay } from './replay.ts';
import { PlanTree, makeOutputRoots, openUnit, outputRoot, readOutputRoots } from './statement.ts';
import { smallRun, unitTracer } from './testing/small-run.ts';

const backend = await createCpuBackend();
const { model, plan } = smallRun(backend);
const replay = new RunReplay(model, plan, await unitTracer(backend, model, plan));
const tracer = await unitTracer(backend, model, plan);
const made = new Map<number, readonly Matrix[]>();
await replay.follow((unit, matrices) => void made.set(unit, matrices));
const outputs = await makeOutputRoots(replay);
const planned = new PlanTree(plan, (kind) => tracer.programHash(kind), outputs.of(0));

test('every unit’s trace ends in the very matrices that training and the ledger’s passes made', async () => {
  const seen = new Set<UnitKind>();
  for (let unit = 1; unit < plan.count; unit++) {
    const kind = plan.program(unit)!;
    seen.add(kind);
    const { outputs: tree, made: matrices } = await tracer.trace(kind, plan.inputs(unit), plan.sources(unit).map((source) => made.get(source)!));
    expect(matrices.map(({ values }) => [...values]), plan.describe(unit)).toEqual(made.get(unit)!.map(({ values }) => [...values]));
    expect(tree.root).toBe(outputs.of(unit));
  }
  expect([...seen].filter(isGradientKind).sort()).toEqual(['drawn', 'first', 'last', 'only', 'own']);
  expect([...seen].filter((kind) => !isGradientKind(kind)).map((kind) => kind.split(' ')[0])).toEqual(expect.arrayContaining(['squares', 'scale', 'rows', 'reading', 'turned', 'damped', 'gram', 'pivot', 'tile', 'back', 'rest', 'chance', 'products', 'noise', 'ledger', 'outcome']));
});

test.each([
  ['three parts a step, with a sliding window', { recipe: { batch: 3, accumulate: 3, targets: ['o_proj', 'gate_proj'] }, config: { model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: 3 } }, ['drawn', 'first', 'last', 'middle', 'own']],
  ['one part a step, two layers', { recipe: { accumulate: 1, rslora: true }, config: { num_hidden_layers: 2 } }, ['drawn', 'only', 'own']],
] satisfies [string, Parameters<typeof smallRun>[1], string[]][])('the same with %s', async (_name, change, kinds) => {
  const other = smallRun(backend, change);
  const traces = await unitTracer(backend, other.model, other.plan);
  const all = new Map<number, readonly Matrix[]>();
  await new RunReplay(other.model, other.plan, await unitTracer(backend, other.model, other.plan)).follow((unit, matrices) => void all.set(unit, matrices));
  const seen = new Set<UnitKind>();
  for (let unit = 1; unit < other.plan.count; unit++) {
    const kind = other.plan.program(unit)!;
    seen.add(kind);
    const { outputs: tree } = await traces.trace(kind, other.plan.inputs(unit), other.plan.sources(unit).map((source) => all.get(source)!));
    expect(tree.root, other.plan.describe(unit)).toBe(outputRoot(all.get(unit)!));
  }
  expect([...seen].filter(isGradientKind).sort()).toEqual(kinds);
});

test('a list is read where it is what the root says, and nowhere else', () => {
  expect(readOutputRoots(outputs.bytes, plan.count, outputs.root)!.of(3)).toBe(outputRoot(made.get(3)!));
  const changed = outputs.bytes.slice();
  changed[77]! ^= 1;
  for (const [bytes, units] of [[changed, plan.count], [outputs.bytes.subarray(32), plan.count], [outputs.bytes, plan.count - 1], [new Uint8Array(), 0]] as const) expect(readOutputRoots(bytes, units, outputs.root)).toBeUndefined();
  expect(outputs.firstDifference(readOutputRoots(outputs.bytes, plan.count, outputs.root)!)).toBeUndefined();
});

test('a unit opens under both roots, with what it reads', () => {
  for (let unit = 0; unit < plan.count; unit++) {
    const opening = openUnit(planned, outputs, unit);
    expect(verifyMerkleProof(planned.root, plan.count, unit, planLeaf(opening), opening.planProof)).toBe(true);
    expect(verifyMerkleProof(outputs.root, plan.count, unit, outputs.leaves[unit]!, opening.outputProof)).toBe(true);
    expect(opening.sourceRoots).toEqual(opening.sources.map((source) => outputRoot(made.get(source)!)));
    opening.sources.forEach((source, k) => expect(verifyMerkleProof(outputs.root, plan.count, source, outputs.leaves[source]!, opening.sourceProofs[k]!)).toBe(true));
  }
  expect(toHex(fromHex(openUnit(planned, outputs, 0).inputsHash))).toBe(outputs.of(0));
});
