import type { Tensor } from '../kernels/backend.ts';
import { attentionKeys, attentionScores, attentionValues, softmax, softmaxGradient } from '../kernels/attention/operation.ts';
import { addTensors } from '../kernels/elementwise/operation.ts';
import { gatherRows } from '../kernels/matrix/matrix.ts';
import { rmsNorm, rmsNormGradient, rmsNormWeightGradient } from '../kernels/rmsNorm/operation.ts';
import { rope } from '../kernels/rope/operation.ts';
import { placeRows } from '../kernels/rows/operation.ts';
import type { Scope } from '../kernels/scope.ts';
import { swiglu, swigluGradient } from '../kernels/swiglu/operation.ts';
import { type LinearGradientOptions, type SavedLinear, linear, linearGradient } from './linear.ts';
import type { Lora } from './lora.ts';
import { type Model, matrix, vector } from './model.ts';

/** Index tensors of one pass; see PackedBatch. */
export interface Ranges {
  ids: Tensor;
  positions: Tensor;
  lo: Tensor;
  hi: Tensor;
  width: number;
}

/** Rotated keys and values of earlier tokens, per layer [context, G·E]; rows are placed from `at` on. */
export interface Cache {
  layers: { k: Tensor; v: Tensor }[];
  at: number;
}

interface SavedNorm {
  x: Tensor;
  r: Tensor;
}

export interface SavedLayer {
  norm1: SavedNorm;
  q: Tensor;
  k: Tensor;
  v: Tensor;
  p: Tensor;
  gate: Tensor;
  up: Tensor;
  norm2: SavedNorm;
  linears: Record<string, SavedLinear>;
}

const attentionScale = (model: Model) => 1 / Math.sqrt(model.config.headDim);

function norm(scope: Scope, model: Model, name: string, x: Tensor): [Tensor, SavedNorm] {
  const [y, r] = scope.run(rmsNorm, name, [x, vector(model, `${name}.weight`)], { eps: model.config.eps });
  return [y!, { x, r: r! }];
}

/** Hidden states [N, hidden] after the last layer, before the final norm, with what the backward pass needs. */
export function decode(scope: Scope, model: Model, lora: Lora | undefined, ranges: Ranges, cache?: Cache): { hidden: Tensor; saved: SavedLayer[] } {
  const { config } = model;
  const { lo, hi, width, positions } = ranges;
  let x = gatherRows(scope, 'embed_tokens', matrix(model, 'embed_tokens.weight'), ranges.ids);
  const saved: SavedLayer[] = [];
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `layers.${layer}`;
    const linears: Record<string, SavedLinear> = {};
    const apply = (name: string, input: Tensor) => {
      const [y, kept] = linear(scope, model, lora, `${at}.${name}`, input);
      linears[name] = kept;
      return y;
    };
    const rotate = (name: string, input: Tensor, heads: number) => scope.one(rope, `${at}.${name}`, [input, positions, model.cos, model.sin], { heads, inverse: 0 });

    const [normed, norm1] = norm(scope, model, `${at}.input_layernorm`, x);
    const q = rotate('rope.q', apply('self_attn.q_proj', normed), config.heads);
    let k = rotate('rope.k', apply('self_attn.k_proj', normed), config.groups);
    let v = apply('self_attn.v_proj', normed);
    if (cache) {
      const held = cache.layers[layer]!;
      k = scope.one(placeRows, `${at}.cache.k`, [held.k, k], { at: cache.at });
      v = scope.one(placeRows, `${at}.cache.v`, [held.v, v], { at: cache.at });
    }
    const scores = scope.one(attentionScores, `${at}.scores`, [q, k, lo, hi], { heads: config.heads, groups: config.groups, width });
    const p = scope.one(softmax, `${at}.attention`, [scores, lo, hi], { scale: attentionScale(model) });
    const o = scope.one(attentionValues, `${at}.values`, [p, v, lo, hi], { groups: config.groups });
    const afterAttention = scope.one(addTensors, `${at}.residual1`, [x, apply('self_attn.o_proj', o)]);

    const [normed2, norm2] = norm(scope, model, `${at}.post_attention_layernorm`, afterAttention);
    const gate = apply('mlp.gate_proj', normed2);
    const up = apply('mlp.up_proj', normed2);
    const h = scope.one(swiglu, `${at}.swiglu`, [gate, up]);
    x = scope.one(addTensors, `${at}.residual2`, [afterAttention, apply('mlp.down_proj', h)]);
    saved.push({ norm1, q, k, v, p, gate, up, norm2, linears });
  }
  return { hidden: x, saved };
}

