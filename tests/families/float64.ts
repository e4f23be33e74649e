/**
 * The decoder in float64, forward and backward, written apart from the engine: plain loops over rows, Math.*, rotary
 * frequencies by wavelength. It shares with the engine the parsed config and the weights' names, nothing else.
 */
import type { ModelConfig } from '../../src/model/config.ts';
import type { MadeFamily } from './families.ts';

interface Matrix {
  rows: number;
  columns: number;
  values: Float64Array;
  gradient: Float64Array;
}

const matrix = (rows: number, columns: number, values = new Float64Array(rows * columns)): Matrix => ({ rows, columns, values, gradient: new Float64Array(rows * columns) });

/** Operations as they ran, each with how its gradient goes back; `backward` runs them from the last to the first. */
class Tape {
  private readonly steps: (() => void)[] = [];

  private record(y: Matrix, back: () => void): Matrix {
    this.steps.push(back);
    return y;
  }

  backward(): void {
    for (const step of this.steps.reverse()) step();
  }

  /** x Wᵀ. */
  product(x: Matrix, w: Matrix): Matrix {
    const y = matrix(x.rows, w.rows);
    for (let i = 0; i < x.rows; i++) for (let o = 0; o < w.rows; o++) {
      let sum = 0;
      for (let k = 0; k < x.columns; k++) sum += x.values[i * x.columns + k]! * w.values[o * x.columns + k]!;
      y.values[i * w.rows + o] = sum;
    }
    return this.record(y, () => {
      for (let i = 0; i < x.rows; i++) for (let o = 0; o < w.rows; o++) {
        const g = y.gradient[i * w.rows + o]!;
        for (let k = 0; k < x.columns; k++) {
          x.gradient[i * x.columns + k]! += g * w.values[o * x.columns + k]!;
          w.gradient[o * x.columns + k]! += g * x.values[i * x.columns + k]!;
        }
      }
    });
  }

  /** a + scale · b; b may be one row for all. */
  sum(a: Matrix, b: Matrix, scale = 1): Matrix {
    const y = matrix(a.rows, a.columns);
    for (let i = 0; i < y.values.length; i++) y.values[i] = a.values[i]! + scale * b.values[i % b.values.length]!;
    return this.record(y, () => {
      for (let i = 0; i < y.values.length; i++) {
        a.gradient[i]! += y.gradient[i]!;
        b.gradient[i % b.values.length]! += scale * y.gradient[i]!;
      }
    });
  }

  /** x / √(mean x² + ε) · w. */
  norm(x: Matrix, w: Matrix, eps: number): Matrix {
    const y = matrix(x.rows, x.columns);
    const n = x.columns;
    const r = Array.from({ length: x.rows }, (_, i) => {
      let square = 0;
      for (let k = 0; k < n; k++) square += x.values[i * n + k]! ** 2;
      return 1 / Math.sqrt(square / n + eps);
    });
    for (let i = 0; i < y.values.length; i++) y.values[i] = x.values[i]! * r[Math.floor(i / n)]! * w.values[i % n]!;
    return this.record(y, () => {
      for (let i = 0; i < x.rows; i++) {
        let dot = 0;
        for (let k = 0; k < n; k++) dot += y.gradient[i * n + k]! * w.values[k]! * x.values[i * n + k]!;
        for (let k = 0; k < n; k++) x.gradient[i * n + k]! += r[i]! * y.gradient[i * n + k]! * w.values[k]! - (r[i]! ** 3 / n) * dot * x.values[i * n + k]!;
      }
    });
  }

  /** Each head turned by its position. */
  turn(x: Matrix, heads: number, angles: number[], factor: number): Matrix {
    const y = matrix(x.rows, x.columns);
    const half = angles.length;
    const each = (work: (first: number, second: number, c: number, s: number) => void) => {
      for (let p = 0; p < x.rows; p++) for (let h = 0; h < heads; h++) for (let j = 0; j < half; j++) {
        const at = p * x.columns + h * 2 * half + j;
        work(at, at + half, factor * Math.cos(p * angles[j]!), factor * Math.sin(p * angles[j]!));
      }
    };
    each((a, b, c, s) => {
      y.values[a] = x.values[a]! * c - x.values[b]! * s;
      y.values[b] = x.values[b]! * c + x.values[a]! * s;
    });
    return this.record(y, () => each((a, b, c, s) => {
      x.gradient[a]! += y.gradient[a]! * c + y.gradient[b]! * s;
      x.gradient[b]! += y.gradient[b]! * c - y.gradient[a]! * s;
    }));
  }

