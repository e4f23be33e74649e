import { argmax } from '../kernels/argmax/operation.ts';
import type { Tensor } from '../kernels/backend.ts';
import { attentionColumns, attentionFits, decodeAttention } from '../kernels/decode/attention.ts';
import { decodeNorm } from '../kernels/decode/norm.ts';
import { decodeProducts, productsAtOnce } from '../kernels/decode/products.ts';
import { type DecodeRow, MAX_ROWS, NONE, rowParams } from '../kernels/decode/rows.ts';
import { decodeSwiglu } from '../kernels/decode/swiglu.ts';
import { type Format, type Matrix, gatherRows } from '../kernels/matrix/matrix.ts';
import type { Params } from '../kernels/operation.ts';
import { placeRows } from '../kernels/rows/operation.ts';
import { Scope } from '../kernels/scope.ts';
import { type AdapterPool, linearName } from './adapter-pool.ts';
import type { KvCache } from './kv-cache.ts';
import { type Target, linearShape } from './lora.ts';
import { type Model, headWeight, matrix } from './model.ts';

/** Some rows of a weight (all, where no tensor is too large for a binding) and where their products go in a row. */
interface Piece {
  format: Format;
  codes: Tensor;
  scales: Tensor | undefined;
  at: number;
}

/** One call of decodeProducts. */
interface Products {
  format: Format;
  weights: Tensor[];
  params: Params;
}

interface Layer {
  at: string;
  qkv: Products[];
  o: Products[];
  mlp: Products[];
  down: Products[];
  attention: Params;
  afterAttention: Params;
  swiglu: Params;
  /** The norm before the layer, behind the last one's down projection. */
  before: Params;
}

/** Whether decoding may run in fused steps for this model: its heads fit a workgroup's memory. */
export function stepFits({ config }: Model): boolean {
  return attentionFits(config.heads, config.groups, config.headDim) && config.hidden <= 65536;
}

/** Whether it should: the plain reference gains nothing. */
export const usesSteps = (model: Model): boolean => model.backend.kind !== 'reference' && stepFits(model);

/**
 * One token further for up to eight sequences, each with its own adapter or none: eight dispatches for each layer (q, k
 * and v's products; attention; o; norm; gate and up; SwiGLU; down; norm), with exactly the bits of the separate
 * operations. What lies between them stays in tensors of this object, so a step allocates little.
 */
export class DecodeStep {
  private readonly model: Model;
  private readonly pool: AdapterPool | undefined;
  private readonly cache: KvCache;
  private readonly held: Scope;
  /** Rows of a step at most. */
  readonly rows: number;
  private readonly noAdapters: Tensor;
  private readonly vectors: Tensor;
  private readonly layers: Layer[];
  private readonly last: Params;
  private readonly head: Products[];
  private readonly normed: Tensor;
  private readonly rawQkv: Tensor;
  private readonly rawHidden: Tensor;
  private readonly rawMlp: Tensor;
  private readonly h: Tensor;
  private readonly logits: Tensor;
  private attended: Tensor | undefined;
  /** What a step says of its rows. The parameters of every call inherit from it, so a step changes a few numbers and copies nothing. */
  private readonly each: Record<string, number> = {};
  /** Dispatches of the last step, and those of its layers alone. */
  readonly dispatches = { all: 0, layers: 0 };

