import { fromBits, store } from '../arithmetic/rf32.ts';
import { randomBelow, randomNormal, randomUnit, randomWord } from '../arithmetic/random.ts';
import type { Backend, Tensor } from './backend.ts';
import { type Operation, type Params, type Shape, type Values, size } from './operation.ts';

/** One call of an operation on known inputs. */
export interface Case {
  name: string;
  operation: Operation;
  inputs: { shape: Shape; values: Values }[];
  params: Params;
  /** Timed by bench.ts: multiply-adds or elements of work, for a rate. */
  work?: number;
}

/** How a gradient operation is checked against central finite differences of a plain float64 forward. */
export interface GradientCheck {
  name: string;
  /** The point, as float32 values. */
  at: { shape: Shape; values: Float32Array }[];
  /** Σ output · cotangent in float64, written without any code of the kernels. */
  loss(inputs: Float64Array[]): number;
  /** What the operations say, for each input; undefined for inputs that are not differentiated. */
  gradients(run: Run, inputs: Tensor[]): (Tensor | undefined)[];
  /** Bound of ‖gradient − difference‖ / ‖difference‖. */
  tolerance: number;
}

/** Runs an operation on the backend under test. */
export interface Run {
  (operation: Operation, inputs: Tensor[], params?: Params): Tensor[];
  upload(shape: Shape, values: Values): Tensor;
}

/** What an operation's `cases.ts` declares. */
export interface CaseList {
  operation: Operation;
  cases: Case[];
  /** A case of random shape and values. */
  random(seed: number): Case;
  /** Says why where there is none: a gradient that is itself the gradient of something, an integer result. */
  gradient: GradientCheck[] | { none: string };
}

export type Kind = 'normal' | 'edge' | 'small';

/** Seeded values of one kind. `edge`: every magnitude up to 2^top, the borders of RF32's rules, exact opposites. */
export function floats(kind: Kind, count: number, seed: number, stream = 0, top = 12): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    if (kind === 'normal') out[i] = store(Math.fround(randomNormal(seed, stream, i)));
    else if (kind === 'small') out[i] = store(Math.fround(randomNormal(seed, stream, i) * 2 ** -6));
    else out[i] = edge(out, i, seed, stream, top);
  }
  return out;
}

function edge(out: Float32Array, i: number, seed: number, stream: number, top: number): number {
  const word = randomWord(seed, stream + 1000, i);
  const sign = word & 1 ? -1 : 1;
  const mantissa = randomWord(seed, stream + 2000, i) & 0x7fffff;
  switch ((word >>> 1) % 10) {
    case 0:
      return 0;
    case 1: // the border below which values are stored as zero
      return sign * fromBits(0x0d800000 + (mantissa & 3));
    case 2: // the border below which operands count as zero
      return sign * fromBits(0x26800000 - 2 + (mantissa & 3));
    case 3: // cancels what came before
      return i > 0 ? store(-out[i - 1]!) : 1;
    case 4: // ties of a rounding to 12 bits, which RF32 does not do
      return sign * fromBits((0x3f800000 | (mantissa & 0x7ff000) | 0x800) >>> 0);
    case 5:
      return sign * 2 ** (((word >>> 8) % 24) - 12);
    case 6: // all bits of the significand set: products round up
      return sign * fromBits(0x3fffffff - (mantissa & 1));
    default: {
      const exponent = -100 + ((word >>> 8) % (100 + top));
      return sign * fromBits(((exponent + 127) << 23) | mantissa);
    }
  }
}

export function input(shape: Shape, values: Values): { shape: Shape; values: Values } {
  if (values.length !== size(shape)) throw new RangeError(`case: ${values.length} values for [${shape}]`);
  return { shape, values };
}

export function tensor(kind: Kind, shape: Shape, seed: number, stream = 0, top = 12): { shape: Shape; values: Float32Array } {
  return { shape, values: floats(kind, size(shape), seed, stream, top) };
}

/** A size that finds mistakes: around blocks of 256 and tiles of 4, 16, 32, 64. */
export function awkwardSize(seed: number, stream: number, top = 300): number {
  const sizes = [1, 2, 3, 4, 5, 7, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 129, 255, 256, 257].filter((n) => n <= top);
  const at = randomBelow(sizes.length + 4, seed, stream, 0);
  return sizes[at] ?? 1 + randomBelow(top, seed, stream, 1);
}

export function anyKind(seed: number): Kind {
  return randomUnit(seed, 77, 0) < 0.5 ? 'normal' : 'edge';
}

export function words(count: number, below: number, seed: number, stream = 50): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => randomBelow(below, seed, stream, i));
}

export interface CaseResult {
  outputs: Values[];
}

/** Runs a case on a backend and gives back everything it wrote. */
export async function runCase(backend: Backend, { operation, inputs, params, name }: Case): Promise<CaseResult> {
  const held = inputs.map(({ shape, values }, i) => backend.upload(`${name} input ${i}`, shape, values));
  const results = backend.run(operation, name, held, params);
  const outputs: Values[] = [];
  try {
    for (const result of results) outputs.push(await backend.read(result));
  } finally {
    for (const one of new Set([...held, ...results])) backend.free(one);
  }
  return { outputs };
}