  /** Causal attention, each position over itself and the `window` − 1 before it. */
  attention(q: Matrix, k: Matrix, v: Matrix, { heads, groups, headDim, window }: ModelConfig): Matrix {
    const y = matrix(q.rows, q.columns);
    const scale = 1 / Math.sqrt(headDim);
    const kept: { p: number[]; first: number; i: number; qAt: number; group: number }[] = [];
    const keyAt = (t: number, group: number) => (t * groups + group) * headDim;
    for (let i = 0; i < q.rows; i++) for (let h = 0; h < heads; h++) {
      const group = Math.floor((h * groups) / heads);
      const qAt = (i * heads + h) * headDim;
      const first = window === undefined ? 0 : Math.max(0, i + 1 - window);
      const scores: number[] = [];
      for (let t = first; t <= i; t++) {
        let dot = 0;
        for (let e = 0; e < headDim; e++) dot += q.values[qAt + e]! * k.values[keyAt(t, group) + e]!;
        scores.push(dot * scale);
      }
      const max = Math.max(...scores);
      const sum = scores.reduce((total, score) => total + Math.exp(score - max), 0);
      const p = scores.map((score) => Math.exp(score - max) / sum);
      p.forEach((weight, c) => {
        for (let e = 0; e < headDim; e++) y.values[qAt + e]! += weight * v.values[keyAt(first + c, group) + e]!;
      });
      kept.push({ p, first, i, qAt, group });
    }
    return this.record(y, () => {
      for (const { p, first, qAt, group } of kept) {
        const dp = p.map((weight, c) => {
          let dot = 0;
          for (let e = 0; e < headDim; e++) {
            dot += y.gradient[qAt + e]! * v.values[keyAt(first + c, group) + e]!;
            v.gradient[keyAt(first + c, group) + e]! += weight * y.gradient[qAt + e]!;
          }
          return dot;
        });
        const mean = p.reduce((total, weight, c) => total + weight * dp[c]!, 0);
        p.forEach((weight, c) => {
          const ds = scale * weight * (dp[c]! - mean);
          for (let e = 0; e < headDim; e++) {
            q.gradient[qAt + e]! += ds * k.values[keyAt(first + c, group) + e]!;
            k.gradient[keyAt(first + c, group) + e]! += ds * q.values[qAt + e]!;
          }
        });
      }
    });
  }

  /** silu(gate) · up. */
  gate(gate: Matrix, up: Matrix): Matrix {
    const y = matrix(gate.rows, gate.columns);
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    for (let i = 0; i < y.values.length; i++) y.values[i] = gate.values[i]! * sigmoid(gate.values[i]!) * up.values[i]!;
    return this.record(y, () => {
      for (let i = 0; i < y.values.length; i++) {
        const x = gate.values[i]!;
        const s = sigmoid(x);
        gate.gradient[i]! += y.gradient[i]! * up.values[i]! * (s + x * s * (1 - s));
        up.gradient[i]! += y.gradient[i]! * x * s;
      }
    });
  }
}

/** Angle of each pair per position, by wavelength, and the factor of both tables. */
function rotation({ headDim, ropeTheta, ropeScaling }: ModelConfig): { angles: number[]; factor: number } {
  const plain = Array.from({ length: headDim / 2 }, (_, i) => ropeTheta ** ((-2 * i) / headDim));
  if (!ropeScaling) return { angles: plain, factor: 1 };
  if (ropeScaling.type === 'linear') return { angles: plain.map((a) => a / ropeScaling.factor), factor: 1 };
  if (ropeScaling.type === 'llama3') {
    const { factor, lowFrequency, highFrequency, original } = ropeScaling;
    const angles = plain.map((a) => {
      const wavelength = (2 * Math.PI) / a;
      if (wavelength < original / highFrequency) return a;
      if (wavelength > original / lowFrequency) return a / factor;
      const smooth = (original / wavelength - lowFrequency) / (highFrequency - lowFrequency);
      return (1 - smooth) * (a / factor) + smooth * a;
    });
    return { angles, factor: 1 };
  }
  const { factor, original, betaFast, betaSlow, truncate, attentionFactor, mscale, mscaleAll } = ropeScaling;
  const dimension = (turns: number) => (headDim * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(ropeTheta));
  let [low, high] = [dimension(betaFast), dimension(betaSlow)];
  if (truncate) [low, high] = [Math.floor(low), Math.ceil(high)];
  low = Math.max(low, 0);
  high = Math.min(high, headDim - 1);
  if (low === high) high += 0.001;
  const angles = plain.map((a, i) => {
    const kept = 1 - Math.min(1, Math.max(0, (i - low) / (high - low)));
    return (a / factor) * (1 - kept) + a * kept;
  });
  const magnitude = (weight: number) => 0.1 * weight * Math.log(factor) + 1;
  return { angles, factor: attentionFactor ?? (mscale && mscaleAll ? magnitude(mscale) / magnitude(mscaleAll) : magnitude(1)) };
}

