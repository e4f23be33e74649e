import { BLOCK, add, bitsOf, exp, div, fromBits, mul, operand, store, sub } from '../../arithmetic/rf32.ts';
import { OpenLedgerError, throwIfAborted } from '../../errors.ts';
import type { Backend, Tensor } from '../../kernels/backend.ts';
import { breathe } from '../../kernels/breathe.ts';
import { matmulNT } from '../../kernels/matmul/operation.ts';
import { ELEMENTS } from './element.ts';
import { type Instruction, type Lengths, type OpName, type Program, type TraceInputs, lengthsOf, sizeOf } from './instruction.ts';

/** A matrix of a trace. Constants of integers hold them by their bits. */
export interface Matrix {
  rows: number;
  columns: number;
  values: Float32Array;
}

/** Constants of a program, read when they are used: those of a large model are never held at once. */
export interface Constants {
  matrix(index: number): Promise<Matrix>;
}

export interface RunOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Called for each instruction in order; false ends the run there. */
  onMatrix?: ((index: number, matrix: Matrix) => boolean) | undefined;
  /** Matrices that stay when nothing reads them any more; the last two always do. */
  keep?: ((index: number) => boolean) | undefined;
  /** Changes a matrix before it is read by others: for tests that plant faults. */
  change?: ((index: number, matrix: Matrix) => void) | undefined;
}

/** Constants that stay on the backend while a program runs: a base's weights are read at every checkpoint. */
const HELD_BYTES = 256 * 2 ** 20;

/**
 * Runs a program on the host; only products of matrices run on `backend`, whose bits are RF32's on every device. Gives the
 * matrices that were kept, by instruction. Throws `trace/too-long`, `cancelled`.
 */
export async function runProgram(backend: Backend, program: Program, constants: Constants, inputs: TraceInputs, { signal, onProgress, onMatrix, keep = () => false, change }: RunOptions = {}): Promise<(Matrix | undefined)[]> {
  requireLength(inputs.tokens.length);
  const lengths = lengthsOf(inputs, program.window);
  const { instructions } = program;
  const out: (Matrix | undefined)[] = [];
  const lastUse = lastUses(program);
  const held = new Map<number, Tensor>();
  let heldBytes = 0;
  try {
    for (const [index, instruction] of instructions.entries()) {
      const [rows, columns] = [sizeOf(instruction.rows, lengths), sizeOf(instruction.columns, lengths)];
      const { op, inputs: from } = instruction;
      let values: Float32Array;
      if (op === 'dot') {
        const scratch: Tensor[] = [];
        const place = async ({ space, index: at }: (typeof from)[number]) => {
          const before = space === 'constant' ? held.get(at) : undefined;
          if (before) return before;
          const matrix = space === 'trace' ? out[at]! : await constants.matrix(at);
          const tensor = backend.upload(instruction.name, [matrix.rows, matrix.columns], matrix.values, space === 'constant');
          if (space === 'constant' && heldBytes + matrix.values.byteLength <= HELD_BYTES) {
            heldBytes += matrix.values.byteLength;
            held.set(at, tensor);
          } else scratch.push(tensor);
          return tensor;
        };
        const operands = [await place(from[0]!), await place(from[1]!)];
        const [y] = backend.run(matmulNT, instruction.name, operands);
        values = (await backend.read(y!)) as Float32Array;
        for (const tensor of [...scratch, y!]) backend.free(tensor);
      } else {
        const sources: Matrix[] = [];
        for (const { space, index: at } of from) sources.push(space === 'trace' ? out[at]! : await constants.matrix(at));
        values = new Float32Array(rows * columns);
        (FAST[op] ?? slow)({ instruction, lengths, inputs, sources, rows, columns, values });
      }
      const matrix = { rows, columns, values };
      change?.(index, matrix);
      out.push(matrix);
      if (onMatrix?.(index, matrix) === false) break;
      for (const at of lastUse[index]!) if (!keep(at)) out[at] = undefined;
      if (index % 32 === 31) {
        throwIfAborted(signal);
        onProgress?.(index + 1, instructions.length);
        await breathe();
      }
    }
    return out;
  } finally {
    for (const tensor of held.values()) backend.free(tensor);
  }
}

/** For each instruction the matrices that nothing reads after it, itself among them; the scores and the noise are never. */
function lastUses({ instructions }: Program): number[][] {
  const last = instructions.map((_, k) => k);
  instructions.forEach(({ inputs }, k) => inputs.forEach(({ space, index }) => space === 'trace' && (last[index] = k)));
  const out: number[][] = instructions.map(() => []);
  last.forEach((at, k) => k < instructions.length - 2 && out[at]!.push(k));
  return out;
}

