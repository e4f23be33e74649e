import { adamwCases } from './adamw/cases.ts';
import { argmaxCases } from './argmax/cases.ts';
import { attentionCases } from './attention/cases.ts';
import type { CaseList } from './case.ts';
import { choleskyCases } from './cholesky/cases.ts';
import { crossEntropyCases } from './crossEntropy/cases.ts';
import { decodeCases } from './decode/cases.ts';
import { drawTargetsCases } from './drawTargets/cases.ts';
import { elementwiseCases } from './elementwise/cases.ts';
import { embeddingCases } from './embedding/cases.ts';
import { gatheredCases } from './gathered/cases.ts';
import { influenceCases } from './influence/cases.ts';
import { matmulCases } from './matmul/cases.ts';
import { matrixCases } from './matrix/cases.ts';
import { rmsNormCases } from './rmsNorm/cases.ts';
import { ropeCases } from './rope/cases.ts';
import { rowsCases } from './rows/cases.ts';
import { sketchCases } from './sketch/cases.ts';
import { swigluCases } from './swiglu/cases.ts';

/** Every operation's declared cases: the one list behind equality, gradient and speed. */
export const caseLists: readonly CaseList[] = [
  adamwCases,
  argmaxCases,
  attentionCases,
  choleskyCases,
  crossEntropyCases,
  decodeCases,
  drawTargetsCases,
  elementwiseCases,
  embeddingCases,
  gatheredCases,
  influenceCases,
  matmulCases,
  matrixCases,
  rmsNormCases,
  ropeCases,
  rowsCases,
  sketchCases,
  swigluCases,
].flat();
