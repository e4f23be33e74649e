import type { Hex } from '../../protocol/bytes.ts';
import { tensorsRoot } from '../../protocol/tensors.ts';
import { checkpointsFile } from '../checkpoints.ts';
import { rowsOf } from '../tensor-rows.ts';
import type { OpenRun } from './run-of-adapter.ts';
import { tensorsAfter } from './state-tensors.ts';

/** What is registered beside the run must be its outcome: nothing on chain says so. Undefined where it is; else what is not. */
export async function otherOutcome({ plan, replay }: OpenRun, adapter: { adapterRoot: Hex; checkpointsRoot: Hex }): Promise<string | undefined> {
  const steps = [...plan.checkpoints, plan.steps];
  const tensors = await tensorsAfter(plan, replay, steps);
  if (tensorsRoot(rowsOf(tensors.get(plan.steps)!)) !== adapter.adapterRoot) return 'the registered weights';
  const kept = checkpointsFile(plan.checkpoints.map((step) => ({ step, tensors: tensors.get(step)! })));
  return kept.root === adapter.checkpointsRoot ? undefined : 'the registered checkpoints';
}
