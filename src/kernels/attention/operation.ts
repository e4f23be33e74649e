import { blockSum, div, exp, mul, product, store, sub } from '../../arithmetic/rf32.ts';
import { expectShape, f32, type Operation } from '../operation.ts';

// Grouped-query attention over ragged ranges, so that packed training sequences, prefill, decoding from a cache
// and sliding windows are one thing: query row i (of N) attends key rows lo[i] <= t < hi[i] (of T).
// Letters: H query heads, G key/value heads, E values per head, W the widest range (scores are [N,H,W], column
// t - lo[i], zeros after the end). Head h reads group floor(h / (H/G)).

/** scores[N,H,W] = q · k over E, unscaled. Inputs q[N,H·E], k[T,G·E], lo[N], hi[N]; params heads, groups, width. Also dP = dO · Vᵀ. */
export const attentionScores: Operation = {
  name: 'attentionScores',
  inputs: ['f32', 'f32', 'u32', 'u32'],
  outputs: ([q, k, lo, hi], { heads, groups, width }) => {
    expectShape('attentionScores k', k, k![0]!, (q![1]! / heads!) * groups!);
    expectShape('attentionScores lo', lo, q![0]!);
    expectShape('attentionScores hi', hi, q![0]!);
    return [f32(q![0]!, heads!, width!)];
  },
  reference({ inputs: [q, k, lo, hi], outputs: [scores], shapes, params }) {
    const n = shapes[0]![0]!;
    const { heads, groups, width } = params as Record<string, number> & { heads: number; groups: number; width: number };
    const e = shapes[0]![1]! / heads;
    for (let i = 0; i < n; i++) {
      for (let h = 0; h < heads; h++) {
        const group = Math.floor(h / (heads / groups));
        for (let c = 0; c < width; c++) {
          const t = lo![i]! + c;
          scores![(i * heads + h) * width + c] =
            t >= hi![i]!
              ? 0
              : store(blockSum(e, (x) => product(q![(i * heads + h) * e + x]!, k![(t * groups + group) * e + x]!)));
        }
      }
    }
  },
};

/** p[N,H,W] = softmax over each range of scale · scores. Inputs scores, lo, hi; param scale. */
export const softmax: Operation = {
  name: 'softmax',
  inputs: ['f32', 'u32', 'u32'],
  outputs: ([scores, lo]) => {
    expectShape('softmax lo', lo, scores![0]!);
    return [f32(...scores!)];
  },
  reference({ inputs: [scores, lo, hi], outputs: [p], shapes, params }) {
    const [n, heads, width] = shapes[0] as [number, number, number];
    const scale = Math.fround(params.scale!);
    for (let row = 0; row < n * heads; row++) {
      const i = Math.floor(row / heads);
      const count = hi![i]! - lo![i]!;
      const scaled = (c: number) => mul(scores![row * width + c]!, scale);
      let max = scaled(0);
      for (let c = 1; c < count; c++) max = Math.max(max, scaled(c));
      const sum = blockSum(count, (c) => exp(sub(scaled(c), max)));
      const inverse = div(1, sum);
      for (let c = 0; c < width; c++) {
        p![row * width + c] = c < count ? mul(exp(sub(scaled(c), max)), inverse) : 0;
      }
    }
  },
};

/** dScores = scale · p · (dp − Σ p·dp). Inputs p, dp, lo, hi; param scale. */
export const softmaxGradient: Operation = {
  name: 'softmaxGradient',
  inputs: ['f32', 'f32', 'u32', 'u32'],
  outputs: ([p, dp]) => {
    expectShape('softmaxGradient dp', dp, ...p!);
    return [f32(...p!)];
  },
  reference({ inputs: [p, dp, lo, hi], outputs: [ds], shapes, params }) {
    const [n, heads, width] = shapes[0] as [number, number, number];
    const scale = Math.fround(params.scale!);
    for (let row = 0; row < n * heads; row++) {
      const i = Math.floor(row / heads);
      const count = hi![i]! - lo![i]!;
      const t = blockSum(count, (c) => mul(p![row * width + c]!, dp![row * width + c]!));
      for (let c = 0; c < width; c++) {
        ds![row * width + c] = c < count ? mul(mul(p![row * width + c]!, sub(dp![row * width + c]!, t)), scale) : 0;
      }
    }
  },
};

/** o[N,H·E] = p · v over each range. Inputs p[N,H,W], v[T,G·E], lo, hi; param groups. Also dQ = dS · K. */
export const attentionValues: Operation = {
  name: 'attentionValues',
  inputs: ['f32', 'f32', 'u32', 'u32'],
  outputs: ([p, v, lo], { groups }) => {
    expectShape('attentionValues lo', lo, p![0]!);
    return [f32(p![0]!, p![1]! * (v![1]! / groups!))];
  },
  reference({ inputs: [p, v, lo, hi], outputs: [o], shapes, params }) {
    const [n, heads, width] = shapes[0] as [number, number, number];
    const groups = params.groups!;
    const e = shapes[1]![1]! / groups;
    for (let row = 0; row < n * heads; row++) {
      const i = Math.floor(row / heads);
      const group = Math.floor((row % heads) / (heads / groups));
      for (let x = 0; x < e; x++) {
        o![row * e + x] = store(
          blockSum(
            hi![i]! - lo![i]!,
            (c) => product(p![row * width + c]!, v![((lo![i]! + c) * groups + group) * e + x]!),
          ),
        );
      }
    }
  },
};

/**
 * y[T,G·E]: for each key row t, the sum over the query rows i in [from[t], to[t]) that attend it and, inside, over
 * the heads of the group, of p[i,h,t−lo[i]] · q[i,h,:]. Gives dV (p, dO) and dK (dS, q).
 * Inputs p[N,H,W], q[N,H·E], lo[N], from[T], to[T]; param groups.
 */
export const attentionKeys: Operation = {
  name: 'attentionKeys',
  inputs: ['f32', 'f32', 'u32', 'u32', 'u32'],
  outputs: ([p, q, , from], { groups }) => {
    expectShape('attentionKeys q', q, p![0]!, q![1]!);
    return [f32(from![0]!, (q![1]! / p![1]!) * groups!)];
  },
  reference({ inputs: [p, q, lo, from, to], outputs: [y], shapes, params }) {
    const [, heads, width] = shapes[0] as [number, number, number];
    const groups = params.groups!;
    const perGroup = heads / groups;
    const e = shapes[1]![1]! / heads;
    for (let t = 0; t < from!.length; t++) {
      for (let group = 0; group < groups; group++) {
        for (let x = 0; x < e; x++) {
          y![(t * groups + group) * e + x] = store(
            blockSum((to![t]! - from![t]!) * perGroup, (term) => {
              const i = from![t]! + Math.floor(term / perGroup);
              const row = i * heads + group * perGroup + (term % perGroup);
              return product(p![row * width + t - lo![i]!]!, q![row * e + x]!);
            }),
          );
        }
      }
    }
  },
};
