import { BLOCK, add, bitsOf, div, exp, fromBits, mul, product, rsqrt, sigmoid, sqrt, store, sub } from '../../arithmetic/rf32.ts';
import { LEDGER_ELEMENTS } from './element-ledger.ts';
import { type Instruction, type OpName, PIECE, sizeOf } from './instruction.ts';
import { cell, fold, nthBlock, sum } from './sums.ts';
import type { Texts } from './texts.ts';

/** What an element is computed from. `get(input, row, column)` reads input number `input` of the instruction. */
export interface Reader {
  get(input: number, row: number, column: number): number;
  /** Columns of an input. */
  columns(input: number): number;
}

export interface Place {
  instruction: Instruction;
  texts: Texts;
  /** Columns of the output. */
  columns: number;
  i: number;
  j: number;
}

export type Element = (place: Place, read: Reader) => number;

const greatest = (first: number, end: number, value: (t: number) => number) => {
  let most = value(first);
  for (let t = first + 1; t < end; t++) most = Math.max(most, value(t));
  return most;
};

/** weight · (softmax − onehot(target)). */
const lossGradient = (target: (r: number, place: Place, read: Reader) => number): Element => (place, read) => {
  const { texts, i, j } = place;
  const p = mul(read.get(0, i, j), read.get(1, i, 0));
  return mul(texts.weight(i), j === target(i, place, read) ? sub(p, 1) : p);
};

/**
 * What every instruction means, element (i, j) by element: the slow obvious form. Inputs in order, params in order.
 * Letters: H query heads, G key/value heads, E values a head, P = H/G, c a place within the attended range.
 */
