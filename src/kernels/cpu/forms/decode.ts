import { attended } from '../../decode/attention.ts';
import { usedMatrices, productInputs } from '../../decode/products.ts';
import { NONE, rowOf } from '../../decode/rows.ts';
import { FORMATS, type Format } from '../../matrix/format.ts';
import { matrixOperations } from '../../matrix/operation.ts';
import type { Params, Shape } from '../../operation.ts';
import type { CpuBackend, CpuTensor } from '../backend.ts';
import type { FastCall, FastForms } from '../form.ts';
import { matmulForms } from './matmul.ts';
import { matrixForms } from './matrix.ts';

function withScratch(backend: CpuBackend, floats: number[], work: (...places: number[]) => void): void {
  const places = floats.map((count) => backend.heap.allocate(count * 4 + 16));
  try {
    work(...places);
  } finally {
    floats.forEach((count, i) => backend.heap.free(places[i]!, count * 4 + 16));
  }
}

/** A value in between left the range: the output says so, and the backend ends the run. */
function poison(backend: CpuBackend, at: number): void {
  new Float32Array(backend.heap.memory.buffer, at, 1)[0] = NaN;
}

/** What finishes one row's products: see finishRow of decode.as.ts. */
interface Finish {
  raw: CpuTensor;
  total: number;
  pool: CpuTensor;
  poolShape: Shape;
  vectors: CpuTensor;
  rank: number;
}

const finishOf = (raw: CpuTensor, pool: CpuTensor, vectors: CpuTensor, rawShape: Shape, poolShape: Shape, params: Params): Finish => ({
  raw, total: rawShape[1]!, pool, poolShape, vectors, rank: params.rank ?? 0,
});

/** Columns column … of row i, finished, at `to`. */
function finishRow(
  backend: CpuBackend, { raw, total, pool, poolShape, vectors, rank }: Finish, params: Params, i: number,
  column: number, count: number, low: number, bias: number | undefined, b: number, scaleAt: number, to: number,
): boolean {
  const line = raw.at + i * total * 4;
  const slot = rowOf(params, 'slot', i);
  const own = slot < poolShape[0]! ? rank : 0;
  const place = own ? pool.at + slot * poolShape[1]! * 4 : 0;
  const scale = own ? new Float32Array(backend.heap.memory.buffer, place + scaleAt * 4, 1)[0]! : 0;
  const biasAt = bias === undefined || bias === NONE ? 0 : vectors.at + bias * 4;
  const outside = backend.kernels.finishRow(line + column * 4, biasAt, line + low * 4, place + b * 4, to, count, own, scale) !== 0;
  if (outside) poison(backend, to);
  return !outside;
}

function products(format: Format): (call: FastCall) => void {
  const nt = matrixOperations[format].nt.name;
  const multiply = (format === 'f32' ? matmulForms : matrixForms)[nt]!;
  const { codes, scales } = productInputs(format);
  return ({ backend, inputs, outputs: [raw], shapes, params }) => {
    const [given, pool] = inputs as [CpuTensor, CpuTensor];
    const { rows, terms, rank = 0, factors = 0, low = 0 } = params as Record<string, number> & { rows: number; terms: number };
    const { heap, kernels } = backend;
    const total = shapes[2]![1]!;
    const pitch = shapes[0]![1]!;
    const apart = rows > 1 && pitch !== terms;
    const used = usedMatrices(shapes, params);
    const widest = rows > 1 ? Math.max(...used.map(({ columns }) => columns)) : 0;
    withScratch(backend, [apart ? rows * terms : 0, rows * widest], (compact, temporary) => {
      const bytes = () => new Uint8Array(heap.memory.buffer);
      let x = given;
      if (apart) {
        for (let i = 0; i < rows; i++) bytes().copyWithin(compact + i * terms * 4, given.at + i * pitch * 4, given.at + (i * pitch + terms) * 4);
        x = { ...given, shape: [rows, terms], at: compact, length: rows * terms };
      }
      used.forEach(({ columns, at }, m) => {
        const weights = [inputs[codes[m]!]!, ...(scales.length ? [inputs[scales[m]!]!] : [])];
        const y: CpuTensor = { name: raw!.name, shape: [rows, columns], dtype: 'f32', constant: false, at: rows > 1 ? temporary : raw!.at + at * 4, length: rows * columns };
        multiply({ backend, inputs: [x, ...weights], outputs: [y], shapes: [[rows, terms], ...weights.map(({ shape }) => shape)], params: {} });
        if (rows === 1) return;
        for (let i = 0; i < rows; i++) bytes().copyWithin(raw!.at + (i * total + at) * 4, temporary + i * columns * 4, temporary + (i + 1) * columns * 4);
      });
      // A copy of x is gone after this call, and so must what was made of it.
      if (apart) backend.left.forget(x);
      const [slots, perSlot] = shapes[1] as [number, number];
      for (let i = 0; i < rows && rank; i++) {
        const slot = rowOf(params, 'slot', i);
        const to = raw!.at + (i * total + low) * 4;
        if (slot >= slots) bytes().fill(0, to, to + factors * rank * 4);
        else for (let f = 0; f < factors; f++) kernels.dotColumns(given.at + i * pitch * 4, pool.at + (slot * perSlot + params[`a${f}`]!) * 4, to + f * rank * 4, rank, terms);
      }
    });
  };
}

