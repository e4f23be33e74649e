import type { Tensor } from '../kernels/backend.ts';
import { attentionScores, attentionValues, softmax } from '../kernels/attention/operation.ts';
import { addBias, addTensors } from '../kernels/elementwise/operation.ts';
import { gatheredLow, gatheredUp } from '../kernels/gathered/operation.ts';
import { gatherRows, matrixNT } from '../kernels/matrix/matrix.ts';
import { rmsNorm } from '../kernels/rmsNorm/operation.ts';
import { rope } from '../kernels/rope/operation.ts';
import { placeRows } from '../kernels/rows/operation.ts';
import { Scope } from '../kernels/scope.ts';
import { swiglu } from '../kernels/swiglu/operation.ts';
import { type AdapterPool, linearName } from './adapter-pool.ts';
import { type Cache, type Ranges, decode } from './decoder.ts';
import type { KvCache } from './kv-cache.ts';
import { head } from './loss.ts';
import type { Lora, Target } from './lora.ts';
import { type Model, matrix, vector } from './model.ts';

/** Which adapter a sequence uses: factors of its own, a slot of a pool, or none. */
export type Adapter = { lora: Lora | undefined } | { pool: AdapterPool; slot: number };

/** Bytes of attention scores at once: a long prompt is read in pieces, which changes no bit. */
const SCORE_BYTES = 64 * 2 ** 20;

/**
 * Reads tokens of one sequence from position `from` on: keys and values go to the cache, where room must be reserved.
 * Logits [1, vocab] of what follows the last token; the caller frees them.
 */
export function prefill(model: Model, adapter: Adapter, cache: KvCache, sequence: number, from: number, ids: readonly number[]): Tensor {
  const { backend, config } = model;
  const widest = Math.min(from + ids.length, config.window ?? Infinity);
  const atOnce = Math.max(1, Math.floor(Math.min(SCORE_BYTES, backend.maxBinding) / (4 * config.heads * widest)));
  for (let first = 0; ; first += atOnce) {
    const scope = new Scope(backend);
    try {
      const some = ids.slice(first, first + atOnce);
      const hidden = readTokens(scope, model, adapter, cache, cache.base(sequence), from + first, some);
      if (first + atOnce < ids.length) continue;
      const last = scope.upload('last', [1], Uint32Array.of(some.length - 1));
      return scope.keep(head(scope, model, hidden, last).logits);
    } finally {
      scope.release();
    }
  }
}

/** Hidden states of tokens at positions `from` …, whose sequence has the cache's rows from `base` on. */
function readTokens(scope: Scope, model: Model, adapter: Adapter, cache: KvCache, base: number, from: number, ids: readonly number[]): Tensor {
  const { window } = model.config;
  const low = (position: number) => (window === undefined ? 0 : Math.max(0, position - window + 1));
  const range = (name: string, value: (position: number) => number) => scope.upload(name, [ids.length], Uint32Array.from(ids, (_, i) => value(from + i)));
  const last = from + ids.length - 1;
  const ranges: Ranges = {
    ids: scope.upload('ids', [ids.length], Uint32Array.from(ids)),
    positions: range('positions', (p) => p),
    lo: range('lo', (p) => base + low(p)),
    hi: range('hi', (p) => base + p + 1),
    // Windows slide along, so a row in the middle may reach further back than the last.
    width: Math.min(last + 1, window ?? Infinity),
  };
  const rows: Cache = { layers: cache.layers, at: base + from };
  if ('lora' in adapter) return decode(scope, model, adapter.lora, ranges, rows).hidden;
  const slots = scope.upload('slots', [ids.length], new Uint32Array(ids.length).fill(adapter.slot));
  return forward(scope, model, adapter.pool, slots, ranges, rows);
}

/** The forward pass of decoder.ts, each row with its slot's factors; nothing is kept for a backward pass. */
function forward(scope: Scope, model: Model, pool: AdapterPool, slots: Tensor, ranges: Ranges, cache: Cache): Tensor {
  const { config } = model;
  const { rank, layout } = pool;
  let x = gatherRows(scope, 'embed_tokens', matrix(model, 'embed_tokens.weight'), ranges.ids);
  for (let layer = 0; layer < config.layers; layer++) {
    const inner = new Scope(scope.backend);
    try {
      const at = `layers.${layer}`;
      const factors = pool.layers[layer]!;
      /** Outputs of linear layers that read the same input. */
      const apply = (targets: Target[], input: Tensor): Tensor[] => {
        const offsets = Object.fromEntries(targets.map((target, f) => [`a${f}`, layout.places[target].a]));
        const low = inner.one(gatheredLow, `${at}.lora_A`, [input, factors, slots], { rank, factors: targets.length, ...offsets });
        return targets.map((target, f) => {
          const name = linearName(layer, target);
          let y = matrixNT(inner, name, input, matrix(model, `${name}.weight`));
          const bias = model.vectors.get(`${name}.bias`);
          if (bias) y = inner.one(addBias, `${name}.bias`, [y, bias]);
          const { b, scale } = layout.places[target];
          return inner.one(gatheredUp, `${name}.adapted`, [y, low, factors, slots], { rank, at: f * rank, b, scaleAt: scale });
        });
      };
      const norm = (name: string, input: Tensor) => inner.one(rmsNorm, `${at}.${name}`, [input, vector(model, `${at}.${name}.weight`)], { eps: config.eps });
      const turned = (name: string, input: Tensor, heads: number) => inner.one(rope, `${at}.${name}`, [input, ranges.positions, model.cos, model.sin], { heads, inverse: 0 });
      const { heads, groups, headDim } = config;
      const { lo, hi, width } = ranges;

      const [q, k, v] = apply(['q_proj', 'k_proj', 'v_proj'], norm('input_layernorm', x));
      const held = cache.layers[layer]!;
      inner.one(placeRows, `${at}.cache.k`, [held.k, turned('rope.k', k!, groups)], { at: cache.at });
      inner.one(placeRows, `${at}.cache.v`, [held.v, v!], { at: cache.at });
      const scores = inner.one(attentionScores, `${at}.scores`, [turned('rope.q', q!, heads), held.k, lo, hi], { heads, groups, width });
      const p = inner.one(softmax, `${at}.attention`, [scores, lo, hi], { scale: 1 / Math.sqrt(headDim) });
      const [o] = apply(['o_proj'], inner.one(attentionValues, `${at}.values`, [p, held.v, lo, hi], { groups }));
      const after = inner.one(addTensors, `${at}.residual1`, [x, o!]);
      const [gate, up] = apply(['gate_proj', 'up_proj'], norm('post_attention_layernorm', after));
      const [down] = apply(['down_proj'], inner.one(swiglu, `${at}.swiglu`, [gate!, up!]));
      const y = inner.one(addTensors, `${at}.residual2`, [after, down!]);
      scope.take(inner, [y]);
      scope.free(x);
      x = y;
    } finally {
      inner.release();
    }
  }
  return x;
}
