/**
 * A LoRA training run of a small LLaMA in float64 with exact derivatives by a record's weight: decoder, loss and AdamW
 * written apart from the engine on dual-tape.ts. It shares with the engine the config, names, and which records a step has.
 */
import type { ModelConfig } from '../../../model/config.ts';
import type { Tensors } from '../../../model/safetensors.ts';
import { DualTape } from './dual-tape.ts';

type Sequences = readonly { ids: readonly number[]; start: number }[];

/** Values with their derivatives by the outer variable. */
export interface Duals {
  value: Float64Array;
  tangent: Float64Array;
}

export const duals = (n: number): Duals => ({ value: new Float64Array(n), tangent: new Float64Array(n) });

export interface DualModel {
  config: ModelConfig;
  weights: Tensors;
  /** Where each factor lies in θ. */
  layout: readonly { name: string; at: number; length: number }[];
  rank: number;
  scale: number;
}

/** Loss of one record (mean over its sequences of the mean over predicted tokens) and its gradient by θ. */
export function dualLoss({ config, weights, layout, rank, scale }: DualModel, theta: Duals, record: Sequences): { loss: number; tangent: number; gradient: Duals } {
  const tape = new DualTape();
  const nodes = Array.from(theta.value, (value, i) => tape.leaf(value, theta.tangent[i]));
  const factor = (name: string) => {
    const { at, length } = layout.find((place) => place.name === name)!;
    return nodes.slice(at, at + length);
  };
  const rows = (values: ArrayLike<number>, columns: number) => Array.from({ length: values.length / columns }, (_, r) => Array.from({ length: columns }, (_, c) => values[r * columns + c]!));
  const held = (name: string) => weights.get(name)!;
  const linear = (name: string, x: number[]) => {
    const w = held(`${name}.weight`);
    const low = rows(factor(`${name}.lora_A`), x.length).map((row) => tape.dot(row, x));
    const lifted = rows(factor(`${name}.lora_B`), rank).map((row) => tape.dot(row, low));
    return rows(w.values, x.length).map((row, o) => tape.mix([...x, lifted[o]!], [...row, scale]));
  };
  const norm = (name: string, x: number[]) => {
    const mean = tape.mix(x.map((e) => tape.mul(e, e)), x.map(() => 1 / x.length));
    const r = tape.power(tape.add(mean, tape.leaf(config.eps)), -0.5);
    return x.map((e, i) => tape.mix([tape.mul(e, r)], [held(`${name}.weight`).values[i]!]));
  };
  const half = config.headDim / 2;
  const turn = (x: number[], position: number) =>
    x.map((e, i) => {
      const j = i % config.headDim;
      const angle = position * config.ropeTheta ** ((-2 * (j % half)) / config.headDim);
      const other = j < half ? x[i + half]! : x[i - half]!;
      return tape.mix([e, other], [Math.cos(angle), j < half ? -Math.sin(angle) : Math.sin(angle)]);
    });
  const total = tape.add(...record.map(({ ids, start }) => {
    let x = ids.slice(0, -1).map((id) => rows(held('embed_tokens.weight').values, config.hidden)[id]!.map((value) => tape.leaf(value)));
    for (let layer = 0; layer < config.layers; layer++) {
      const at = `layers.${layer}`;
      const normed = x.map((row) => norm(`${at}.input_layernorm`, row));
      const q = normed.map((row, p) => turn(linear(`${at}.self_attn.q_proj`, row), p));
      const k = normed.map((row, p) => turn(linear(`${at}.self_attn.k_proj`, row), p));
      const v = normed.map((row) => linear(`${at}.self_attn.v_proj`, row));
      x = x.map((row, p) => {
        const attended = Array.from({ length: config.heads }, (_, h) => {
          const own = (all: number[], head: number) => all.slice(head * config.headDim, (head + 1) * config.headDim);
          const group = Math.floor((h * config.groups) / config.heads);
          const scores = k.slice(0, p + 1).map((key) => tape.exp(tape.mix([tape.dot(own(q[p]!, h), own(key, group))], [1 / Math.sqrt(config.headDim)])));
          const rest = tape.power(tape.add(...scores), -1);
          const shares = scores.map((score) => tape.mul(score, rest));
          return Array.from({ length: config.headDim }, (_, e) => tape.dot(shares, v.slice(0, p + 1).map((values) => own(values, group)[e]!)));
        }).flat();
        return linear(`${at}.self_attn.o_proj`, attended).map((e, i) => tape.add(e, row[i]!));
      });
      x = x.map((row) => {
        const normed2 = norm(`${at}.post_attention_layernorm`, row);
        const up = linear(`${at}.mlp.up_proj`, normed2);
        const h = linear(`${at}.mlp.gate_proj`, normed2).map((g, i) => {
          const sigmoid = tape.power(tape.add(tape.leaf(1), tape.exp(tape.mix([g], [-1]))), -1);
          return tape.mul(tape.mul(g, sigmoid), up[i]!);
        });
        return linear(`${at}.mlp.down_proj`, h).map((e, i) => tape.add(e, row[i]!));
      });
    }
    const table = rows(held(config.tied ? 'embed_tokens.weight' : 'lm_head.weight').values, config.hidden);
    const losses = x.slice(start - 1).map((row, i) => {
      const normed = norm('norm', row);
      const logits = table.map((each) => tape.mix(normed, each));
      return tape.mix([tape.log(tape.add(...logits.map((l) => tape.exp(l)))), logits[ids[start + i]!]!], [1, -1]);
    });
    return tape.mix(losses, losses.map(() => 1 / (losses.length * record.length)));
  }));
  tape.backward(total);
  const n = nodes.length;
  return {
    loss: tape.value[total]!, tangent: tape.tangent[total]!,
    // θ's nodes were made first.
    gradient: { value: tape.gradient.slice(0, n), tangent: tape.gradientTangent.slice(0, n) },
  };
}