  /** `rows` of a step at most (8 at most). Everything made here lives until `free`. */
  constructor(model: Model, pool: AdapterPool | undefined, cache: KvCache, rows: number) {
    if (rows < 1 || rows > MAX_ROWS) throw new RangeError(`a step of ${rows} rows`);
    const { backend, config } = model;
    const { hidden, intermediate, heads, groups, headDim } = config;
    this.model = model;
    this.pool = pool;
    this.cache = cache;
    this.rows = rows;
    this.held = new Scope(backend);
    const rank = pool?.rank ?? 0;
    const create = (name: string, columns: number) => this.held.create(`decode.${name}`, [rows, columns], 'f32');
    const outs = (heads + 2 * groups) * headDim;
    this.normed = create('normed', hidden);
    this.rawQkv = create('qkv', outs + 3 * rank);
    this.rawHidden = create('hidden', hidden + rank);
    this.rawMlp = create('mlp', 2 * intermediate + 2 * rank);
    this.h = create('swiglu', intermediate);
    this.logits = create('logits', config.vocab);
    this.noAdapters = this.held.create('decode.none', [1, 1], 'f32');

    const { tensor, places } = joinVectors(this.held, model);
    this.vectors = tensor;
    const bias = (name: string) => places.get(`${name}.bias`) ?? NONE;
    const place = (target: Target) => pool?.layout.places[target] ?? { a: 0, b: 0, scale: 0 };
    const own = (params: Params): Params => Object.assign(Object.create(this.each) as Record<string, number>, params);
    const norm = (name: string, finishing: string | undefined, target: Target): Params => own({
      eps: config.eps, norm: places.get(`${name}.weight`)!, finish: finishing ? 1 : 0, bias: finishing ? bias(finishing) : NONE,
      rank, low: hidden, b: place(target).b, scaleAt: place(target).scale,
    });
    const down = (layer: number) => (layer < 0 ? undefined : linearName(layer, 'down_proj'));
    this.layers = Array.from({ length: config.layers }, (_, layer): Layer => {
      const at = `layers.${layer}`;
      const products = (targets: Target[], low: number) => {
        let column = 0;
        const pieces = targets.flatMap((target) => {
          const all = piecesOf(matrix(model, `${linearName(layer, target)}.weight`), column);
          column += linearShape(config, target)[0];
          return all;
        });
        return productsOf(own, pieces, { terms: linearShape(config, targets[0]!)[1], rank, low, factors: targets.map((target) => place(target).a) });
      };
      const name = (target: Target) => linearName(layer, target);
      return {
        at,
        qkv: products(['q_proj', 'k_proj', 'v_proj'], outs),
        o: products(['o_proj'], hidden),
        mlp: products(['gate_proj', 'up_proj'], 2 * intermediate),
        down: products(['down_proj'], hidden),
        before: norm(`${at}.input_layernorm`, down(layer - 1), 'down_proj'),
        afterAttention: norm(`${at}.post_attention_layernorm`, name('o_proj'), 'o_proj'),
        attention: own({
          heads, groups, scale: 1 / Math.sqrt(headDim), window: config.window ?? 0, rank, low: outs,
          biasQ: bias(name('q_proj')), biasK: bias(name('k_proj')), biasV: bias(name('v_proj')),
          bQ: place('q_proj').b, bK: place('k_proj').b, bV: place('v_proj').b, scaleAt: place('q_proj').scale,
        }),
        swiglu: own({
          rank, low: 2 * intermediate, biasGate: bias(name('gate_proj')), biasUp: bias(name('up_proj')),
          bGate: place('gate_proj').b, bUp: place('up_proj').b, scaleAt: place('gate_proj').scale,
        }),
      };
    });
    this.last = norm('norm', down(config.layers - 1), 'down_proj');
    this.head = productsOf(own, piecesOf(headWeight(model), 0), { terms: hidden, rank: 0, low: 0, factors: [] });
  }

  /**
   * Logits [rows of this object, vocab] of the first rows.length rows; belongs to this object and holds until the next
   * step. `ids` [rows of this object]: each row's newest token, whose keys and values are placed in the cache.
   */
  logitsOf(rows: readonly DecodeRow[], ids: Tensor): Tensor {
    const { model, cache, noAdapters, vectors, normed, rawQkv, rawHidden, rawMlp, h } = this;
    const { backend, config } = model;
    rowParams(rows, this.each);
    const scope = new Scope(backend);
    const attended = this.room();
    let count = 0;
    const run = (name: string, operation: Parameters<Scope['run']>[0], inputs: Tensor[], params: Params) => {
      count++;
      scope.run(operation, name, inputs, params);
    };
    const multiply = (name: string, calls: Products[], x: Tensor, factors: Tensor, raw: Tensor) => {
      for (const { format, weights, params } of calls) run(name, decodeProducts[format], [x, factors, raw, ...weights], params);
    };
    try {
      const x = gatherRows(scope, 'embed_tokens', matrix(model, 'embed_tokens.weight'), ids);
      this.layers.forEach((layer, index) => {
        const factors = this.pool?.layers[index] ?? noAdapters;
        const before = index ? (this.pool?.layers[index - 1] ?? noAdapters) : noAdapters;
        const { k, v } = cache.layers[index]!;
        run(`${layer.at}.input_layernorm`, decodeNorm, [x, normed, rawHidden, before, vectors], layer.before);
        multiply(`${layer.at}.self_attn.qkv`, layer.qkv, normed, factors, rawQkv);
        run(`${layer.at}.self_attn`, decodeAttention, [rawQkv, factors, vectors, cache.turns, k, v, attended], layer.attention);
        multiply(`${layer.at}.self_attn.o_proj`, layer.o, attended, factors, rawHidden);
        run(`${layer.at}.post_attention_layernorm`, decodeNorm, [x, normed, rawHidden, factors, vectors], layer.afterAttention);
        multiply(`${layer.at}.mlp.gate_up`, layer.mlp, normed, factors, rawMlp);
        run(`${layer.at}.mlp.swiglu`, decodeSwiglu, [h, rawMlp, factors, vectors], layer.swiglu);
        multiply(`${layer.at}.mlp.down_proj`, layer.down, h, factors, rawHidden);
      });
      this.dispatches.layers = count;
      run('norm', decodeNorm, [x, normed, rawHidden, this.pool?.layers[config.layers - 1] ?? noAdapters, vectors], this.last);
      multiply('logits', this.head, normed, noAdapters, this.logits);
      this.dispatches.all = count + 1;
      return this.logits;
    } finally {
      scope.release();
    }
  }

