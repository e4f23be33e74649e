import type { CpuBackend, CpuTensor } from '../backend.ts';
import type { FastForms } from '../form.ts';

/** Blocks of memory for one call, given back at its end. */
function withScratch(backend: CpuBackend, sizes: number[], use: (...at: number[]) => void): void {
  const taken = sizes.map((bytes) => backend.heap.allocate(bytes));
  use(...taken);
  taken.forEach((at, i) => backend.heap.free(at, sizes[i]!));
}

const WIDEST_TILE = 128;
const padded = (e: number) => Math.ceil(e / 16) * 16;

/** The key rows that any range reads. Ranges come from the model: one that does not fit is a programming error. */
function keySpan(backend: CpuBackend, lo: CpuTensor, hi: CpuTensor, keys: number, width: number): { first: number; count: number } {
  if (!backend.kernels.rangesFit(lo.at, hi.at, lo.length, keys, width)) {
    throw new RangeError(`attention: a range leaves the ${keys} keys or is wider than ${width}`);
  }
  const { buffer } = backend.heap.memory;
  const starts = new Uint32Array(buffer, lo.at, lo.length);
  const ends = new Uint32Array(buffer, hi.at, hi.length);
  let first = keys;
  let end = 0;
  for (let i = 0; i < starts.length; i++) {
    if (ends[i]! <= starts[i]!) continue;
    first = Math.min(first, starts[i]!);
    end = Math.max(end, ends[i]!);
  }
  return first < end ? { first, count: end - first } : { first: 0, count: 0 };
}

export const attentionForms: FastForms = {
  attentionScores({ backend, inputs: [q, k, lo, hi], outputs: [scores], shapes, params }) {
    const n = shapes[0]![0]!;
    const { heads, groups, width } = params as { heads: number; groups: number; width: number };
    const e = shapes[0]![1]! / heads;
    const d = groups * e;
    const span = keySpan(backend, lo!, hi!, shapes[1]![0]!, width);
    const pitch = Math.ceil(span.count / 4) * 4;
    withScratch(backend, [q!.length * 4 + 16, d * pitch * 4 + WIDEST_TILE], (queries, keys) => {
      backend.kernels.padOperands(q!.at, queries, 1, q!.length, q!.length);
      backend.kernels.transposeOperands(k!.at + span.first * d * 4, keys, span.count, d, pitch);
      backend.kernels.attentionScores(
        queries, keys, lo!.at, hi!.at, scores!.at, n, heads, groups, e, width, pitch, span.first,
      );
    });
  },
  softmax({ backend, inputs: [scores, lo, hi], outputs: [p], shapes, params }) {
    const [n, heads, width] = shapes[0] as [number, number, number];
    keySpan(backend, lo!, hi!, 2 ** 31 - 1, width);
    backend.kernels.softmax(scores!.at, lo!.at, hi!.at, p!.at, n, heads, width, params.scale!);
  },
  softmaxGradient({ backend, inputs: [p, dp, lo, hi], outputs: [ds], shapes, params }) {
    const [n, heads, width] = shapes[0] as [number, number, number];
    keySpan(backend, lo!, hi!, 2 ** 31 - 1, width);
    backend.kernels.softmaxGradient(p!.at, dp!.at, lo!.at, hi!.at, ds!.at, n, heads, width, params.scale!);
  },
  attentionValues({ backend, inputs: [p, v, lo, hi], outputs: [o], shapes, params }) {
    const [n, heads, width] = shapes[0] as [number, number, number];
    const groups = params.groups!;
    const e = shapes[1]![1]! / groups;
    const span = keySpan(backend, lo!, hi!, shapes[1]![0]!, width);
    const row = padded(e);
    withScratch(backend, [p!.length * 4 + 16, span.count * groups * row * 4], (weights, values) => {
      backend.kernels.padOperands(p!.at, weights, 1, p!.length, p!.length);
      backend.kernels.padOperands(v!.at + span.first * groups * e * 4, values, span.count * groups, e, row);
      backend.kernels.attentionValues(
        weights, values, lo!.at, hi!.at, o!.at, n, heads, groups, e, row, width, span.first,
      );
    });
  },
  attentionKeys({ backend, inputs: [p, q, lo, from, to], outputs: [y], shapes, params }) {
    const [n, heads, width] = shapes[0] as [number, number, number];
    const groups = params.groups!;
    const e = shapes[1]![1]! / heads;
    const t = from!.length;
    if (!backend.kernels.queriesFit(lo!.at, from!.at, to!.at, t, n, width)) {
      throw new RangeError('attentionKeys: a query that does not attend the key');
    }
    const row = padded(e);
    withScratch(backend, [p!.length * 4 + 16, n * heads * row * 4, 1024], (weights, queries, block) => {
      backend.kernels.padOperands(p!.at, weights, 1, p!.length, p!.length);
      backend.kernels.padOperands(q!.at, queries, n * heads, e, row);
      backend.kernels.attentionKeys(
        weights, queries, lo!.at, from!.at, to!.at, y!.at, block, t, heads, groups, e, row, width,
      );
    });
  },
};