interface Work {
  instruction: Instruction;
  lengths: Lengths;
  inputs: TraceInputs;
  sources: Matrix[];
  rows: number;
  columns: number;
  values: Float32Array;
}

/** Element by element, as element.ts has it. */
export function slow({ instruction, lengths, inputs, sources, rows, columns, values }: Work): void {
  const element = ELEMENTS[instruction.op];
  const read = { get: (k: number, i: number, j: number) => sources[k]!.values[i * sources[k]!.columns + j]!, columns: (k: number) => sources[k]!.columns };
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) values[i * columns + j] = element({ instruction, lengths, inputs, columns, i, j }, read);
  }
}

/** What a claim can be about: programs are made for texts of this many tokens at most. */
export const MOST_TOKENS = 1024;

export function requireLength(tokens: number): void {
  if (tokens <= MOST_TOKENS) return;
  throw new OpenLedgerError({
    code: 'trace/too-long',
    what: 'This answer is too long to be claimed.',
    why: `Prompt and answer have ${tokens} tokens; a claim can be checked on chain up to ${MOST_TOKENS}.`,
    next: 'Ask for a shorter answer.',
  });
}

const operands = (values: Float32Array) => values.map(operand);
const fround = Math.fround;

/** Σ over `count` terms of a[from + t] · b[at + t·step], as RF32 sums; a and b are operands. */
function products(a: Float32Array, from: number, b: Float32Array, at: number, count: number): number {
  let total = 0;
  for (let first = 0; first < count; first += BLOCK) {
    const end = Math.min(count, first + BLOCK);
    let sum = 0;
    for (let t = first; t < end; t++) sum = fround(sum + fround(a[from + t]! * b[at + t]!));
    total = fround(total + sum);
  }
  return total;
}

const low = (i: number, { w }: Lengths) => Math.max(0, i - w + 1);
const attended = (i: number, lengths: Lengths) => i + 1 - low(i, lengths);