  /** The token with the greatest logit of each row, the lowest id among equals: [rows of this object]. The caller frees it. */
  next(rows: readonly DecodeRow[], ids: Tensor): Tensor {
    const logits = this.logitsOf(rows, ids);
    this.dispatches.all++;
    return this.model.backend.run(argmax, 'next', [logits])[0]!;
  }

  free(): void {
    if (this.attended) this.model.backend.free(this.attended);
    this.attended = undefined;
    this.held.release();
  }

  /** Attention's output, with room for the scores of as many keys as the cache has rows. */
  private room(): Tensor {
    const { backend, config } = this.model;
    const columns = attentionColumns(config.heads, config.headDim, Math.min(this.cache.capacity, config.window ?? Infinity));
    if (this.attended?.shape[1] === columns) return this.attended;
    if (this.attended) backend.free(this.attended);
    return (this.attended = backend.create('decode.attention', [this.rows, columns], 'f32'));
  }
}

const piecesOf = ({ format, parts }: Matrix, column: number): Piece[] => parts.map(({ from, codes, scales }) => ({ format, codes, scales, at: column + from }));

/** Calls for some weights that read the same x: as many at once as there are bindings for, of one format; adapters with the first. */
function productsOf(own: (params: Params) => Params, pieces: Piece[], { terms, rank, low, factors }: { terms: number; rank: number; low: number; factors: number[] }): Products[] {
  const calls: Products[] = [];
  for (let at = 0; at < pieces.length; ) {
    const { format } = pieces[at]!;
    const most = productsAtOnce(format);
    const some = pieces.slice(at, at + most);
    const other = some.findIndex((piece) => piece.format !== format);
    const used = other < 0 ? some : some.slice(0, other);
    // Inputs that are not used hold the first weight again.
    const bound = Array.from({ length: most }, (_, m) => used[m] ?? used[0]!);
    const adapters = at === 0 && rank > 0;
    calls.push({
      format,
      weights: [...bound.map(({ codes }) => codes), ...bound.flatMap(({ scales }) => (scales ? [scales] : []))],
      params: own({
        terms, matrices: used.length, ...Object.fromEntries(used.map((piece, m) => [`at${m}`, piece.at])),
        ...(adapters ? { rank, low, factors: factors.length, ...Object.fromEntries(factors.map((a, f) => [`a${f}`, a])) } : {}),
      }),
    });
    at += used.length;
  }
  return calls;
}

/** All norms and biases in one tensor [values, 1], so that an operation binds one of them. */
function joinVectors(held: Scope, model: Model): { tensor: Tensor; places: Map<string, number> } {
  const places = new Map<string, number>();
  let count = 0;
  for (const [name, { shape }] of model.vectors) {
    places.set(name, count);
    count += shape[0]!;
  }
  const tensor = held.create('decode.vectors', [count, 1], 'f32');
  for (const [name, vector] of model.vectors) model.backend.run(placeRows, name, [tensor, vector], { at: places.get(name)! });
  return { tensor, places };
}
