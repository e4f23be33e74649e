import type { Lora } from '../model/lora.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { RunFile } from '../protocol/run.ts';
import type { CurvatureSettings } from './curvature/settings.ts';

/** An adapter without a run.json: it answers, and is not attributed. */
export interface PlainAdapter {
  lora: Lora;
  /** What a person should know, such as that it names another base. */
  warning: string | undefined;
}

/** An adapter with what its run.json says of its making. */
export interface LoadedAdapter {
  lora: Lora;
  root: Hex;
  run: RunFile;
  /** States of the adapter along its run; loaded when it is first attributed. */
  checkpoints?: Lora[] | undefined;
}

/** Records that were trained: those that stand for themselves. */
export const representatives = (clusters: readonly number[]) => clusters.flatMap((k, at) => (k === at ? [k] : []));

/** Settings of the ledger that a run names. */
export const settingsOf = ({ ledger: { checkpoints, draws, dimension, damping, seed } }: RunFile): CurvatureSettings => ({ checkpoints, draws, dimension, damping: Number(damping), seed });

/** Records that a run was trained on. */
export const trainedCount = ({ datanet: { clusters, records } }: RunFile) => (clusters ? representatives(clusters).length : records);

/** Throws RangeError before they are loaded. */
export function checkpointsOf({ checkpoints }: LoadedAdapter): readonly Lora[] {
  if (checkpoints) return checkpoints;
  throw new RangeError('loadCheckpoints comes first');
}
