import type { ModelConfig } from '../model/config.ts';
import { GraphBuilder } from './graph-builder.ts';
import { type Group, groupedLinear } from './groups.ts';
import type { WeightPlan } from './weights.ts';

export interface GraphOptions {
  /** 'external': constants, given to the session as external files. 'inputs': inputs, given to each run as device buffers. */
  weights: 'external' | 'inputs';
  /** Rows of the rotary tables: the longest sequence. */
  context: number;
}

/**
 * Whether ONNX Runtime's attention can rotate queries and keys itself: its kernels take 8 values at a time from each
 * half of a head. Otherwise the graph rotates them with plain operators.
 */
export const rotatesInAttention = (config: ModelConfig): boolean => config.headDim % 16 === 0;

/** ONNX Runtime's attention takes heads of multiples of 8 values only. */
export const attends = (config: ModelConfig): boolean => config.headDim % 8 === 0;

/**
 * A decoder of the LLaMA kind as an ONNX ModelProto. N tokens in a run, P cached, M rows whose logits are wanted.
 *
 * Inputs: `ids` int32 [1,N]; `rows` int32 [M], indices into the N tokens; `last` int32 [1], P + N − 1; `total` int32 [1],
 * P + N; `positions` int32 [N] where the graph rotates; per layer `past.<n>.k`, `past.<n>.v` [1,G,P,E]; per grouped
 * linear layer `<name>.lora_A` [in,R] and `<name>.lora_B` [R,out], the adapter's factors with its scale in B. A base
 * alone runs with factors of zeros. Outputs: `logits` [M,vocab]; `present.<n>.k`, `present.<n>.v` [1,G,P+N,E].
 *
 * Contributed operators of ONNX Runtime (`com.microsoft`): GroupQueryAttention, SkipSimplifiedLayerNormalization.
 */
export function decoderGraph(config: ModelConfig, plan: WeightPlan, options: GraphOptions): Uint8Array {
  const { hidden, heads, groups, headDim, intermediate } = config;
  const g = new GraphBuilder();
  const ids = g.input('ids', 'int32', [1, 'tokens']);
  const rows = g.input('rows', 'int32', ['rows']);
  const last = g.input('last', 'int32', [1]);
  const total = g.input('total', 'int32', [1]);
  const rotates = rotatesInAttention(config);
  const constant = (name: string, shape: number[]) => (options.weights === 'external' ? g.external(name, shape) : g.input(name, 'float32', shape));
  const cos = constant('rope.cos', [options.context, headDim / 2]);
  const sin = constant('rope.sin', [options.context, headDim / 2]);
  for (const { name, shape } of plan.weights.values()) constant(name, shape);

  const linear = (layer: number, group: Group, x: string): string => {
    const { name, input, output } = groupedLinear(config, layer, group);
    // MatMul rather than Gemm: a token took 1.03 s against 1.81 s on WebGPU (SwiftShader, in turns, a busy machine).
    const base = g.one('MatMul', [x, `${name}.weight`]);
    const low = g.one('MatMul', [x, g.input(`${name}.lora_A`, 'float32', [input, `${name}.rank`])]);
    const adapted = g.one('Add', [base, g.one('MatMul', [low, g.input(`${name}.lora_B`, 'float32', [`${name}.rank`, output])])]);
    return plan.weights.has(`${name}.bias`) ? g.one('Add', [adapted, `${name}.bias`]) : adapted;
  };

  // The residual stream is `stream + update`: the norm that follows adds the two and hands the sum on.
  let stream = g.one('Reshape', [g.one('Gather', ['embed_tokens.weight', ids], { axis: 0 }), g.integers('shape.hidden', [-1, hidden])]);
  let update: string | undefined;
  const norm = (name: string): string => {
    const epsilon = { float: config.eps };
    if (!update) return g.one('SimplifiedLayerNormalization', [stream, `${name}.weight`], { axis: -1, epsilon });
    const [normed, sum] = [g.name(), g.name()];
    g.contrib('SkipSimplifiedLayerNormalization', [stream, update, `${name}.weight`], [normed, '', '', sum], { epsilon });
    stream = sum;
    return normed;
  };

  const [q, kv] = [heads * headDim, groups * headDim];
  const packed = rotates ? g.integers('shape.qkv', [1, -1, q + 2 * kv]) : '';
  const attendedRows = g.integers('shape.q', [-1, q]);
  const halves = g.integers('split.gateUp', [intermediate, intermediate]);
  const rotation = rotates ? undefined : new Rotation(g, config, cos, sin);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `layers.${layer}`;
    const qkv = linear(layer, 'qkv', norm(`${at}.input_layernorm`));
    const past = ['k', 'v'].map((which) => g.input(`past.${layer}.${which}`, 'float32', [1, groups, 'past', headDim]));
    const present = ['k', 'v'].map((which) => g.output(`present.${layer}.${which}`, 'float32', [1, groups, 'present', headDim]));
    const operands = rotation ? rotation.rotated(qkv) : [g.one('Reshape', [qkv, packed]), '', ''];
    const attended = g.name();
    g.contrib(
      'GroupQueryAttention',
      [...operands, ...past, last, total, ...(rotates ? [cos, sin] : [])],
      [attended, ...present],
      {
        num_heads: heads, kv_num_heads: groups, scale: { float: 1 / Math.sqrt(headDim) },
        do_rotary: rotates ? 1 : 0, local_window_size: config.window ?? -1,
      },
    );
    update = linear(layer, 'o', g.one('Reshape', [attended, attendedRows]));
    const gateUp = linear(layer, 'gateUp', norm(`${at}.post_attention_layernorm`));
    const [gate, up] = [g.name(), g.name()];
    g.node('Split', [gateUp, halves], [gate, up], { axis: -1 });
    const silu = g.one('Mul', [gate, g.one('Sigmoid', [gate])]);
    update = linear(layer, 'down', g.one('Mul', [silu, up]));
  }
  const read = g.one('Gather', [norm('norm'), rows], { axis: 0 });
  g.node('Gemm', [read, config.tied ? 'embed_tokens.weight' : 'lm_head.weight'], [g.output('logits', 'float32', ['rows', config.vocab])], { transB: 1 });
  return g.bytes('decoder');
}