/** Row by row where it counts; the rest goes element by element. run.test.ts holds them to the slow form. */
const FAST: Partial<Record<OpName, (work: Work) => void>> = {
  scores: ({ instruction: { params: [h, g, e] }, lengths, sources: [q, k], columns, values }) => {
    const [a, b] = [operands(q!.values), operands(k!.values)];
    for (let row = 0; row * columns < values.length; row++) {
      const [token, head] = [Math.floor(row / h!), row % h!];
      const group = Math.floor(head / (h! / g!));
      const [first, count] = [low(token, lengths), attended(token, lengths)];
      for (let c = 0; c < count; c++) values[row * columns + c] = store(products(a, token * q!.columns + head * e!, b, (first + c) * k!.columns + group * e!, e!));
    }
  },
  values: ({ instruction: { params: [h, g, e] }, lengths, sources: [p, v], rows, columns, values }) => {
    const [a, b] = [operands(p!.values), operands(v!.values)];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const head = Math.floor(j / e!);
        const group = Math.floor(head / (h! / g!));
        values[i * columns + j] = store(products(a, (i * h! + head) * p!.columns, b, (group * e! + (j % e!)) * v!.columns + low(i, lengths), attended(i, lengths)));
      }
    }
  },
  keys: ({ instruction: { params: [h, g, e] }, lengths, sources: [p, q], rows, columns, values }) => {
    const [a, b] = [operands(p!.values), operands(q!.values)];
    const each = h! / g!;
    for (let i = 0; i < rows; i++) {
      const count = (Math.min(lengths.n, i + lengths.w) - i) * each;
      for (let j = 0; j < columns; j++) values[i * columns + j] = store(products(a, (i * g! + Math.floor(j / e!)) * p!.columns, b, j * q!.columns + i * each, count));
    }
  },
  transpose: ({ sources: [a], rows, columns, values }) => {
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) values[i * columns + j] = a!.values[j * a!.columns + i]!;
  },
  tokens: ({ inputs: { tokens }, sources: [table], rows, columns, values }) => {
    for (let i = 0; i < rows; i++) if (tokens[i]! < table!.rows) values.set(table!.values.subarray(tokens[i]! * columns, (tokens[i]! + 1) * columns), i * columns);
  },
  add: ({ sources: [a, b], values }) => {
    for (let i = 0; i < values.length; i++) values[i] = store(add(a!.values[i]!, b!.values[i]!));
  },
  addScaled: ({ instruction: { params }, sources: [a, b], values }) => {
    const scale = fromBits(params[0]!);
    for (let i = 0; i < values.length; i++) values[i] = store(add(a!.values[i]!, mul(b!.values[i]!, scale)));
  },
  scale: ({ instruction: { params }, sources: [a], values }) => {
    const scale = fromBits(params[0]!);
    for (let i = 0; i < values.length; i++) values[i] = mul(a!.values[i]!, scale);
  },
  scaleBy: ({ sources: [a, s], values }) => {
    for (let i = 0; i < values.length; i++) values[i] = mul(a!.values[i]!, s!.values[i]!);
  },
  rmsNorm: ({ sources: [x, r, w], columns, values }) => {
    for (let i = 0; i < values.length; i++) values[i] = mul(mul(x!.values[i]!, r!.values[Math.floor(i / columns)]!), w!.values[i % columns]!);
  },
  rmsGradient: ({ sources: [dy, x, w, r, c], columns, values }) => {
    for (let i = 0; i < values.length; i++) {
      const row = Math.floor(i / columns);
      values[i] = store(sub(mul(r!.values[row]!, mul(dy!.values[i]!, w!.values[i % columns]!)), mul(c!.values[row]!, x!.values[i]!)));
    }
  },
  softmaxExp: ({ instruction: { params: [h, bits] }, lengths, sources: [scores, max], columns, values }) => {
    const scale = fromBits(bits!);
    for (let row = 0; row * columns < values.length; row++) {
      const count = attended(Math.floor(row / h!), lengths);
      for (let c = 0; c < count; c++) values[row * columns + c] = exp(sub(mul(scores!.values[row * columns + c]!, scale), max!.values[row]!));
    }
  },
  softmax: ({ sources: [e, inverse], columns, values }) => {
    for (let i = 0; i < values.length; i++) values[i] = mul(e!.values[i]!, inverse!.values[Math.floor(i / columns)]!);
  },
  lossExp: ({ sources: [logits, max], columns, values }) => {
    for (let i = 0; i < values.length; i++) values[i] = exp(sub(logits!.values[i]!, max!.values[Math.floor(i / columns)]!));
  },
  sumBlocks: ({ sources: [x], rows, columns, values }) => blocksOf(rows, columns, x!.columns, values, (i, t) => x!.values[i * x!.columns + t]!),
  squareBlocks: ({ sources: [x], rows, columns, values }) => blocksOf(rows, columns, x!.columns, values, (i, t) => mul(x!.values[i * x!.columns + t]!, x!.values[i * x!.columns + t]!)),
  inverseFold: ({ sources: [x], rows, values }) => {
    for (let i = 0; i < rows; i++) {
      let total = 0;
      for (let b = 0; b < x!.columns; b++) total = add(total, x!.values[i * x!.columns + b]!);
      values[i] = div(1, total);
    }
  },
  rowBlocks: ({ sources: [text, x], rows, columns, values }) => {
    const [a, b] = [operands(text!.values), operands(x!.values)];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let t = j * BLOCK; t < Math.min(x!.columns, (j + 1) * BLOCK); t++) sum = fround(sum + fround(a[t]! * b[i * x!.columns + t]!));
        values[i * columns + j] = sum;
      }
    }
  },
  sketch: ({ sources: [x, pairs, members, before], columns, values }) => {
    const [bounds, list] = [new Uint32Array(pairs!.values.buffer, pairs!.values.byteOffset, pairs!.values.length), new Uint32Array(members!.values.buffer, members!.values.byteOffset, members!.values.length)];
    for (let j = 0; j < columns; j++) {
      let total = 0;
      for (let first = bounds[2 * j]!; first < bounds[2 * j + 1]!; first += BLOCK) {
        let sum = 0;
        for (let e = first; e < Math.min(bounds[2 * j + 1]!, first + BLOCK); e++) {
          const value = x!.values[list[e]! & 0x7fffffff]!;
          sum = add(sum, list[e]! >>> 31 ? 0 - value : value);
        }
        total = add(total, sum);
      }
      values[j] = store(add(before ? before.values[j]! : 0, total));
    }
  },
};

/** [rows, blocks]: block sums of `count` terms a row. */
function blocksOf(rows: number, blocks: number, count: number, values: Float32Array, term: (row: number, t: number) => number): void {
  for (let i = 0; i < rows; i++) {
    for (let b = 0; b < blocks; b++) {
      let sum = 0;
      for (let t = b * BLOCK; t < Math.min(count, (b + 1) * BLOCK); t++) sum = add(sum, term(i, t));
      values[i * blocks + b] = sum;
    }
  }
}

/** Same values, bit for bit. */
export const sameBits = (a: number, b: number) => bitsOf(a) === bitsOf(b);
