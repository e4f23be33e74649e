import { gatheredLow, gatheredUp } from '../gathered/operation.ts';
import { gatheredLowWgsl, gatheredUpWgsl } from '../gathered/wgsl.ts';
import type { Operation } from '../operation.ts';
import type { Wgsl } from '../webgpu/wgsl.ts';
import { decodeAttention } from './attention.ts';
import { decodeAttentionWgsl } from './attention.wgsl.ts';
import { decodeNorm } from './norm.ts';
import { decodeNormWgsl } from './norm.wgsl.ts';
import { decodeProducts } from './products.ts';
import { decodeProductsWgsl } from './products.wgsl.ts';
import { decodeSwiglu } from './swiglu.ts';
import { decodeSwigluWgsl } from './swiglu.wgsl.ts';
import { copyRows, joinTurns, placeFactors } from './tables.ts';
import { copyRowsWgsl, joinTurnsWgsl, placeFactorsWgsl } from './tables.wgsl.ts';

/** The operations of decoding and of batches of different adapters. */
export const decodeOperations: readonly Operation[] = [
  copyRows, decodeAttention, decodeNorm, ...Object.values(decodeProducts), decodeSwiglu, gatheredLow, gatheredUp, joinTurns, placeFactors,
];

export const decodeWgsl: Readonly<Record<string, Wgsl>> = {
  copyRows: copyRowsWgsl,
  decodeAttention: decodeAttentionWgsl,
  decodeNorm: decodeNormWgsl,
  ...decodeProductsWgsl,
  decodeSwiglu: decodeSwigluWgsl,
  gatheredLow: gatheredLowWgsl,
  gatheredUp: gatheredUpWgsl,
  joinTurns: joinTurnsWgsl,
  placeFactors: placeFactorsWgsl,
};