/** Rotary positions by plain operators: y1 = x1·cos − x2·sin, y2 = x2·cos + x1·sin for the halves x1, x2 of each head. */
class Rotation {
  private readonly g: GraphBuilder;
  private readonly config: ModelConfig;
  private readonly cos: string;
  private readonly sin: string;

  constructor(g: GraphBuilder, config: ModelConfig, cos: string, sin: string) {
    this.g = g;
    this.config = config;
    const positions = g.input('positions', 'int32', ['tokens']);
    const axis = g.integers('axis.heads', [1]);
    const rowsOf = (table: string) => g.one('Unsqueeze', [g.one('Gather', [table, positions], { axis: 0 }), axis]);
    this.cos = rowsOf(cos);
    this.sin = rowsOf(sin);
    const { heads, groups, headDim } = config;
    g.integers('split.qkv', [heads * headDim, groups * headDim, groups * headDim]);
    g.integers('split.head', [headDim / 2, headDim / 2]);
    for (const count of new Set([heads, groups])) {
      g.integers(`shape.heads${count}`, [-1, count, headDim]);
      g.integers(`shape.rows${count}`, [1, -1, count * headDim]);
    }
  }

  /** Rotated queries, rotated keys and values, each [1,N,·], of qkv [N, q + 2kv]. */
  rotated(qkv: string): string[] {
    const { g, config } = this;
    const [q, k, v] = [g.name(), g.name(), g.name()];
    g.node('Split', [qkv, 'split.qkv'], [q, k, v], { axis: -1 });
    return [this.rotate(q, config.heads), this.rotate(k, config.groups), g.one('Reshape', [v, `shape.rows${config.groups}`])];
  }

  private rotate(x: string, heads: number): string {
    const { g, cos, sin } = this;
    const [first, second] = [g.name(), g.name()];
    g.node('Split', [g.one('Reshape', [x, `shape.heads${heads}`]), 'split.head'], [first, second], { axis: -1 });
    const times = (a: string, b: string) => g.one('Mul', [a, b]);
    const turned = g.one('Concat', [
      g.one('Sub', [times(first, cos), times(second, sin)]),
      g.one('Add', [times(second, cos), times(first, sin)]),
    ], { axis: -1 });
    return g.one('Reshape', [turned, `shape.rows${heads}`]);
  }
}
