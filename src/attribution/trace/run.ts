import { BLOCK, add, bitsOf, exp, div, fromBits, mul, store, sub } from '../../arithmetic/rf32.ts';
import { OpenLedgerError, throwIfAborted } from '../../errors.ts';
import type { Backend, Tensor } from '../../kernels/backend.ts';
import { breathe } from '../../kernels/breathe.ts';
import { matmulNT } from '../../kernels/matmul/operation.ts';
import { ELEMENTS } from './element.ts';
import { BACKWARD, type Instruction, type OpName, type Program, type Space, type TraceInputs, sizeOf } from './instruction.ts';
import { operands, products } from './products.ts';
import { FAST_LEDGER, ON_BACKEND } from './run-ledger.ts';
import { sketchSlots } from './run-sketch.ts';
import { type Texts, answerTexts } from './texts.ts';

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

/** What a program is run on. */
export interface Feed {
  texts: Texts;
  /** What other units made, by source; an answer's program reads none. */
  sources: readonly (readonly Matrix[])[];
}

export interface RunOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Called for each instruction in order; false ends the run there. `held`: what is held by instruction, all that it reads among it. */
  onMatrix?: ((index: number, matrix: Matrix, held: readonly (Matrix | undefined)[]) => boolean) | undefined;
  /** Matrices that stay when nothing reads them any more; the last ones always do. */
  keep?: ((index: number) => boolean) | undefined;
  /** How many the last ones are: 2, scores and noise, where it is not said. */
  outputs?: number | undefined;
  /** Products that leave the range of RF32 do not end the run: what a claim holds there is still judged by what its elements give. */
  anyRange?: boolean | undefined;
  /** Changes a matrix before it is read by others: for tests that plant faults. */
  change?: ((index: number, matrix: Matrix) => void) | undefined;
}

/** Constants that stay on the backend while a program runs: a base's weights are read at every checkpoint. */
const HELD_BYTES = 256 * 2 ** 20;

/** Runs the program of an answer. Throws `trace/too-long`, `cancelled`. */
export async function runProgram(backend: Backend, program: Program, constants: Constants, inputs: TraceInputs, options: RunOptions = {}): Promise<(Matrix | undefined)[]> {
  requireLength(inputs.tokens.length);
  return runTexts(backend, program, constants, { texts: answerTexts(inputs, program.window), sources: [] }, options);
}

/**
 * Runs a program on the host; only large products of matrices run on `backend`, whose bits are RF32's on every device. Gives the
 * matrices that were kept, by instruction. Throws `cancelled`, RangeError for a source that is not given.
 */