export interface DualRun {
  model: DualModel;
  theta0: ArrayLike<number>;
  records: readonly Sequences[];
  /** Of each step: its records, what their losses are divided by, and the learning rate. */
  steps: readonly { records: readonly number[]; divisor: number; rate: number }[];
  adam: { beta1: number; beta2: number; eps: number; decay: number };
}

/** θ, m and v between steps with their tangents by the weight of record `by`. */
export interface DualState {
  theta: Duals;
  m: Duals;
  v: Duals;
}

/** The run's states from its beginning to its end: steps + 1 of them. */
export function dualTraining({ model, theta0, records, steps, adam }: DualRun, by: number): DualState[] {
  const n = theta0.length;
  const states: DualState[] = [{ theta: { value: Float64Array.from(theta0), tangent: new Float64Array(n) }, m: duals(n), v: duals(n) }];
  steps.forEach(({ records: chosen, divisor, rate }, t) => {
    const before = states.at(-1)!;
    const g = duals(n);
    for (const k of chosen) {
      const { gradient } = dualLoss(model, before.theta, records[k]!);
      for (let i = 0; i < n; i++) {
        g.value[i]! += gradient.value[i]! / divisor;
        g.tangent[i]! += (gradient.tangent[i]! + (k === by ? gradient.value[i]! : 0)) / divisor;
      }
    }
    const after: DualState = { theta: duals(n), m: duals(n), v: duals(n) };
    const { beta1, beta2, eps, decay } = adam;
    const [c1, c2] = [1 / (1 - beta1 ** (t + 1)), 1 / (1 - beta2 ** (t + 1))];
    for (let i = 0; i < n; i++) {
      const m = beta1 * before.m.value[i]! + (1 - beta1) * g.value[i]!;
      const dm = beta1 * before.m.tangent[i]! + (1 - beta1) * g.tangent[i]!;
      const v = beta2 * before.v.value[i]! + (1 - beta2) * g.value[i]! ** 2;
      const dv = beta2 * before.v.tangent[i]! + 2 * (1 - beta2) * g.value[i]! * g.tangent[i]!;
      const s = Math.sqrt(c2 * v);
      const u = (c1 * m) / (s + eps);
      const du = v > 0 ? (c1 * dm) / (s + eps) - ((u / (s + eps)) * c2 * dv) / (2 * s) : 0;
      const w = before.theta.value[i]!;
      const dw = before.theta.tangent[i]!;
      after.m.value[i] = m;
      after.m.tangent[i] = dm;
      after.v.value[i] = v;
      after.v.tangent[i] = dv;
      after.theta.value[i] = w - rate * (u + decay * w);
      after.theta.tangent[i] = dw - rate * (du + decay * dw);
    }
    states.push(after);
  });
  return states;
}
