/** What `npm start` vouches for is what base, records and run.json give, as far as it can be seen without training again. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bitsOf } from '../../src/arithmetic/rf32.ts';
import { Engine } from '../../src/attribution/engine.ts';
import { openRun } from '../../src/attribution/runs/run-of-adapter.ts';
import { OutputRoots, PlanTree } from '../../src/attribution/runs/statement.ts';
import { SEARCH_LIMITS, SearchPlan } from '../../src/attribution/trace/search-plan.ts';
import { ALL_MATRICES } from '../../src/attribution/trace/trace-nodes.ts';
import { TraceTree, cutOf } from '../../src/attribution/trace/tree.ts';
import { depthOf } from '../../src/attribution/trace/tree-nodes.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { memoryFolder } from '../../src/protocol/model-folder.ts';
import { parseRunFile } from '../../src/protocol/run.ts';
import { readFolder, readSamples } from '../start/samples.ts';

const publicFolder = fileURLToPath(new URL('../../public', import.meta.url));
let engine: Engine;
beforeAll(async () => {
  const run = parseRunFile(JSON.parse(readFileSync(`${publicFolder}/adapters/health/run.json`, 'utf8')));
  engine = await Engine.open(await createCpuBackend(), { name: run.base.name, cid: run.base.cid }, memoryFolder('base', readFolder(`${publicFolder}/base`)));
});
afterAll(() => engine.close());

test.each(readSamples(publicFolder))('$name: its plan, and that it ends in the shipped checkpoints and ledger', async ({ adapter: files, records, statement }) => {
  const run = parseRunFile(JSON.parse(new TextDecoder().decode(files['run.json'])));
  const { plan, tracer } = await openRun(engine, run, records);
  const roots = new OutputRoots(statement!.roots);
  expect([roots.count, roots.root]).toEqual([plan.count, statement!.outputsRoot]);
  expect(statement!.units).toBe(plan.count);
  expect(new PlanTree(plan, (kind) => tracer.programHash(kind), roots.of(0)).root).toBe(statement!.planRoot);

  // The last unit makes the constants of the answers' program that are the run's own.
  const adapter = engine.loadAdapter(files);
  const ledger = await loadLedger(adapter, files);
  const { committed } = await engine.tracer(ledger);
  const last = plan.count - 1;
  const made = plan.inputs(last).scalars.map((index) => committed.tensors[bitsOf(index)]!);
  expect(new TraceTree(made).root).toBe(roots.of(last));
  engine.freeLedger(ledger);
  engine.unloadAdapter(adapter);
});

test.each(readSamples(publicFolder))('$name: whatever is false in whichever of its units, three rounds find it for less than 3.5 million gas', async ({ adapter: files, records }) => {
  const { plan, tracer } = await openRun(engine, parseRunFile(JSON.parse(new TextDecoder().decode(files['run.json']))), records);
  // Of each kind of unit the one with the most leaves.
  const largest = new Map<string, { leaves: number; counts: number[]; first: number }>();
  for (let unit = 1; unit < plan.count; unit++) {
    const kind = plan.program(unit)!;
    const counts = tracer.shapes(kind, plan.inputs(unit)).map(({ rows, columns }) => cutOf(rows, columns).count);
    const leaves = counts.reduce((a, b) => a + b, 0);
    const name = kind.split(' ')[0]!;
    if (leaves > (largest.get(name)?.leaves ?? 0)) largest.set(name, { leaves, counts, first: tracer.firstOutput(kind) });
  }
  expect(largest.size).toBeGreaterThan(15);
  for (const [name, { counts, first }] of largest) {
    for (const [what, tree] of [['inside', counts.slice(0, first)], ['outputs', counts.slice(first)]] as const) {
      if (!tree.length) continue;
      const worst = new SearchPlan(tree, SEARCH_LIMITS.places - 1).worst({ index: ALL_MATRICES, level: depthOf(tree.length), leaf: 0 }, SEARCH_LIMITS.rounds, false);
      expect(worst, `${name} ${what}`).toBeLessThan(3_500_000);
    }
  }
}, 120_000);

async function loadLedger(adapter: Parameters<Engine['loadLedger']>[0], files: Record<string, Uint8Array>) {
  await engine.loadCheckpoints(adapter, files['checkpoints.safetensors']);
  return engine.loadLedger(adapter, files['ledger.safetensors']!);
}