/** What `compute` of families.ts gives, without the answer; `base` leaves the adapter out. */
export function oracle({ config, weights, adapter, sequences }: MadeFamily, loraScale: number): { logits: number[]; loss: number; gradients: Map<string, Float64Array> } {
  const held = new Map([...weights].map(([name, { shape, values }]) => [name, matrix(shape.length === 2 ? shape[0]! : 1, shape.at(-1)!, Float64Array.from(values))]));
  const factors = new Map([...adapter].map(([name, { shape, values }]) => [name.replace('base_model.model.model.', '').replace('.weight', ''), matrix(shape[0]!, shape[1]!, Float64Array.from(values))]));
  const { angles, factor } = rotation(config);
  const logits: number[] = [];
  let total = 0;
  for (const { ids, start } of sequences) {
    const tape = new Tape();
    const fed = ids.slice(0, -1);
    const linear = (name: string, x: Matrix) => {
      let y = tape.product(x, held.get(`${name}.weight`)!);
      const target = name.split('.').at(-1)!;
      if ((config.biases as readonly string[]).includes(target)) y = tape.sum(y, held.get(`${name}.bias`)!);
      return tape.sum(y, tape.product(tape.product(x, factors.get(`${name}.lora_A`)!), factors.get(`${name}.lora_B`)!), loraScale);
    };
    const table = held.get('embed_tokens.weight')!;
    let x = matrix(fed.length, config.hidden, Float64Array.from(fed.flatMap((id) => [...table.values.subarray(id * config.hidden, (id + 1) * config.hidden)])));
    for (let layer = 0; layer < config.layers; layer++) {
      const at = `layers.${layer}`;
      const normed = tape.norm(x, held.get(`${at}.input_layernorm.weight`)!, config.eps);
      const q = tape.turn(linear(`${at}.self_attn.q_proj`, normed), config.heads, angles, factor);
      const k = tape.turn(linear(`${at}.self_attn.k_proj`, normed), config.groups, angles, factor);
      const attended = tape.attention(q, k, linear(`${at}.self_attn.v_proj`, normed), config);
      x = tape.sum(x, linear(`${at}.self_attn.o_proj`, attended));
      const normed2 = tape.norm(x, held.get(`${at}.post_attention_layernorm.weight`)!, config.eps);
      const h = tape.gate(linear(`${at}.mlp.gate_proj`, normed2), linear(`${at}.mlp.up_proj`, normed2));
      x = tape.sum(x, linear(`${at}.mlp.down_proj`, h));
    }
    const out = tape.product(tape.norm(x, held.get('norm.weight')!, config.eps), config.tied ? table : held.get('lm_head.weight')!);
    const weight = 1 / (sequences.length * (ids.length - start));
    for (let p = start - 1; p < fed.length; p++) {
      const row = out.values.subarray(p * config.vocab, (p + 1) * config.vocab);
      logits.push(...row);
      const max = Math.max(...row);
      const sum = row.reduce((all, l) => all + Math.exp(l - max), 0);
      total += weight * (max + Math.log(sum) - row[ids[p + 1]!]!);
      row.forEach((l, id) => (out.gradient[p * config.vocab + id] = weight * (Math.exp(l - max) / sum - (id === ids[p + 1] ? 1 : 0))));
    }
    tape.backward();
  }
  return { logits, loss: total, gradients: new Map([...factors].map(([name, { gradient }]) => [name, gradient])) };
}
