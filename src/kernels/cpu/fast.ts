import type { FastForms } from './form.ts';
import { attentionForms } from './forms/attention.ts';
import { choleskyForms } from './forms/cholesky.ts';
import { curvatureForms } from './forms/curvature.ts';
import { decodeForms } from './forms/decode.ts';
import { elementwiseForms } from './forms/elementwise.ts';
import { embeddingForms } from './forms/embedding.ts';
import { influenceForms } from './forms/influence.ts';
import { lossForms } from './forms/loss.ts';
import { matmulForms } from './forms/matmul.ts';
import { matrixForms } from './forms/matrix.ts';
import { normForms } from './forms/norm.ts';

/** Faster forms of operations by name, bit-equal to their references (fast.test.ts). */
export const fastForms: FastForms = {
  ...attentionForms,
  ...choleskyForms,
  ...curvatureForms,
  ...decodeForms,
  ...elementwiseForms,
  ...embeddingForms,
  ...influenceForms,
  ...lossForms,
  ...matmulForms,
  ...matrixForms,
  ...normForms,
};