export interface BackwardRanges extends Ranges {
  from: Tensor;
  to: Tensor;
}

/** From the gradient of `hidden` down to the embedding's output; fills `options.gradients`. Returns undefined where nothing below needs it. */
export function decodeGradient(
  scope: Scope,
  model: Model,
  lora: Lora | undefined,
  ranges: BackwardRanges,
  saved: SavedLayer[],
  dHidden: Tensor,
  options: Omit<LinearGradientOptions, 'needsInput'>,
): Tensor | undefined {
  const { config } = model;
  const { lo, hi, from, to, width, positions } = ranges;
  const { heads, groups } = config;
  let dx: Tensor = dHidden;
  for (let layer = config.layers - 1; layer >= 0; layer--) {
    const at = `layers.${layer}`;
    const kept = saved[layer]!;
    const needsInput = options.base || layer > 0;
    const back = (name: string, dy: Tensor, needs = true) =>
      linearGradient(scope, model, lora, `${at}.${name}`, dy, kept.linears[name]!, { ...options, needsInput: needs });
    const sum = (name: string, a: Tensor, b: Tensor) => scope.one(addTensors, `${at}.${name}`, [a, b]);
    const normGradient = (name: string, dy: Tensor, { x, r }: SavedNorm) => {
      if (options.base) options.gradients.set(`${at}.${name}.weight`, scope.one(rmsNormWeightGradient, `${at}.${name}.dw`, [dy, x, r]));
      return scope.one(rmsNormGradient, `${at}.${name}.dx`, [dy, x, vector(model, `${at}.${name}.weight`), r]);
    };
    const turnBack = (name: string, dy: Tensor, count: number) => scope.one(rope, `${at}.${name}`, [dy, positions, model.cos, model.sin], { heads: count, inverse: 1 });

    const dh = back('mlp.down_proj', dx)!;
    const [dGate, dUp] = scope.run(swigluGradient, `${at}.swiglu.grad`, [dh, kept.gate, kept.up]);
    const dNormed2 = sum('dNormed2', back('mlp.gate_proj', dGate!)!, back('mlp.up_proj', dUp!)!);
    const dAfter = sum('dResidual1', dx, normGradient('post_attention_layernorm', dNormed2, kept.norm2));

    const dO = back('self_attn.o_proj', dAfter)!;
    const dP = scope.one(attentionScores, `${at}.dAttention`, [dO, kept.v, lo, hi], { heads, groups, width });
    const dS = scope.one(softmaxGradient, `${at}.dScores`, [kept.p, dP, lo, hi], { scale: attentionScale(model) });
    const dV = scope.one(attentionKeys, `${at}.dV`, [kept.p, dO, lo, from, to], { groups });
    const dQ = turnBack('dQ', scope.one(attentionValues, `${at}.dQ.rotated`, [dS, kept.k, lo, hi], { groups }), heads);
    const dK = turnBack('dK', scope.one(attentionKeys, `${at}.dK.rotated`, [dS, kept.q, lo, from, to], { groups }), groups);

    const fromQ = back('self_attn.q_proj', dQ, needsInput);
    const fromK = back('self_attn.k_proj', dK, needsInput);
    const fromV = back('self_attn.v_proj', dV, needsInput);
    if (!needsInput) return undefined;
    const dNormed = sum('dNormed', sum('dNormed.qk', fromQ!, fromK!), fromV!);
    dx = sum('dResidual0', dAfter, normGradient('input_layernorm', dNormed, kept.norm1));
  }
  return dx;
}
