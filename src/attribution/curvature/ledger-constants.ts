import { LOSS_SCALE } from '../record-gradients.ts';
import type { CurvatureSettings, RunPace } from './settings.ts';

// Numbers that a run.json decides and the ledger's arithmetic reads. Float64 with + · / alone, rounded once where RF32 takes
// them: the same on every machine.

/** A number of the adapter whose gradients are this much weaker than the mean counts no more than one at it; see scale.ts. */
const FLOOR = 1e-6;

/** λ for gradients of LOSS_SCALE times the loss. */
export const lambdaOf = ({ damping }: CurvatureSettings, { time }: RunPace): number => (LOSS_SCALE * LOSS_SCALE * damping) / time;

/** What stands on the diagonal of a Gram matrix of m draws beside itself: mλ. */
export const shiftOf = (lambda: number, m: number): number => Math.fround(lambda * m);

/** What rows are multiplied with at the end. */
export const inverseOf = (lambda: number): number => Math.fround(1 / lambda);

/** By what a sum of squares of `gradients` (checkpoints · records) is divided, where a step of the run took `batch` records. */
export const divisorOf = (gradients: number, batch: number): number => Math.fround(gradients * batch * LOSS_SCALE * LOSS_SCALE);

/** The floor of a sum of squares as a part of the sum of all `values` of them. */
export const floorPart = (values: number): number => Math.fround(FLOOR / values);
