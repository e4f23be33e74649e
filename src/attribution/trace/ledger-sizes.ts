import { BLOCK } from '../../arithmetic/rf32.ts';
import { PANEL } from '../../kernels/cholesky/operation.ts';
import { rowWidth } from '../curvature/curvature-ledger.ts';
import { lambdaOf, shiftOf } from '../curvature/ledger-constants.ts';
import { type CurvatureSettings, type RunPace, drawPlan } from '../curvature/settings.ts';
import type { SketchSubject } from './sketch-tables.ts';
import { type UnitSubject, adapterShapes } from './unit-program.ts';

/** Records, or draws, whose rows one unit makes. */
export const ROWS = 8;
/** Rows and columns of a tile of a Gram matrix and of its factor, and records that are solved together. */
export const TILE = PANEL;
/** Gradients that one unit squares. */
export const SQUARES = 16;
/** Draws that a turned matrix has, so that a product over them is one block; records of a unit of the ledger. */
export const SPAN = BLOCK;

/** What decides the programs between a run's gradients and its ledger's rows. */
export interface LedgerSubject extends UnitSubject {
  settings: CurvatureSettings;
  pace: RunPace;
  /** Those that the run has: fewer than the settings say where it had few steps. */
  checkpoints: number;
  /** That were trained. */
  records: number;
}

/** Numbers that the programs are written with. */
export interface LedgerSizes extends SketchSubject {
  shapes: readonly { name: string; rows: number; columns: number }[];
  /** Of all checkpoints: columns of the ledger's rows. */
  columns: number;
  /** Draws of the curvature. */
  draws: number;
  lambda: number;
  shift: number;
}

export function ledgerSizes({ layers, settings, pace, checkpoints, records }: Omit<LedgerSubject, 'config' | 'positions'>): LedgerSizes {
  const shapes = adapterShapes(layers);
  const tensors = shapes.map(({ name, rows, columns }) => ({ name, values: rows * columns }));
  const width = rowWidth(tensors.reduce((sum, { values }) => sum + values, 0), settings);
  const draws = drawPlan(records, settings.draws).owners.length;
  const lambda = lambdaOf(settings, pace);
  return { shapes, tensors, checkpoints, width, seed: settings.seed, columns: checkpoints * width, draws, lambda, shift: shiftOf(lambda, draws) };
}
