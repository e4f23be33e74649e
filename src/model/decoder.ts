import type { Tensor } from '../kernels/backend.ts';
import { attentionKeys, attentionScores, attentionValues, softmax, softmaxGradient } from '../kernels/attention/operation.ts';
import { addTensors } from '../kernels/elementwise/operation.ts';
import { gatherRows } from '../kernels/matrix/matrix.ts';
import { rmsNorm, rmsNormGradient, rmsNormWeightGradient } from '../kernels/rmsNorm/operation.ts';
import { rope } from '../kernels/rope/operation.ts';
import { placeRows } from '../kernels/rows/operation.ts';
import { Scope } from '../kernels/scope.ts';
import { swiglu, swigluGradient } from '../kernels/swiglu/operation.ts';
import type { ModelConfig } from './config.ts';
import { type LinearGradientOptions, type SavedLinear, linear, linearGradient, savedLinear } from './linear.ts';
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

/** What a layer's backward pass needs of its forward pass. */
interface SavedLayer {
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

/** A layer's input, and all else that its backward pass needs unless that is to be computed again. */
interface KeptLayer {
  x: Tensor;
  saved: SavedLayer | undefined;
}

/** Layers that will have a backward pass; none below the first that has something to learn. */
export type Kept = (KeptLayer | undefined)[];

/** `layers`: what the backward pass needs of every layer. `inputs`: each layer's input; the backward pass computes the layer again, to the same bits (Chen et al. 2016). */
export type Keep = 'nothing' | 'inputs' | 'layers';

const attentionScale = (model: Model) => 1 / Math.sqrt(model.config.headDim);

/** Bytes that `keep = 'layers'` holds for `rows` fed tokens of which each attends at most `width`; without the small lows of adapters. */
export function keptBytes(config: ModelConfig, rows: number, width: number): number {
  const { hidden, intermediate, heads, groups, headDim, layers } = config;
  return 4 * layers * rows * (4 * hidden + 2 * (heads + groups) * headDim + 3 * intermediate + heads * width);
}

function norm(scope: Scope, model: Model, name: string, x: Tensor): [Tensor, SavedNorm] {
  const [y, r] = scope.run(rmsNorm, name, [x, vector(model, `${name}.weight`)], { eps: model.config.eps });
  return [y!, { x, r: r! }];
}

/**
 * One layer. Its output [N, hidden], unless only what the backward pass needs is wanted; everything belongs to `scope`.
 */
function layerForward(scope: Scope, model: Model, lora: Lora | undefined, ranges: Ranges, layer: number, x: Tensor, cache: Cache | undefined, wanted: 'output' | 'saved'): { y: Tensor | undefined; saved: SavedLayer } {
  const { config } = model;
  const { lo, hi, width, positions } = ranges;
  const at = `layers.${layer}`;
  const linears: Record<string, SavedLinear> = {};
  const apply = (name: string, input: Tensor) => {
    const [y, kept] = linear(scope, model, lora, `${at}.${name}`, input);
    linears[name] = kept;
    return y;
  };
  const rotated = (name: string, input: Tensor, heads: number) => {
    const turned = scope.one(rope, `${at}.${name}`, [input, positions, model.cos, model.sin], { heads, inverse: 0 });
    scope.free(input);
    return turned;
  };
  const sum = (name: string, a: Tensor, b: Tensor) => {
    const total = scope.one(addTensors, `${at}.${name}`, [a, b]);
    scope.free(b);
    return total;
  };

  const [normed, norm1] = norm(scope, model, `${at}.input_layernorm`, x);
  const q = rotated('rope.q', apply('self_attn.q_proj', normed), config.heads);
  let k = rotated('rope.k', apply('self_attn.k_proj', normed), config.groups);
  let v = apply('self_attn.v_proj', normed);
  if (cache) {
    const held = cache.layers[layer]!;
    const placed = (name: string, into: Tensor, rows: Tensor) => {
      const all = scope.one(placeRows, `${at}.${name}`, [into, rows], { at: cache.at });
      scope.free(rows);
      return all;
    };
    k = placed('cache.k', held.k, k);
    v = placed('cache.v', held.v, v);
  }
  const scores = scope.one(attentionScores, `${at}.scores`, [q, k, lo, hi], { heads: config.heads, groups: config.groups, width });
  const p = scope.one(softmax, `${at}.attention`, [scores, lo, hi], { scale: attentionScale(model) });
  scope.free(scores);
  const o = scope.one(attentionValues, `${at}.values`, [p, v, lo, hi], { groups: config.groups });
  const afterAttention = sum('residual1', x, apply('self_attn.o_proj', o));

  const [normed2, norm2] = norm(scope, model, `${at}.post_attention_layernorm`, afterAttention);
  const gate = apply('mlp.gate_proj', normed2);
  const up = apply('mlp.up_proj', normed2);
  const h = scope.one(swiglu, `${at}.swiglu`, [gate, up]);
  let y: Tensor | undefined;
  if (wanted === 'output') y = sum('residual2', afterAttention, apply('mlp.down_proj', h));
  else linears['mlp.down_proj'] = savedLinear(scope, lora, `${at}.mlp.down_proj`, h);
  return { y, saved: { norm1, q, k, v, p, gate, up, norm2, linears } };
}

function tensorsOf({ norm1, q, k, v, p, gate, up, norm2, linears }: SavedLayer): Tensor[] {
  const ofLinears = Object.values(linears).flatMap(({ x, low }) => (low ? [x, low] : [x]));
  return [norm1.x, norm1.r, q, k, v, p, gate, up, norm2.x, norm2.r, ...ofLinears];
}

/** The lowest layer with something to learn; the number of layers where there is none. */
export function lowestAdapted(config: ModelConfig, lora: Lora | undefined): number {
  return Math.min(config.layers, ...[...(lora?.pairs.keys() ?? [])].map((name) => Number(name.split('.')[1])));
}

/**
 * Hidden states [N, hidden] after the last layer, before the final norm. They belong to `scope`, and so does what is
 * kept for the backward pass of the layers from `lowest` on; the rest is freed as soon as it has been used.
 */
export function decode(
  scope: Scope, model: Model, lora: Lora | undefined, ranges: Ranges, cache?: Cache, keep: Keep = 'nothing', lowest = 0,
): { hidden: Tensor; kept: Kept } {
  let x = gatherRows(scope, 'embed_tokens', matrix(model, 'embed_tokens.weight'), ranges.ids);
  const kept: Kept = [];
  for (let layer = 0; layer < model.config.layers; layer++) {
    const inner = new Scope(scope.backend);
    try {
      const { y, saved } = layerForward(inner, model, lora, ranges, layer, x, cache, 'output');
      scope.take(inner, [y!]);
      if (keep === 'nothing' || layer < lowest) {
        scope.free(x);
        kept.push(undefined);
      } else {
        if (keep === 'layers') scope.take(inner, tensorsOf(saved));
        kept.push({ x, saved: keep === 'layers' ? saved : undefined });
      }
      x = y!;
    } finally {
      inner.release();
    }
  }
  return { hidden: x, kept };
}

export interface BackwardRanges extends Ranges {
  from: Tensor;
  to: Tensor;
}

type LayerGradientOptions = Omit<LinearGradientOptions, 'needsInput'>;

/**
 * From the gradient of `hidden` down to the embedding's output, or to the lowest layer with something to learn; fills
 * `options.gradients`, which then belong to `scope`. Frees `dHidden` and what was kept. Returns the gradient of the
 * embedding's output where the base itself is trained.
 */
export function decodeGradient(
  scope: Scope, model: Model, lora: Lora | undefined, ranges: BackwardRanges, kept: Kept, dHidden: Tensor, options: LayerGradientOptions,
): Tensor | undefined {
  const lowest = options.base ? 0 : lowestAdapted(model.config, lora);
  let dx: Tensor | undefined = dHidden;
  for (let layer = model.config.layers - 1; layer >= lowest; layer--) {
    const inner = new Scope(scope.backend);
    try {
      const { x, saved = layerForward(inner, model, lora, ranges, layer, x, undefined, 'saved').saved } = kept[layer]!;
      // What was kept dies with the layer, or in it.
      inner.take(scope, [dx!, ...tensorsOf(saved)]);
      dx = layerGradient(inner, model, lora, ranges, layer, saved, dx!, options, options.base || layer > lowest);
      scope.take(inner, options.gradients.values());
      if (dx) scope.take(inner, [dx]);
      kept[layer] = undefined;
    } finally {
      inner.release();
    }
  }
  return dx;
}

/** Gradients of one layer, and of its input where that is needed. Frees `dy` and `saved`'s tensors when they have been used, large ones first. */
function layerGradient(
  scope: Scope, model: Model, lora: Lora | undefined, ranges: BackwardRanges, layer: number, saved: SavedLayer, dy: Tensor, options: LayerGradientOptions, needsInput: boolean,
): Tensor | undefined {
  const { lo, hi, from, to, width, positions } = ranges;
  const { heads, groups } = model.config;
  const at = `layers.${layer}`;
  const { q, k, v, p, gate, up, norm1, norm2, linears } = saved;
  /** Something to learn in one of these layers, or below them. */
  const wanted = (...names: string[]) => needsInput || names.some((name) => lora?.pairs.has(`${at}.${name}`));
  const back = (name: string, d: Tensor, needs: boolean) =>
    linearGradient(scope, model, lora, `${at}.${name}`, d, linears[name]!, { ...options, needsInput: needs });
  const sum = (name: string, a: Tensor, b: Tensor) => {
    const total = scope.one(addTensors, `${at}.${name}`, [a, b]);
    scope.free(a, b);
    return total;
  };
  const normGradient = (name: string, d: Tensor, { x, r }: SavedNorm) => {
    if (options.base) options.gradients.set(`${at}.${name}.weight`, scope.one(rmsNormWeightGradient, `${at}.${name}.dw`, [d, x, r]));
    const dx = scope.one(rmsNormGradient, `${at}.${name}.dx`, [d, x, vector(model, `${at}.${name}.weight`), r]);
    scope.free(d, x);
    return dx;
  };
  const turnedBack = (name: string, d: Tensor, count: number) => {
    const turned = scope.one(rope, `${at}.${name}`, [d, positions, model.cos, model.sin], { heads: count, inverse: 1 });
    scope.free(d);
    return turned;
  };

  const attention = wanted('self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj', 'self_attn.o_proj');
  const dh = back('mlp.down_proj', dy, attention || wanted('mlp.gate_proj', 'mlp.up_proj'));
  if (!dh) return undefined;
  const [dGate, dUp] = scope.run(swigluGradient, `${at}.swiglu.grad`, [dh, gate, up]) as [Tensor, Tensor];
  scope.free(dh, gate, up, linears['mlp.down_proj']!.x);
  const fromGate = back('mlp.gate_proj', dGate, attention);
  scope.free(dGate);
  const fromUp = back('mlp.up_proj', dUp, attention);
  scope.free(dUp, linears['mlp.up_proj']!.x);
  if (!fromGate || !fromUp) return undefined;
  const dMlp = normGradient('post_attention_layernorm', sum('dNormed2', fromGate, fromUp), norm2);
  const dAfter = sum('dResidual1', dy, dMlp);

  const dO = back('self_attn.o_proj', dAfter, wanted('self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'));
  if (!dO) return undefined;
  scope.free(linears['self_attn.o_proj']!.x);
  const [wantsQ, wantsK, wantsV] = [wanted('self_attn.q_proj'), wanted('self_attn.k_proj'), wanted('self_attn.v_proj')];
  const dV = wantsV ? scope.one(attentionKeys, `${at}.dV`, [p, dO, lo, from, to], { groups }) : undefined;
  let dQ: Tensor | undefined;
  let dK: Tensor | undefined;
  if (wantsQ || wantsK) {
    const dP = scope.one(attentionScores, `${at}.dAttention`, [dO, v, lo, hi], { heads, groups, width });
    const dS = scope.one(softmaxGradient, `${at}.dScores`, [p, dP, lo, hi], { scale: attentionScale(model) });
    scope.free(p, dP, dO, v);
    if (wantsQ) dQ = turnedBack('dQ', scope.one(attentionValues, `${at}.dQ.rotated`, [dS, k, lo, hi], { groups }), heads);
    if (wantsK) dK = turnedBack('dK', scope.one(attentionKeys, `${at}.dK.rotated`, [dS, q, lo, from, to], { groups }), groups);
    scope.free(dS, q, k);
  }
  const fromQ = dQ && back('self_attn.q_proj', dQ, needsInput);
  const fromK = dK && back('self_attn.k_proj', dK, needsInput);
  const fromV = dV && back('self_attn.v_proj', dV, needsInput);
  if (!needsInput) return undefined;
  const dNormed = sum('dNormed', sum('dNormed.qk', fromQ!, fromK!), fromV!);
  return sum('dResidual0', dAfter, normGradient('input_layernorm', dNormed, norm1));
}