export const ELEMENTS: Readonly<Record<OpName, Element>> = {
  /** a[R,K] · b[C,K]ᵀ. */
  dot: ({ i, j }, { get, columns }) => store(sum(columns(0), (t) => product(get(0, i, t), get(1, j, t)))),
  /** Block b of `dot`, j = column · B + b. param B. */
  dotBlocks: ({ instruction: { params: [blocks] }, i, j }, { get, columns }) => nthBlock(j % blocks!, columns(0), (t) => product(get(0, i, t), get(1, Math.floor(j / blocks!), t))),
  /** Sums of `dotBlocks`: param B. */
  foldGroups: ({ instruction: { params: [blocks] }, i, j }, { get }) => store(fold(blocks!, (b) => get(0, i, j * blocks! + b))),
  /** [N·H, W]: row i·H + h, column c: q[N,H·E] of row i · k[N,G·E] of row low(i) + c. params H, G, E. */
  scores: ({ instruction: { params: [heads, groups, e] }, texts, i, j }, { get }) => {
    const [token, head] = cell(i, heads!);
    const group = Math.floor(head / (heads! / groups!));
    return j < texts.attended(token) ? store(sum(e!, (x) => product(get(0, token, head * e! + x), get(1, texts.low(token) + j, group * e! + x)))) : 0;
  },
  /** [N, H·E]: p[N·H,W] of row i and head · vᵀ[G·E,N]. params H, G, E. */
  values: ({ instruction: { params: [heads, groups, e] }, texts, i, j }, { get }) => {
    const [head, x] = cell(j, e!);
    const group = Math.floor(head / (heads! / groups!));
    return store(sum(texts.attended(i), (c) => product(get(0, i * heads! + head, c), get(1, group * e! + x, texts.low(i) + c))));
  },
  /** [N, G·E]: aligned p [N·G, P·W] · split q [G·E, N·P], over the tokens that attend token i. params H, G, E. */
  keys: ({ instruction: { params: [heads, groups, e] }, texts, i, j }, { get }) => {
    const [group, x] = cell(j, e!);
    const each = heads! / groups!;
    const count = (texts.end(i) - i) * each;
    return store(sum(count, (t) => product(get(0, i * groups! + group, t), get(1, group * e! + x, i * each + t))));
  },

  transpose: ({ i, j }, { get }) => get(0, j, i),
  /** [N·G, P·W]: row t·G + g holds, for each token that attends t and each head of g, its p[N·H,W] of t; zeros after. params H, G. */
  align: ({ instruction: { params: [heads, groups] }, texts, i, j }, { get }) => {
    const [token, group] = cell(i, groups!);
    const each = heads! / groups!;
    const from = token + Math.floor(j / each);
    return from < texts.end(token) ? get(0, from * heads! + group * each + (j % each), token - texts.low(from)) : 0;
  },
  /** [G·E, N·P] of q[N,H·E]: row g·E + x, column t·P + head within the group. params H, G, E. */
  split: ({ instruction: { params: [heads, groups, e] }, i, j }, { get }) => {
    const [group, x] = cell(i, e!);
    const [token, head] = cell(j, heads! / groups!);
    return get(0, token, (group * (heads! / groups!) + head) * e! + x);
  },
  /** Rows of a table by the tokens that are fed; zeros for a token that it does not have. */
  tokens: ({ instruction, texts, i, j }, { get }) => (texts.token(i) < instruction.inputs[0]!.rows.one ? get(0, texts.token(i), j) : 0),
  /** The rows that predict tokens for the loss. */
  pick: ({ texts, i, j }, { get }) => get(0, texts.row(i), j),
  /** Their gradients back in place. */
  place: ({ texts, i, j }, { get }) => (texts.predicted(i) < 0 ? 0 : get(0, texts.predicted(i), j)),
  /** [1, ·]: inputs [1, L] end to end. param L. */
  join: ({ instruction: { params: [length] }, j }, { get }) => get(Math.floor(j / length!), 0, j % length!),

  add: ({ i, j }, { get }) => store(add(get(0, i, j), get(1, i, j))),
  /** a + scale · b. param scale. */
  addScaled: ({ instruction: { params: [scale] }, i, j }, { get }) => store(add(get(0, i, j), mul(get(1, i, j), fromBits(scale!)))),
  scale: ({ instruction: { params: [scale] }, i, j }, { get }) => mul(get(0, i, j), fromBits(scale!)),
  /** a[R,C] + b[1,C]. */
  addRow: ({ i, j }, { get }) => store(add(get(0, i, j), get(1, 0, j))),
  scaleBy: ({ i, j }, { get }) => mul(get(0, i, j), get(1, i, j)),
  /** gate, up. */
  swiglu: ({ i, j }, { get }) => mul(mul(get(0, i, j), sigmoid(get(0, i, j))), get(1, i, j)),
  /** dh, gate. */
  swigluUp: ({ i, j }, { get }) => mul(get(0, i, j), mul(get(1, i, j), sigmoid(get(1, i, j)))),
  /** dh, gate, up. */
  swigluGate: ({ i, j }, { get }) => {
    const [gate, s] = [get(1, i, j), sigmoid(get(1, i, j))];
    return mul(mul(get(0, i, j), get(2, i, j)), mul(s, add(1, mul(gate, sub(1, s)))));
  },
  /**
   * x[N,heads·E], cos[positions,E/2], sin. params E, inverse. Behind its last position the tables begin anew: no model takes texts that long,
   * but a claim about one has a trace that can be computed and judged, as any other.
   */
  rope: ({ instruction: { params: [e, inverse], inputs: [, table] }, texts, i, j }, { get }) => {
    const half = e! / 2;
    const x = j % e!;
    const position = texts.position(i) % sizeOf(table!.rows, texts);
    const [c, plain] = [get(1, position, x % half), get(2, position, x % half)];
    const s = inverse ? 0 - plain : plain;
    return x < half ? store(sub(mul(get(0, i, j), c), mul(get(0, i, j + half), s))) : store(add(mul(get(0, i, j), c), mul(get(0, i, j - half), s)));
  },

  /** [R, B] of x[R,D]: block sums of squares. */
  squareBlocks: ({ i, j }, { get, columns }) => nthBlock(j, columns(0), (t) => mul(get(0, i, t), get(0, i, t))),
  /** [R, 1]: 1/√(mean + eps) from the blocks. params 1/D, eps. */
  rmsScale: ({ instruction: { params: [one, eps] }, i }, { get, columns }) => rsqrt(add(mul(fold(columns(0), (b) => get(0, i, b)), fromBits(one!)), fromBits(eps!))),
  /** x, r[R,1], w[1,D]. */
  rmsNorm: ({ i, j }, { get }) => mul(mul(get(0, i, j), get(1, i, 0)), get(2, 0, j)),
  /** [R, B]: block sums of dy · w · x. Inputs dy, x, w[1,D]. */
  rmsDotBlocks: ({ i, j }, { get, columns }) => nthBlock(j, columns(0), (t) => mul(mul(get(0, i, t), get(2, 0, t)), get(1, i, t))),
  /** [R, 1]: r³/D · Σ. Inputs blocks, r[R,1]; param 1/D. */
  rmsCoefficient: ({ instruction: { params: [one] }, i }, { get, columns }) => {
    const r = get(1, i, 0);
    return mul(mul(mul(r, r), mul(r, fold(columns(0), (b) => get(0, i, b)))), fromBits(one!));
  },
  /** r (dy w) − c x. Inputs dy, x, w[1,D], r[R,1], c[R,1]. */
  rmsGradient: ({ i, j }, { get }) => store(sub(mul(get(3, i, 0), mul(get(0, i, j), get(2, 0, j))), mul(get(4, i, 0), get(1, i, j)))),

  /** [N, H] of scores[N·H,W]. params H, scale. */
  softmaxMax: ({ instruction: { params: [heads, scale] }, texts, i, j }, { get }) => greatest(0, texts.attended(i), (c) => mul(get(0, i * heads! + j, c), fromBits(scale!))),
  /** [N·H, W]. Inputs scores, max; params H, scale. */
  softmaxExp: ({ instruction: { params: [heads, scale] }, texts, i, j }, { get }) => {
    const [token, head] = cell(i, heads!);
    return j < texts.attended(token) ? exp(sub(mul(get(0, i, j), fromBits(scale!)), get(1, token, head))) : 0;
  },
  /** [N, H] of softmaxExp. param H. */
  softmaxInverse: ({ instruction: { params: [heads] }, texts, i, j }, { get }) => div(1, sum(texts.attended(i), (c) => get(0, i * heads! + j, c))),
  /** Inputs softmaxExp, softmaxInverse; param H. */
  softmax: ({ instruction: { params: [heads] }, i, j }, { get }) => mul(get(0, i, j), get(1, ...cell(i, heads!))),
  /** [N, H]: Σ p · dp. param H. */
  softmaxDot: ({ instruction: { params: [heads] }, texts, i, j }, { get }) => sum(texts.attended(i), (c) => mul(get(0, i * heads! + j, c), get(1, i * heads! + j, c))),
  /** Inputs p, dp, softmaxDot; params H, scale. */
  softmaxGradient: ({ instruction: { params: [heads, scale] }, texts, i, j }, { get }) => {
    const [token, head] = cell(i, heads!);
    return j < texts.attended(token) ? mul(mul(get(0, i, j), sub(get(1, i, j), get(2, token, head))), fromBits(scale!)) : 0;
  },

  /** [R, B]: the greatest of each block. */
  maxBlocks: ({ i, j }, { get, columns }) => greatest(j * BLOCK, Math.min(columns(0), (j + 1) * BLOCK), (t) => get(0, i, t)),
  /** [R, 1]. */
  maxFold: ({ i }, { get, columns }) => greatest(0, columns(0), (b) => get(0, i, b)),
  /** Inputs logits, max[M,1]. */
  lossExp: ({ i, j }, { get }) => exp(sub(get(0, i, j), get(1, i, 0))),
  /** [R, B]: block sums. */
  sumBlocks: ({ i, j }, { get, columns }) => nthBlock(j, columns(0), (t) => get(0, i, t)),
  /** [R, 1]: 1 / Σ blocks. */
  inverseFold: ({ i }, { get, columns }) => div(1, fold(columns(0), (b) => get(0, i, b))),
  /** weight · (softmax − onehot); of an answer: LOSS_SCALE / M. Inputs lossExp, inverse[M,1]. */
  lossGradient: lossGradient((r, { texts }) => texts.target(r)),
  /** The same of texts whose weights are given: only answers have the other. */
  lossGradientBy: lossGradient((r, { texts }) => texts.target(r)),
  /** [M, 1], by its bits: the token that the uniform number r draws from softmax, as kernels/drawTargets. Inputs lossExp[M,V], sumBlocks[M,B]. */
  drawTarget: ({ texts, i }, { get, columns }) => {
    const total = fold(columns(1), (b) => get(1, i, b));
    const wanted = mul(texts.scalar(i), total);
    const found = (cumulative: number) => cumulative > wanted || cumulative === total;
    let before = 0;
    for (let b = 0; b < columns(1); b++) {
      const after = add(before, get(1, i, b));
      if (found(after)) {
        let inBlock = 0;
        for (let t = b * BLOCK; t < Math.min(columns(0), (b + 1) * BLOCK); t++) {
          inBlock = add(inBlock, get(0, i, t));
          if (found(add(before, inBlock))) return fromBits(t);
        }
        break;
      }
      before = after;
    }
    // Not where the sums are those of the numbers.
    return 0;
  },
  /** lossGradientBy of drawn tokens. Inputs lossExp, inverse[M,1], drawTarget[M,1]. */
  lossGradientDrawn: lossGradient((r, _, { get }) => bitsOf(get(2, r, 0))),

  /**
   * [1, D]: (what was there) + Σ ± x over the members of slot j. Inputs x[R,C] read as one list, pairs[1,2·D] of (first, end) of
   * each slot, members[1,·] as in kernels/sketch, and what was there [1,D], if anything.
   */
  sketch: ({ instruction: { inputs }, j }, { get, columns }) => {
    const [first, end] = [bitsOf(get(1, 0, 2 * j)), bitsOf(get(1, 0, 2 * j + 1))];
    const total = sum(end - first, (e) => {
      const member = bitsOf(get(2, 0, first + e));
      const value = get(0, ...cell(member & 0x7fffffff, columns(0)));
      return member >>> 31 ? 0 - value : value;
    });
    return store(add(inputs.length > 3 ? get(3, 0, j) : 0, total));
  },
  /** [n, B]: block sums of text[1,D] · rows[n,D]. */
  rowBlocks: ({ i, j }, { get, columns }) => nthBlock(j, columns(0), (t) => product(get(0, 0, t), get(1, i, t))),
  /** [1, n] of blocks [n,B]. */
  fold: ({ j }, { get, columns }) => store(fold(columns(0), (b) => get(0, j, b))),
  /** [1, B]: block sums of text[1,D] with itself. */
  squareRowBlocks: ({ j }, { get, columns }) => nthBlock(j, columns(0), (t) => product(get(0, 0, t), get(0, 0, t))),
  /** [1, n]: noise[1,n] · √(squares[1,1]). Inputs noise, squares. */
  noise: ({ j }, { get }) => mul(get(0, 0, j), sqrt(get(1, 0, 0))),

  // kernels/adamw, one result at a time.
  /** m' of m, g; params β1, 1 − β1. */
  adamwMoment: ({ instruction: { params: [beta, rest] }, i, j }, { get }) => store(add(mul(fromBits(beta!), get(0, i, j)), mul(fromBits(rest!), get(1, i, j)))),
  /** v' of v, g; params β2, 1 − β2. */
  adamwSquare: ({ instruction: { params: [beta, rest] }, i, j }, { get }) => {
    const g = get(1, i, j);
    return store(add(mul(fromBits(beta!), get(0, i, j)), mul(fromBits(rest!), mul(g, g))));
  },
  /** w' of w, m', v'; params eps, decay; scalars rate, 1/(1 − β1^t), 1/(1 − β2^t). */
  adamwWeight: ({ instruction: { params: [eps, decay] }, texts, i, j }, { get }) => {
    const w = get(0, i, j);
    const step = div(mul(get(1, i, j), texts.scalar(1)), add(sqrt(mul(get(2, i, j), texts.scalar(2))), fromBits(eps!)));
    return store(sub(w, mul(texts.scalar(0), add(step, mul(fromBits(decay!), w)))));
  },

  ...LEDGER_ELEMENTS,
};

/** Pieces of a row. */
export const piecesOf = (columns: number) => Math.ceil(columns / PIECE);
