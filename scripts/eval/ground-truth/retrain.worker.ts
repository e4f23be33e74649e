/** One thread that retrains: gets names of runs, gives their losses. Entered through build/ts-worker.mjs. */
import { parentPort, workerData } from 'node:worker_threads';
import { CpuBackend } from '../../../src/kernels/cpu/backend.ts';
import { type Size, openEvalEngine } from '../base/open-base.ts';
import type { FamilyName } from '../families/make-set.ts';
import { retrain } from './retrain.ts';
import { setup } from './setup.ts';

export interface RetrainStart {
  module: string;
  family: FamilyName;
  seed: number;
  size: Size;
}

const { family, seed, size } = workerData as RetrainStart;
const all = setup(family, seed, size);
const engine = await openEvalEngine(await CpuBackend.create(), { size });
parentPort!.on('message', (run: string) => {
  retrain(engine, all, run).then(
    (losses) => parentPort!.postMessage({ run, losses }),
    // An error must end the thread, so that whoever waits for it is told.
    (error: unknown) => setImmediate(() => { throw error; }),
  );
});
parentPort!.postMessage('ready');