export async function runTexts(
  backend: Backend, program: Program, constants: Constants, { texts, sources: given }: Feed, { signal, onProgress, onMatrix, keep = () => false, change, outputs = 2, anyRange = false }: RunOptions = {},
): Promise<(Matrix | undefined)[]> {
  const { instructions } = program;
  const out: (Matrix | undefined)[] = [];
  const lastUse = lastUses(program, outputs);
  const held = new Map<number, Tensor>();
  let heldBytes = 0;
  const matrixOf = (space: Space, at: number): Matrix | Promise<Matrix> => {
    const found = space === 'trace' ? out[at] : space === 'constant' ? constants.matrix(at) : given[space]?.[at];
    if (!found) throw new RangeError(`no matrix ${at} of ${typeof space === 'number' ? `source ${space}` : space}`);
    return found;
  };
  try {
    for (const [index, instruction] of instructions.entries()) {
      const [rows, columns] = [sizeOf(instruction.rows, texts), sizeOf(instruction.columns, texts)];
      const { op, inputs: from } = instruction;
      let values: Float32Array;
      if (op === 'dot') {
        const scratch: Tensor[] = [];
        const place = async ({ space, index: at }: (typeof from)[number]) => {
          const before = space === 'constant' ? held.get(at) : undefined;
          if (before) return before;
          const matrix = await matrixOf(space, at);
          const tensor = backend.upload(instruction.name, [matrix.rows, matrix.columns], matrix.values, space === 'constant');
          if (space === 'constant' && heldBytes + matrix.values.byteLength <= HELD_BYTES) {
            heldBytes += matrix.values.byteLength;
            held.set(at, tensor);
          } else scratch.push(tensor);
          return tensor;
        };
        try {
          const [y] = backend.run(matmulNT, instruction.name, [await place(from[0]!), await place(from[1]!)]);
          scratch.push(y!);
          values = (await backend.read(y!)) as Float32Array;
        } catch (error) {
          if (!anyRange || !(error instanceof OpenLedgerError && error.code === 'rf32/out-of-range')) throw error;
          values = dotOfAnyRange(await matrixOf(from[0]!.space, from[0]!.index), await matrixOf(from[1]!.space, from[1]!.index));
        } finally {
          for (const tensor of scratch) backend.free(tensor);
        }
      } else {
        const sources: Matrix[] = [];
        values = new Float32Array(rows * columns);
        // What reads itself reads what is made of it so far.
        for (const { space, index: at } of from) sources.push(space === 'trace' && at === index ? { rows, columns, values } : await matrixOf(space, at));
        const work = { instruction, texts, sources, rows, columns, values };
        if (!(await onBackend(backend, work, anyRange))) (FAST[op] ?? slow)(work);
      }
      const matrix = { rows, columns, values };
      change?.(index, matrix);
      out.push(matrix);
      if (onMatrix?.(index, matrix, out) === false) break;
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

/** Whether the backend made it. */
async function onBackend(backend: Backend, work: Work, anyRange: boolean): Promise<boolean | undefined> {
  try {
    return await ON_BACKEND[work.instruction.op]?.(backend, work);
  } catch (error) {
    if (!anyRange || !(error instanceof OpenLedgerError && error.code === 'rf32/out-of-range')) throw error;
    work.values.fill(0);
    return false;
  }
}

/** As ELEMENTS.dot. */
function dotOfAnyRange(x: Matrix, y: Matrix): Float32Array {
  const [a, b] = [operands(x.values), operands(y.values)];
  return Float32Array.from({ length: x.rows * y.rows }, (_, k) => store(products(a, Math.floor(k / y.rows) * x.columns, b, (k % y.rows) * y.columns, x.columns)));
}

/** For each instruction the matrices that nothing reads after it, itself among them; the last `outputs` are never. */
function lastUses({ instructions }: Program, outputs: number): number[][] {
  const last = instructions.map((_, k) => k);
  instructions.forEach(({ inputs }, k) => inputs.forEach(({ space, index }) => space === 'trace' && (last[index] = k)));
  const out: number[][] = instructions.map(() => []);
  last.forEach((at, k) => k < instructions.length - outputs && out[at]!.push(k));
  return out;
}

/** One instruction to be run: `values` are zeros, to be filled. */
export interface Work {
  instruction: Instruction;
  texts: Texts;
  sources: Matrix[];
  rows: number;
  columns: number;
  values: Float32Array;
}

/** Element by element, as element.ts has it, in the order in which what an instruction reads of itself is made. */
export function slow({ instruction, texts, sources, rows, columns, values }: Work): void {
  const element = ELEMENTS[instruction.op];
  const backward = BACKWARD.has(instruction.op);
  const read = { get: (k: number, i: number, j: number) => sources[k]!.values[i * sources[k]!.columns + j]!, columns: (k: number) => sources[k]!.columns };
  for (let i = 0; i < rows; i++) {
    for (let t = 0; t < columns; t++) {
      const j = backward ? columns - 1 - t : t;
      values[i * columns + j] = element({ instruction, texts, columns, i, j }, read);
    }
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

/** Row by row where it counts; the rest goes element by element. trace.test.ts and run-ledger.test.ts hold them to the slow form. */
const FAST: Partial<Record<OpName, (work: Work) => void>> = {
  ...FAST_LEDGER,
  scores: ({ instruction: { params: [h, g, e] }, texts, sources: [q, k], columns, values }) => {
    const [a, b] = [operands(q!.values), operands(k!.values)];
    for (let row = 0; row * columns < values.length; row++) {
      const [token, head] = [Math.floor(row / h!), row % h!];
      const group = Math.floor(head / (h! / g!));
      const [first, count] = [texts.low(token), texts.attended(token)];
      for (let c = 0; c < count; c++) values[row * columns + c] = store(products(a, token * q!.columns + head * e!, b, (first + c) * k!.columns + group * e!, e!));
    }
  },
  values: ({ instruction: { params: [h, g, e] }, texts, sources: [p, v], rows, columns, values }) => {
    const [a, b] = [operands(p!.values), operands(v!.values)];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const head = Math.floor(j / e!);
        const group = Math.floor(head / (h! / g!));
        values[i * columns + j] = store(products(a, (i * h! + head) * p!.columns, b, (group * e! + (j % e!)) * v!.columns + texts.low(i), texts.attended(i)));
      }
    }
  },
  keys: ({ instruction: { params: [h, g, e] }, texts, sources: [p, q], rows, columns, values }) => {
    const [a, b] = [operands(p!.values), operands(q!.values)];
    const each = h! / g!;
    for (let i = 0; i < rows; i++) {
      const count = (texts.end(i) - i) * each;
      for (let j = 0; j < columns; j++) values[i * columns + j] = store(products(a, (i * g! + Math.floor(j / e!)) * p!.columns, b, j * q!.columns + i * each, count));
    }
  },
  dotBlocks: ({ instruction: { params: [blocks] }, sources: [x, y], rows, columns, values }) => {
    const [a, b] = [operands(x!.values), operands(y!.values)];
    const terms = x!.columns;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const first = (j % blocks!) * BLOCK;
        // One block, so that the sum is added to nothing.
        values[i * columns + j] = products(a, i * terms + first, b, Math.floor(j / blocks!) * terms + first, Math.min(BLOCK, terms - first));
      }
    }
  },
  foldGroups: ({ instruction: { params: [blocks] }, sources: [x], values }) => {
    for (let i = 0; i < values.length; i++) {
      let total = 0;
      for (let b = i * blocks!; b < (i + 1) * blocks!; b++) total = add(total, x!.values[b]!);
      values[i] = store(total);
    }
  },
  transpose: ({ sources: [a], rows, columns, values }) => {
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) values[i * columns + j] = a!.values[j * a!.columns + i]!;
  },
  tokens: ({ texts, sources: [table], rows, columns, values }) => {
    for (let i = 0; i < rows; i++) {
      const token = texts.token(i);
      if (token < table!.rows) values.set(table!.values.subarray(token * columns, (token + 1) * columns), i * columns);
    }
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
  softmaxExp: ({ instruction: { params: [h, bits] }, texts, sources: [scores, max], columns, values }) => {
    const scale = fromBits(bits!);
    for (let row = 0; row * columns < values.length; row++) {
      const count = texts.attended(Math.floor(row / h!));
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
  lossGradient: (work) => lossGradient(work, (r) => work.texts.target(r)),
  lossGradientBy: (work) => lossGradient(work, (r) => work.texts.target(r)),
  lossGradientDrawn: (work) => lossGradient(work, (r) => bitsOf(work.sources[2]!.values[r]!)),
  adamwMoment: ({ instruction: { params }, sources: [m, g], values }) => {
    const [beta, rest] = params.map(fromBits) as [number, number];
    for (let i = 0; i < values.length; i++) values[i] = store(add(mul(beta, m!.values[i]!), mul(rest, g!.values[i]!)));
  },
  adamwSquare: ({ instruction: { params }, sources: [v, g], values }) => {
    const [beta, rest] = params.map(fromBits) as [number, number];
    for (let i = 0; i < values.length; i++) values[i] = store(add(mul(beta, v!.values[i]!), mul(rest, mul(g!.values[i]!, g!.values[i]!))));
  },
  rowBlocks: ({ sources: [text, x], rows, columns, values }) => {
    const [a, b] = [operands(text!.values), operands(x!.values)];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const first = j * BLOCK;
        values[i * columns + j] = products(a, first, b, i * x!.columns + first, Math.min(BLOCK, x!.columns - first));
      }
    }
  },
  sketch: sketchSlots,
};

/** weight · (softmax − onehot) of rows of lossExp and their inverses. */
function lossGradient({ texts, sources: [e, inverse], rows, columns, values }: Work, target: (r: number) => number): void {
  for (let r = 0; r < rows; r++) {
    const [weight, right] = [texts.weight(r), target(r)];
    for (let j = 0; j < columns; j++) {
      const p = mul(e!.values[r * columns + j]!, inverse!.values[r]!);
      values[r * columns + j] = mul(weight, j === right ? sub(p, 1) : p);
    }
  }
}

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
