import type { FastForms } from './form.ts';
import { elementwiseForms } from './forms/elementwise.ts';
import { lossForms } from './forms/loss.ts';
import { matmulForms } from './forms/matmul.ts';
import { normForms } from './forms/norm.ts';

/** Faster forms of operations by name, bit-equal to their references (fast.test.ts). */
export const fastForms: FastForms = { ...elementwiseForms, ...lossForms, ...matmulForms, ...normForms };
