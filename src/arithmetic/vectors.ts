/**
 * Vectors that every implementation of RF32 is compared on: plain TypeScript, AssemblyScript and WGSL
 * (src/kernels/vectors.test.ts), Solidity (src/chain/rf32-parity.test.ts). Both numbers of a pair may be stored
 * by a tensor; a pair is a function of (seed, index).
 */
import { randomWord } from './random.ts';
import { HUGE, TINY, add, bitsOf, div, exp, fromBits, log, mul, product, rsqrt, sigmoid, sqrt, store, sub } from './rf32.ts';

export interface Pairs {
  a: Float32Array;
  b: Float32Array;
}

/** The scalar functions in the order in which every implementation gives their results. */
export const scalarFunctions = {
  add,
  sub,
  mul,
  product,
  div,
  exp,
  rsqrt,
  sqrt,
  log,
  sigmoid,
} satisfies Record<string, (a: number, b: number) => number>;
export const scalarNames = Object.keys(scalarFunctions) as (keyof typeof scalarFunctions)[];

/** ±significand · 2^exponent; the significand's 23 lower bits are those of `word`. */
function float(exponent: number, word: number, sign: number): number {
  return fromBits((((sign & 1) << 31) | ((exponent + 127) << 23) | (word & 0x7fffff)) >>> 0);
}

/** The float32 that lies `steps` places further from 0. */
function further(x: number, steps: number): number {
  return fromBits((bitsOf(x) + steps) >>> 0);
}

function storable(x: number): number {
  if (Math.abs(x) > HUGE) return x > 0 ? HUGE : -HUGE;
  return store(x) || 0;
}

// Where a rule, a domain or a rounding changes.
const EDGES = [TINY, 2 ** -99, 2 ** -50, 2 ** -25, 2 ** -24, 0.5, Math.fround(Math.SQRT1_2), 1, 2, 34, 35, 69, 2 ** 24, 2 ** 25, HUGE];

const KINDS: ((one: number, two: number, three: number) => [number, number])[] = [
  // Ordinary sizes.
  (one, two, three) => [float((three % 24) - 12, one, three >>> 8), float(((three >>> 16) % 24) - 12, two, three >>> 9)],
  // Every size.
  (one, two, three) => [float((three % 150) - 100, one, three >>> 8), float(((three >>> 16) % 150) - 100, two, three >>> 9)],
  // Cancellation: a few places apart, or in the binade beside.
  (one, two, three) => {
    const a = float((three % 80) - 40, one, three >>> 8);
    return [a, -further(a, (two % 17) - 8)];
  },
  (one, two, three) => [float((three % 80) - 40, one & 0xff, 0), float((three % 80) - 41, two | 0x7fff00, 1)],
  // Ties of a sum: half of the last place, and one place beside it.
  (one, two, three) => {
    const exponent = (three % 100) - 40;
    const half = float(exponent - 24, 0, three >>> 8);
    return [float(exponent, one, three >>> 9), further(half, two % 5 === 0 ? (two >>> 8) % 3 : 0) * (two & 1 ? 1 : 3)];
  },
  // Far apart: the smaller decides the last place at most.
  (one, two, three) => {
    const exponent = (three % 100) - 40;
    return [float(exponent, one, three >>> 8), float(exponent - 22 - ((three >>> 16) % 6), two, three >>> 9)];
  },
  // Ties of a product: 12 times 13 odd bits have 25 where they carry.
  (one, two, three) => [
    float((three % 30) - 15, ((one & 0x7ff) | 1) << 12, three >>> 8),
    float(((three >>> 16) % 30) - 15, ((two & 0xfff) | 1) << 11, three >>> 9),
  ],
  // Carries: significands of ones, powers of two.
  (one, two, three) => [
    float((three % 40) - 20, one & 1 ? 0x7fffff - (one & 2) : 0, three >>> 8),
    float(((three >>> 16) % 40) - 20, two & 1 ? 0x7fffff - (two & 6) : two & 2, three >>> 9),
  ],
  // Edges, a few places around.
  (one, two, three) => [
    further(EDGES[one % EDGES.length]!, ((one >>> 8) % 7) - 3) * (three & 1 ? -1 : 1),
    further(EDGES[two % EDGES.length]!, ((two >>> 8) % 7) - 3) * (three & 2 ? -1 : 1),
  ],
  // Products beside 2^-100, and of operands beside 2^-50.
  (one, two, three) => {
    const exponent = -(three % 101);
    return [float(exponent, one, three >>> 8), float(-100 - exponent - ((three >>> 16) % 3) + 1, two, three >>> 9)];
  },
  (one, two, three) => [float(-51 + (three % 3), one & 0x7, three >>> 8), float((three >>> 16) % 50, two, three >>> 9)],
  // The domain of exponentials, beyond both ends.
  (one, two) => [Math.fround((one / 2 ** 32) * 112 - 73), Math.fround((two / 2 ** 32) * 112 - 73)],
  // Close to 1, where a logarithm cancels.
  (one, two, three) => [further(1, (one % 4097) - 2048), further(1, (two % 65) - 32) * (three & 1 ? 1 : -1)],
  // Zeros.
  (one, two, three) => (three & 1 ? [0, float((one % 150) - 100, two, three >>> 8)] : [float((one % 150) - 100, two, three >>> 8), 0]),
];

/** `count` pairs of values that a tensor may hold. */
export function scalarPairs(count: number, seed: number): Pairs {
  const a = new Float32Array(count);
  const b = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const [one, two, three] = [0, 1, 2].map((stream) => randomWord(seed, stream, i)) as [number, number, number];
    const [x, y] = KINDS[i % KINDS.length]!(one, two, three);
    a[i] = storable(x);
    b[i] = storable(y);
  }
  return { a, b };
}

/**
 * A block's operands: rows from ordinary sizes to every size, and about 2^-50, with zeros and exact opposites. A third has significands
 * whose products are ties, a third so few bits that sums are.
 */
export function blockPairs(terms: number, seed: number): Pairs {
  const a = new Float32Array(terms);
  const b = new Float32Array(terms);
  const [low, width] = [[-8, 16], [-3, 6], [-50, 60], [-100, 150], [-55, 12], [-51, 3], [20, 30]][seed % 7]!;
  const [keptA, keptB, setA, setB] = [
    [0x7fffff, 0x7fffff, 0, 0],
    [0x7ff000, 0x7ff800, 0x1000, 0x800],
    [0x780000, 0x7c0000, 0, 0],
  ][Math.floor(seed / 7) % 3]!;
  for (let k = 0; k < terms; k++) {
    const [one, two, three] = [3, 4, 5].map((stream) => randomWord(seed, stream, k)) as [number, number, number];
    a[k] = storable(float(low! + (three % width!), (one & keptA!) | setA!, three >>> 8));
    b[k] = storable(float(low! + ((three >>> 16) % width!), (two & keptB!) | setB!, three >>> 9));
    if (k > 0 && (three >>> 24) % 8 === 0) [a[k], b[k]] = [-a[k - 1]!, b[k - 1]!];
    if ((three >>> 24) % 16 === 1) a[k] = 0;
  }
  return { a, b };
}
