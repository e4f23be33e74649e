import { expect, test } from 'vitest';
import { RECORDS, smallBase } from '../../../tests/parity/receipt-of.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { DEFAULT_RECIPE } from '../../model/recipe.ts';
import { memoryFolder } from '../../protocol/model-folder.ts';
import { tensorsRoot } from '../../protocol/tensors.ts';
import { checkpointsFile } from '../checkpoints.ts';
import { Engine } from '../engine.ts';
import { rowsOf } from '../tensor-rows.ts';
import { RunExaminer } from './examine.ts';
import { outcomeOf } from './outcome-evidence.ts';
import { makeStatement, openRun } from './run-of-adapter.ts';
import { PlanTree, outputRoot } from './statement.ts';
import { tensorsAfter } from './state-tensors.ts';

const backend = await createCpuBackend();
const engine = await Engine.open(backend, { name: 'small', cid: 'bafysmallsmall' }, memoryFolder('small', smallBase()));
/** The second record once more, as a copy that is not trained. */
const records = [RECORDS[0]!, RECORDS[1]!, RECORDS[1]!, RECORDS[2]!];
const { run, ledger } = await engine.train('t', records, { ...DEFAULT_RECIPE, rank: 4, alpha: 8, epochs: 2, batch: 2, accumulate: 3 });
engine.freeLedger(ledger);

test('what run.json tells of is the run that made the adapter and its checkpoints, copies left out', async () => {
  expect(run.datanet.clusters).toEqual([0, 1, 1, 3]);
  const open = await openRun(engine, run, records);
  const { plan, replay } = open;
  expect(plan.subject.records).toHaveLength(3);
  let seen = 0;
  const made = await makeStatement(open, { onProgress: (done, total) => void (seen = Math.max(seen, done / total)) });
  expect([seen, made.units, made.bytes.length]).toEqual([1, plan.count, 32 * plan.count]);
  const tensors = await tensorsAfter(plan, replay, [...plan.checkpoints, plan.steps]);
  expect(tensorsRoot(rowsOf(tensors.get(plan.steps)!))).toBe(run.adapter.root);
  expect(checkpointsFile(plan.checkpoints.map((step) => ({ step, tensors: tensors.get(step)! }))).root).toBe(run.ledger.checkpointsRoot);
  // So does the program that answers of the adapter follow, with its ledger.
  expect((await outcomeOf(open)).programHash).toBe(run.ledger.program);
  // Units of every kind trace to what was made.
  const examiner = new RunExaminer(open);
  const outputs = await examiner.outputs();
  expect(outputs.root).toBe(made.outputsRoot);
  expect((await examiner.plan()).root).toBe(made.planRoot);
  const kinds = new Map(Array.from({ length: plan.count - 1 }, (_, k) => [plan.program(k + 1)!, k + 1]));
  for (const unit of kinds.values()) expect((await examiner.unit(unit)).trace.outputs.root, plan.describe(unit)).toBe(outputs.of(unit));
});

test('another recipe, other records or another ledger are another plan', async () => {
  const planRoot = async (...[file, of]: [typeof run, typeof records]) => {
    const { plan, replay, tracer } = await openRun(engine, file, of);
    return new PlanTree(plan, (kind) => tracer.programHash(kind), outputRoot((await replay.outputsOf([0])).get(0)!)).root;
  };
  const others = [
    await planRoot({ ...run, recipe: { ...run.recipe, rate: '0.001' } }, records), await planRoot(run, [records[1]!, ...records.slice(1)]),
    ...(await Promise.all([{ seed: 2 }, { damping: '3' }, { dimension: 8192 }].map((change) => planRoot({ ...run, ledger: { ...run.ledger, ...change } }, records)))),
  ];
  expect(new Set([await planRoot(run, records), ...others]).size).toBe(6);
});