export const decodeForms: FastForms = {
  ...Object.fromEntries(FORMATS.map((format) => [`decodeProducts.${format}`, products(format)])),
  decodeNorm({ backend, inputs: [, , raw, pool, vectors], outputs: [x, normed], shapes, params }) {
    const d = shapes[0]![1]!;
    const rows = params.rows!;
    const finish = finishOf(raw!, pool!, vectors!, shapes[2]!, shapes[3]!, params);
    withScratch(backend, [d, rows], (row, r) => {
      for (let i = 0; i < rows && params.finish; i++) {
        finishRow(backend, finish, params, i, 0, d, params.low ?? 0, params.bias, params.b ?? 0, params.scaleAt ?? 0, row);
        backend.kernels.addRow(x!.at + i * d * 4, row, d);
      }
      backend.kernels.rmsNorm(x!.at, vectors!.at + params.norm! * 4, normed!.at, r, rows, d, params.eps!);
      if (backend.kernels.firstOutOfRange(r, rows) >= 0) poison(backend, normed!.at);
      backend.kernels.operandsInPlace(normed!.at, rows * d);
    });
  },
  decodeSwiglu({ backend, inputs: [, raw, pool, vectors], outputs: [h], shapes, params }) {
    const n = shapes[0]![1]!;
    const { rank = 0, low = 0, bGate = 0, bUp = 0, scaleAt = 0 } = params;
    const finish = finishOf(raw!, pool!, vectors!, shapes[1]!, shapes[2]!, params);
    withScratch(backend, [n, n, n], (gate, up, row) => {
      for (let i = 0; i < params.rows!; i++) {
        finishRow(backend, finish, params, i, 0, n, low, params.biasGate, bGate, scaleAt, gate);
        finishRow(backend, finish, params, i, n, n, low + rank, params.biasUp, bUp, scaleAt + 1, up);
        backend.kernels.swiglu(gate, up, row, n);
        backend.kernels.operandsInPlace(row, n);
        new Uint8Array(backend.heap.memory.buffer).copyWithin(h!.at + i * n * 4, row, row + n * 4);
      }
    });
  },
  decodeAttention({ backend, inputs: [raw, pool, vectors, turns], outputs: [k, v, out], shapes, params }) {
    const { kernels } = backend;
    const { heads, groups, scale, rank = 0, low = 0, scaleAt = 0 } = params as Record<string, number> & { heads: number; groups: number; scale: number };
    const e = shapes[3]![1]!;
    const keyed = groups * e;
    const pitch = shapes[6]![1]!;
    const room = Math.floor((pitch - heads * e) / heads);
    const finish = finishOf(raw!, pool!, vectors!, shapes[0]!, shapes[1]!, params);
    const spans = Array.from({ length: params.rows! }, (_, i) => attended(params, i));
    const widest = Math.max(...spans.map(({ count }) => count));
    let inRange = true;
    // Words for the position (0, of a table of one) and the range that softmax asks for.
    withScratch(backend, [heads * e, heads * e, keyed, heads * widest, heads * widest, 3], (fresh, q, key, scores, p, words) => {
      const expect = (at: number, count: number) => (inRange = inRange && kernels.firstOutOfRange(at, count) < 0);
      spans.forEach(({ position, from, count }, i) => {
        const part = (which: number, column: number, width: number, bias: number | undefined, b: number | undefined, to: number) =>
          (inRange = finishRow(backend, finish, params, i, column, width, low + which * rank, bias, b ?? 0, scaleAt + which, to) && inRange);
        new Uint32Array(backend.heap.memory.buffer, words, 3).set([0, 0, count]);
        const cos = turns!.at + position * e * 4;
        const first = rowOf(params, 'base', i) * keyed * 4;
        const [newKey, newValue] = [k!.at + first + position * keyed * 4, v!.at + first + position * keyed * 4];
        part(0, 0, heads * e, params.biasQ, params.bQ, fresh);
        kernels.rope(fresh, words, cos, cos + e * 2, q, 1, heads, e / 2, 1, 0);
        part(1, heads * e, keyed, params.biasK, params.bK, key);
        kernels.rope(key, words, cos, cos + e * 2, newKey, 1, groups, e / 2, 1, 0);
        part(2, (heads + groups) * e, keyed, params.biasV, params.bV, newValue);
        const oldest = first + from * keyed * 4;
        const group = (h: number) => oldest + Math.floor(h / (heads / groups)) * e * 4;
        for (let h = 0; h < heads; h++) kernels.dotRows(q + h * e * 4, k!.at + group(h), scores + h * count * 4, count, e, keyed);
        kernels.softmax(scores, words + 4, words + 8, p, 1, heads, count, scale);
        kernels.operandsInPlace(p, heads * count);
        const to = out!.at + i * pitch * 4;
        const bytes = new Uint8Array(backend.heap.memory.buffer);
        for (let h = 0; h < heads; h++) {
          kernels.weighValues(p + h * count * 4, v!.at + group(h), to + h * e * 4, count, e, keyed);
          bytes.copyWithin(to + (heads * e + h * room) * 4, p + h * count * 4, p + (h + 1) * count * 4);
        }
        expect(q, heads * e);
        expect(newKey, keyed);
        expect(scores, heads * count);
        expect(to, heads * e);
        kernels.operandsInPlace(to, heads * e);
      });
    });
    return inRange;
  },
  joinTurns({ backend, inputs: [cos, sin], outputs: [turns], shapes, params }) {
    const half = shapes[0]![1]! * 4;
    const bytes = new Uint8Array(backend.heap.memory.buffer);
    for (let p = 0; p < params.rows!; p++) {
      bytes.copyWithin(turns!.at + 2 * p * half, cos!.at + p * half, cos!.at + (p + 1) * half);
      bytes.copyWithin(turns!.at + (2 * p + 1) * half, sin!.at + p * half, sin!.at + (p + 1) * half);
    }
  },
  gatheredLow({ backend, inputs: [x, pool, slot], outputs: [low], shapes, params }) {
    const [n, k] = shapes[0] as [number, number];
    const [slots, perSlot] = shapes[1] as [number, number];
    const { rank, factors } = params as { rank: number; factors: number };
    const chosen = new Uint32Array(backend.heap.memory.buffer, slot!.at, n).slice();
    for (let i = 0; i < n; i++) {
      const to = low!.at + i * factors * rank * 4;
      if (chosen[i]! >= slots) new Uint8Array(backend.heap.memory.buffer).fill(0, to, to + factors * rank * 4);
      else for (let f = 0; f < factors; f++) backend.kernels.dotColumns(x!.at + i * k * 4, pool!.at + (chosen[i]! * perSlot + params[`a${f}`]!) * 4, to + f * rank * 4, rank, k);
    }
  },
  gatheredUp({ backend, inputs: [, low, pool, slot], outputs: [y], shapes, params }) {
    const [n, m] = shapes[0] as [number, number];
    const [slots, perSlot] = shapes[2] as [number, number];
    const { rank, at, b, scaleAt } = params as { rank: number; at: number; b: number; scaleAt: number };
    const { buffer } = backend.heap.memory;
    const chosen = new Uint32Array(buffer, slot!.at, n);
    for (let i = 0; i < n; i++) {
      if (chosen[i]! >= slots) continue;
      const place = pool!.at + chosen[i]! * perSlot * 4;
      const line = y!.at + i * m * 4;
      const scale = new Float32Array(buffer, place + scaleAt * 4, 1)[0]!;
      if (backend.kernels.finishRow(line, 0, low!.at + (i * shapes[1]![1]! + at) * 4, place + b * 4, line, m, rank, scale)) poison(backend, line);
    }
  },
};
