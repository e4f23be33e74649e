/** The curvature method in one piece: fetched by who attributes or trains. */
export { checkpointsFile, keptSteps, readCheckpoints } from '../checkpoints.ts';
export { curvatureInfluence } from './curvature-influence.ts';
export { buildCurvatureLedger, requireCurvatureMemory } from './curvature-ledger.ts';
export { ledgerRoot, readLedgerFile, writeLedgerFile } from './ledger-file.ts';
export { CURVATURE, METHOD, checkSettings, runPace } from './settings.ts';
