/** The referee on chain finds every claimed element as src/attribution/trace/element.ts computes it, and every other one false. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomWord } from '../arithmetic/random.ts';
import { bitsOf, fromBits } from '../arithmetic/rf32.ts';
import { ELEMENTS } from '../attribution/trace/element.ts';
import type { LedgerOp } from '../attribution/trace/element-ledger.ts';
import { type Instruction, type OpName, OPS, type Program, type Size, type TraceInputs, fixed, instructionBytes, programHash, sizeOf } from '../attribution/trace/instruction.ts';
import type { Matrix } from '../attribution/trace/run.ts';
import { type Step, buildStep, buildTextStep, inputsHash } from '../attribution/trace/step.ts';
import { Texts, answerTexts } from '../attribution/trace/texts.ts';
import { type Tensor, TraceTree, cutOf, hashLeaf, leafValues, tensorOf } from '../attribution/trace/tree.ts';
import { type UnitInputs, type UnitShape, unitInputsBytes, unitInputsHash, unitProgramHash } from '../attribution/trace/unit.ts';
import { type Hex, fromHex, toHex } from '../protocol/bytes.ts';
import { type Question, type ScratchReferee, type UnitQuestion, startReferee } from '../../tests/referee/scratch-referee.ts';

/** Gas that a challenger may spend on one step of one block, all proofs included (issue 5). */
const MOST_GAS = 450_000n;
/** And on a whole dispute, less what the games themselves cost. */
const MOST_DISPUTE = 4_000_000n;

let referee: ScratchReferee;
beforeAll(async () => {
  referee = await startReferee();
}, 60_000);
afterAll(() => referee?.stop());

/** A claim of one computation, and what stands in it. */
interface Claim {
  program: Program;
  inputs: TraceInputs;
  trace: Matrix[];
  constants: Matrix[];
}

function question(claim: Claim, index: number, row: number, column: number): Question {
  const { program, inputs } = claim;
  const [tree, constants] = [TraceTree.of(claim.trace), TraceTree.of(claim.constants)];
  const step = buildStep({
    program, inputs, tree, constants,
    valuesOf: (space, tensor, leaf) => leafValues((space === 'trace' ? claim.trace : claim.constants)[tensor]!, leaf).values,
  }, index, row, column);
  return { program: programHash(program, constants.root), inputs: inputsHash(inputs), trace: tree.root, step };
}

/** Numbers that are the same on every run. */
function source(stream: number) {
  let at = 0;
  const word = () => randomWord(55, stream, at++);
  const below = (end: number) => word() % end;
  return {
    word, below,
    between: (least: number, most: number) => least + below(most - least + 1),
    pick: <T>(list: readonly T[]): T => list[below(list.length)]!,
  };
}
type Source = ReturnType<typeof source>;

/** Values that a tensor may store: mostly near 1, some 0, some at the edges of what products and tensors count as 0. */
function value(from: Source): number {
  const kind = from.below(16);
  if (kind === 0) return 0;
  const exponent = kind === 1 ? from.between(27, 29) : kind === 2 ? from.between(75, 79) : kind === 3 ? from.between(140, 150) : from.between(118, 131);
  return fromBits(((from.below(2) << 31) | (exponent << 23) | (from.word() >>> 9)) >>> 0);
}
const positive = (from: Source) => Math.abs(value(from));
/** Of exponentials and the like. */
const small = (from: Source) => Math.fround(((from.word() >>> 8) / 2 ** 24 - 0.5) * from.pick([1, 8, 80]));
/** Sums of blocks as they stand: also what no tensor may store. */
const blockValue = (from: Source) => fromBits(((from.below(2) << 31) | (from.pick([from.between(4, 26), from.between(110, 140), from.between(178, 220)]) << 23) | (from.word() >>> 9)) >>> 0);

interface InputShape {
  rows: Size;
  columns: Size;
  value?: (from: Source) => number;
  constant?: boolean;
  /** All of them at once; `before`: the inputs that stand before this one. */
  values?: (from: Source, rows: number, columns: number, before: readonly Matrix[]) => Float32Array;
}
interface Shape {
  rows: Size;
  columns: Size;
  params?: number[];
  inputs: InputShape[];
}

const N: Size = { one: 0, n: 1, m: 0, w: 0 };
const M: Size = { one: 0, n: 0, m: 1, w: 0 };
const W: Size = { one: 0, n: 0, m: 0, w: 1 };
const times = ({ one, n, m, w }: Size, k: number): Size => ({ one: one * k, n: n * k, m: m * k, w: w * k });
const one = fixed(1);
const terms = (from: Source) => from.pick([1, 3, 255, 256, 257, 300, 513, 700]);
const blocksOf = (count: number) => Math.ceil(count / 256);
const heads = (from: Source) => {
  const [groups, each, e] = [from.between(1, 3), from.between(1, 2), from.pick([2, 4, 6])];
  return { h: groups * each, g: groups, each, e };
};
const floatParam = (from: Source) => bitsOf(small(from));

const same = (count: number, extra: Partial<InputShape> = {}) => (from: Source): Shape => {
  const columns = fixed(from.between(1, 300));
  return { rows: N, columns, inputs: Array.from({ length: count }, () => ({ rows: N, columns, ...extra })) };
};
const withParams = (shape: (from: Source) => Shape, ...params: ((from: Source) => number)[]) => (from: Source): Shape => ({ ...shape(from), params: params.map((param) => param(from)) });

/** What no answer's program has. */
type UnitOp = 'lossGradientBy' | 'drawTarget' | 'lossGradientDrawn' | 'adamwMoment' | 'adamwSquare' | 'adamwWeight';
type AnswerOp = Exclude<OpName, UnitOp | LedgerOp>;

/** Small cases of every operation of an answer. */
const SHAPES: Readonly<Record<AnswerOp, (from: Source) => Shape>> = {
  dot: (from) => {
    const [k, columns] = [fixed(terms(from)), from.pick([M, fixed(from.between(1, 5))])];
    return { rows: N, columns, inputs: [{ rows: N, columns: k }, { rows: columns, columns: k, constant: columns.m === 0 }] };
  },
  dotBlocks: (from) => {
    const k = terms(from);
    const c = from.between(1, 3);
    return { rows: N, columns: fixed(c * blocksOf(k)), params: [blocksOf(k)], inputs: [{ rows: N, columns: fixed(k) }, { rows: fixed(c), columns: fixed(k), constant: true }] };
  },
  foldGroups: (from) => {
    const [c, blocks] = [from.between(1, 5), from.between(1, 70)];
    return { rows: N, columns: fixed(c), params: [blocks], inputs: [{ rows: N, columns: fixed(c * blocks), value: blockValue }] };
  },
  scores: (from) => {
    const { h, g, e } = heads(from);
    return { rows: times(N, h), columns: W, params: [h, g, e], inputs: [{ rows: N, columns: fixed(h * e) }, { rows: N, columns: fixed(g * e) }] };
  },
  values: (from) => {
    const { h, g, e } = heads(from);
    return { rows: N, columns: fixed(h * e), params: [h, g, e], inputs: [{ rows: times(N, h), columns: W }, { rows: fixed(g * e), columns: N }] };
  },
  keys: (from) => {
    const { h, g, each, e } = heads(from);
    return { rows: N, columns: fixed(g * e), params: [h, g, e], inputs: [{ rows: times(N, g), columns: times(W, each) }, { rows: fixed(g * e), columns: times(N, each) }] };
  },
  transpose: () => ({ rows: N, columns: M, inputs: [{ rows: M, columns: N }] }),
  align: (from) => {
    const { h, g, each } = heads(from);
    return { rows: times(N, g), columns: times(W, each), params: [h, g], inputs: [{ rows: times(N, h), columns: W }] };
  },
  split: (from) => {
    const { h, g, each, e } = heads(from);
    return { rows: fixed(g * e), columns: times(N, each), params: [h, g, e], inputs: [{ rows: N, columns: fixed(h * e) }] };
  },
  // Some tokens are beyond the table.
  tokens: (from) => {
    const columns = fixed(from.between(1, 300));
    return { rows: N, columns, inputs: [{ rows: fixed(13), columns, constant: true }] };
  },
  pick: (from) => {
    const columns = fixed(from.between(1, 300));
    return { rows: M, columns, inputs: [{ rows: N, columns }] };
  },
  place: (from) => {
    const columns = fixed(from.between(1, 300));
    return { rows: N, columns, inputs: [{ rows: M, columns }] };
  },
  join: (from) => {
    const [length, count] = [from.between(1, 300), from.between(1, 4)];
    return { rows: one, columns: fixed(length * count), params: [length], inputs: Array.from({ length: count }, () => ({ rows: one, columns: fixed(length) })) };
  },
  add: same(2),
  addScaled: withParams(same(2), floatParam),
  scale: withParams(same(1), floatParam),
  addRow: (from) => {
    const columns = fixed(from.between(1, 300));
    return { rows: N, columns, inputs: [{ rows: N, columns }, { rows: one, columns, constant: true }] };
  },
  scaleBy: same(2),
  swiglu: same(2, { value: small }),
  swigluUp: same(2, { value: small }),
  swigluGate: same(3, { value: small }),
  rope: (from) => {
    const [e, count, inverse] = [from.pick([2, 4, 6]), from.between(1, 3), from.below(2)];
    const table: InputShape = { rows: fixed(from.pick([1, 3, 40])), columns: fixed(e / 2), value: (some) => Math.fround(small(some) % 1), constant: true };
    return { rows: N, columns: fixed(e * count), params: [e, inverse], inputs: [{ rows: N, columns: fixed(e * count) }, table, table] };
  },
  squareBlocks: (from) => {
    const k = terms(from);
    return { rows: N, columns: fixed(blocksOf(k)), inputs: [{ rows: N, columns: fixed(k) }] };
  },
  rmsScale: (from) => ({ rows: N, columns: one, params: [bitsOf(Math.fround(1 / from.between(1, 3000))), bitsOf(1e-6)], inputs: [{ rows: N, columns: fixed(from.between(1, 6)), value: positive }] }),
  rmsNorm: (from) => {
    const columns = fixed(from.between(1, 300));
    return { rows: N, columns, inputs: [{ rows: N, columns }, { rows: N, columns: one }, { rows: one, columns, constant: true }] };
  },
  rmsDotBlocks: (from) => {
    const k = terms(from);
    return { rows: N, columns: fixed(blocksOf(k)), inputs: [{ rows: N, columns: fixed(k) }, { rows: N, columns: fixed(k) }, { rows: one, columns: fixed(k), constant: true }] };
  },
  rmsCoefficient: (from) => ({ rows: N, columns: one, params: [bitsOf(Math.fround(1 / from.between(1, 3000)))], inputs: [{ rows: N, columns: fixed(from.between(1, 6)) }, { rows: N, columns: one }] }),
  rmsGradient: (from) => {
    const columns = fixed(from.between(1, 300));
    return { rows: N, columns, inputs: [{ rows: N, columns }, { rows: N, columns }, { rows: one, columns, constant: true }, { rows: N, columns: one }, { rows: N, columns: one }] };
  },
  softmaxMax: (from) => {
    const { h } = heads(from);
    return { rows: N, columns: fixed(h), params: [h, floatParam(from)], inputs: [{ rows: times(N, h), columns: W }] };
  },
  softmaxExp: (from) => {
    const { h } = heads(from);
    return { rows: times(N, h), columns: W, params: [h, floatParam(from)], inputs: [{ rows: times(N, h), columns: W, value: small }, { rows: N, columns: fixed(h), value: small }] };
  },
  softmaxInverse: (from) => {
    const { h } = heads(from);
    return { rows: N, columns: fixed(h), params: [h], inputs: [{ rows: times(N, h), columns: W, value: positive }] };
  },
  softmax: (from) => {
    const { h } = heads(from);
    return { rows: times(N, h), columns: W, params: [h], inputs: [{ rows: times(N, h), columns: W, value: positive }, { rows: N, columns: fixed(h), value: positive }] };
  },
  softmaxDot: (from) => {
    const { h } = heads(from);
    return { rows: N, columns: fixed(h), params: [h], inputs: [{ rows: times(N, h), columns: W }, { rows: times(N, h), columns: W }] };
  },
  softmaxGradient: (from) => {
    const { h } = heads(from);
    return { rows: times(N, h), columns: W, params: [h, floatParam(from)], inputs: [{ rows: times(N, h), columns: W }, { rows: times(N, h), columns: W }, { rows: N, columns: fixed(h) }] };
  },
  maxBlocks: (from) => {
    const k = terms(from);
    return { rows: M, columns: fixed(blocksOf(k)), inputs: [{ rows: M, columns: fixed(k) }] };
  },
  maxFold: (from) => ({ rows: M, columns: one, inputs: [{ rows: M, columns: fixed(from.between(1, 6)) }] }),
  lossExp: (from) => {
    const columns = fixed(from.between(1, 300));
    return { rows: M, columns, inputs: [{ rows: M, columns, value: small }, { rows: M, columns: one, value: small }] };
  },
  sumBlocks: (from) => {
    const k = terms(from);
    return { rows: M, columns: fixed(blocksOf(k)), inputs: [{ rows: M, columns: fixed(k) }] };
  },
  inverseFold: (from) => ({ rows: M, columns: one, inputs: [{ rows: M, columns: fixed(from.between(1, 6)), value: blockValue }] }),
  // Columns few, so that the token's own is met.
  lossGradient: () => ({ rows: M, columns: fixed(8), inputs: [{ rows: M, columns: fixed(8), value: positive }, { rows: M, columns: one, value: positive }] }),
  sketch: (from) => {
    const [slots, columns, more] = [from.between(2, 5), from.between(1, 300), from.below(2)];
    const rows = N;
    // As many members as values of the shortest text; slots of 0, few, or more than a block.
    const members = from.pick([6, columns]);
    const pairs: InputShape['values'] = (some) => {
      const cuts = [0, ...Array.from({ length: slots - 1 }, () => some.below(members + 1)).sort((a, b) => a - b), members];
      return Float32Array.from({ length: 2 * slots }, (_, k) => fromBits(cuts[Math.floor((k + 1) / 2)]!));
    };
    const list: InputShape['values'] = (some) => Float32Array.from({ length: members }, () => fromBits(((some.below(2) << 31) | some.below(columns * 2)) >>> 0));
    return {
      rows: one, columns: fixed(slots),
      inputs: [{ rows, columns: fixed(columns) }, { rows: one, columns: fixed(2 * slots), values: pairs, constant: true }, { rows: one, columns: fixed(members), values: list, constant: true }, ...(more ? [{ rows: one, columns: fixed(slots) }] : [])],
    };
  },
  rowBlocks: (from) => {
    const k = terms(from);
    return { rows: fixed(4), columns: fixed(blocksOf(k)), inputs: [{ rows: one, columns: fixed(k) }, { rows: fixed(4), columns: fixed(k), constant: true }] };
  },
  fold: (from) => ({ rows: one, columns: fixed(7), inputs: [{ rows: fixed(7), columns: fixed(from.between(1, 20)), value: blockValue }] }),
  squareRowBlocks: (from) => {
    const k = terms(from);
    return { rows: one, columns: fixed(blocksOf(k)), inputs: [{ rows: one, columns: fixed(k) }] };
  },
  noise: (from) => ({ rows: one, columns: fixed(from.between(1, 300)), inputs: [{ rows: one, columns: fixed(300), value: positive, constant: true }, { rows: one, columns: one, value: positive }] }),
};

/** What only units have. */
const UNIT_SHAPES: Readonly<Record<UnitOp, (from: Source) => Shape>> = {
  lossGradientBy: SHAPES.lossGradient,
  drawTarget: (from) => {
    const k = terms(from);
    // As they are where the unit is right; or any, of which none may reach what the uniform number asks for.
    const sums: InputShape['values'] = from.below(4) === 0 ? undefined : (_, rows, columns, [exps]) => {
      const sum = (i: number, b: number) => Array.from(exps!.values.subarray(i * k + b * 256, i * k + Math.min(k, (b + 1) * 256))).reduce((before, x) => Math.fround(before + x), 0);
      return Float32Array.from({ length: rows * columns }, (_value, at) => sum(Math.floor(at / columns), at % columns));
    };
    // Some tokens have no chance at all.
    return { rows: M, columns: one, inputs: [{ rows: M, columns: fixed(k), value: (some) => Math.max(0, positive(some)) }, { rows: M, columns: fixed(blocksOf(k)), value: positive, ...(sums && { values: sums }) }] };
  },
  lossGradientDrawn: () => ({
    rows: M, columns: fixed(8),
    inputs: [{ rows: M, columns: fixed(8), value: positive }, { rows: M, columns: one, value: positive }, { rows: M, columns: one, value: (from) => fromBits(from.below(9)) }],
  }),
  adamwMoment: withParams(same(2), () => bitsOf(0.9), () => bitsOf(Math.fround(1 - Math.fround(0.9)))),
  adamwSquare: withParams(same(2, { value: positive }), () => bitsOf(0.98), () => bitsOf(Math.fround(1 - Math.fround(0.98)))),
  adamwWeight: withParams(same(3, { value: positive }), () => bitsOf(1e-8), (from) => bitsOf(Math.fround(from.below(3) / 100))),
};

interface Case {
  claim: Claim;
  index: number;
  row: number;
  column: number;
}

/** A claim whose last instruction is the operation; before it stand the matrices that it reads, and one that nobody reads. */
function makeCase(op: AnswerOp, number: number): Case {
  const from = source(OPS[op] * 64 + number);
  const shape = SHAPES[op](from);
  const n = from.between(2, 9);
  const answer = from.between(1, n);
  const inputs: TraceInputs = { tokens: Array.from({ length: n + 1 }, () => (from.below(9) ? from.below(8) : from.word())), answer };
  const window = from.pick([0, 0, from.between(1, n), n + 3]);
  const texts = answerTexts(inputs, window);
  const read: Matrix[] = [];
  const fill = ({ rows, columns, value: one = value, values }: InputShape): Matrix => {
    const [r, c] = [sizeOf(rows, texts), sizeOf(columns, texts)];
    return { rows: r, columns: c, values: values ? values(from, r, c, read) : Float32Array.from({ length: r * c }, () => one(from)) };
  };
  const filler = (rows: Size, columns: Size): Instruction => ({ op: 'transpose', name: '', rows, columns, params: [], inputs: [] });
  const unread: InputShape = { rows: fixed(3), columns: fixed(5) };
  const trace = [fill(unread)];
  const instructions = [filler(unread.rows, unread.columns)];
  const constants = [fill(unread)];
  const sources: Instruction['inputs'] = [];
  for (const input of shape.inputs) {
    const matrix = fill(input);
    read.push(matrix);
    const list = input.constant ? constants : trace;
    sources.push({ space: input.constant ? 'constant' : 'trace', index: list.length, rows: input.rows, columns: input.columns });
    list.push(matrix);
    if (!input.constant) instructions.push(filler(input.rows, input.columns));
  }
  const instruction: Instruction = { op, name: op, rows: shape.rows, columns: shape.columns, params: shape.params ?? [], inputs: sources };
  const [rows, columns] = [sizeOf(shape.rows, texts), sizeOf(shape.columns, texts)];
  const output = new Float32Array(rows * columns);
  for (let k = 0; k < output.length; k++) {
    output[k] = ELEMENTS[op]({ instruction, texts, columns, i: Math.floor(k / columns), j: k % columns }, {
      columns: (input) => read[input]!.columns,
      get: (input, i, j) => read[input]!.values[i * read[input]!.columns + j]!,
    });
  }
  const index = instructions.length;
  const program: Program = {
    instructions: [...instructions, instruction], constants: constants.map((matrix) => ({ name: '', rows: matrix.rows, columns: matrix.columns })), window,
  };
  const k = from.pick([0, output.length - 1, from.below(output.length), from.below(output.length)]);
  return { claim: { program, inputs, trace: [...trace, { rows, columns, values: output }], constants }, index, row: Math.floor(k / columns), column: k % columns };
}

/** The same claim with other bits for one element. */
function withBits(claim: Claim, index: number, row: number, column: number, bits: number): Claim {
  const trace = claim.trace.map((matrix, k) => (k === index ? { ...matrix, values: matrix.values.slice() } : matrix));
  const { values, columns } = trace[index]!;
  new Uint32Array(values.buffer)[row * columns + column] = bits;
  return { ...claim, trace };
}

const CASES = 4;
/** Of these every wrong proof is tried. */
const SPOILT_CASES = 1;
const flipped = (hex: Hex, byte = 0): Hex => {
  const bytes = fromHex(hex);
  bytes[byte]! ^= 1;
  return toHex(bytes);
};
const finite = (x: number) => Math.abs(x) < Infinity;

describe.each(Object.keys(SHAPES) as AnswerOp[])('%s', (op) => {
  test('the right bits stand, every flipped bit is false, every wrong proof is refused', async () => {
    for (let number = 0; number < CASES; number++) {
      const { claim, index, row, column } = makeCase(op, number);
      const right = question(claim, index, row, column);
      const { values, columns } = claim.trace[index]!;
      const honest = values[row * columns + column]!;
      const where = `${op} case ${number} [${row},${column}] ${honest}`;
      // A run that leaves the numbers ends, so nobody can have claimed it.
      expect(await referee.isFalse(right), where).toBe(!finite(honest));

      const from = source(9000 + number);
      const flips = Array.from({ length: 3 }, () => (bitsOf(honest) ^ (1 << from.below(32))) >>> 0);
      const lies = [...flips, 0x80000000, 0x7fc00001].filter((bits) => bits !== bitsOf(honest));
      const answers = await Promise.all(lies.map((bits) => referee.isFalse(question(withBits(claim, index, row, column, bits), index, row, column))));
      expect(answers, where).toEqual(lies.map(() => true));

      const shuffled = { ...right, step: { ...right.step, openings: right.step.openings.toReversed() } };
      expect(await referee.isFalse(shuffled), where).toBe(!finite(honest));
      // What belongs to one element never convicts another that is right.
      const other = from.below(values.length);
      const borrowed = question(claim, index, Math.floor(other / columns), other % columns);
      borrowed.step.openings = right.step.openings;
      if (finite(values[other]!)) expect(await referee.isFalse(borrowed), `${where}, other ${other}`).not.toBe(true);
      if (number >= SPOILT_CASES) continue;
      const wrong = spoilt(right, claim);
      expect(await Promise.all(wrong.map(([, some]) => referee.isFalse(some))), where).toEqual(wrong.map(([error]) => error));
    }
  });
});

/** Steps that prove nothing, and how each is refused. */
function spoilt(right: Question, claim: Claim): [string, Question][] {
  const { step } = right;
  const of = (change: Partial<Step>): Question => ({ ...right, step: { ...step, ...change } });
  const output = (change: Partial<Step['output']>) => of({ output: { ...step.output, ...change } });
  const wrong: [string, Question][] = [
    ['RefereeWrongHeader', { ...right, program: flipped(right.program) }],
    ['RefereeWrongHeader', of({ header: { ...step.header, window: step.header.window + 1n } })],
    ['RefereeWrongInputs', { ...right, inputs: flipped(right.inputs) }],
    ['RefereeWrongInputs', of({ inputs: flipped(step.inputs, 7) })],
    ['RefereeWrongInstruction', of({ instruction: flipped(step.instruction, 12) })],
    ['RefereeWrongInstruction', of({ instruction: toHex(instructionBytes(claim.program.instructions[0]!)) })],
    ['RefereeWrongInstruction', of({ index: step.index - 1 })],
    ['RefereeWrongInstruction', of({ instructionProof: step.instructionProof.slice(1) })],
    ['RefereeWrongInstruction', of({ instructionProof: step.instructionProof.map((hash, k) => (k ? hash : flipped(hash))) })],
    ['RefereeWrongOpening', { ...right, trace: flipped(right.trace) }],
    ['RefereeWrongOpening', output({ leaf: step.output.leaf + 1 })],
    ['RefereeWrongOpening', output({ values: step.output.values.slice(0, -8) as Hex })],
    ['RefereeWrongOpening', output({ values: flipped(step.output.values) })],
    ['RefereeWrongOpening', output({ proof: step.output.proof.map((hash, k, all) => (k < all.length - 1 ? hash : flipped(hash))) })],
    ['RefereeOutside', of({ row: claim.trace[step.index]!.rows })],
    ['RefereeOutside', of({ column: claim.trace[step.index]!.columns })],
  ];
  const last = step.openings.at(-1);
  if (last) {
    const opening = (change: Partial<Step['output']>) => of({ openings: [...step.openings.slice(0, -1), { ...last, ...change }] });
    wrong.push(
      ['ElementMissing', of({ openings: step.openings.slice(0, -1) })],
      ['RefereeWrongOpening', opening({ leaf: last.leaf + 1 })],
      ['RefereeWrongOpening', opening({ values: last.values.slice(0, -8) as Hex })],
      ['RefereeWrongOpening', opening({ values: flipped(last.values) })],
      ['RefereeWrongOpening', opening({ proof: last.proof.slice(1) })],
      ['RefereeWrongOpening', opening({ proof: last.proof.map((hash, k) => (k ? hash : flipped(hash))) })],
      ['RefereeTooManyOpenings', of({ openings: Array.from({ length: 65 }, () => last) })],
      ['InstructionLacks', opening({ input: claim.program.instructions[step.index]!.inputs.length })],
    );
  }
  // The values of one row as those of another of the same matrix.
  const pair = step.openings.filter(({ input, values }) => input === last?.input && values.length === last.values.length);
  const [a, b] = [pair[0], pair.find(({ leaf, values }) => leaf !== pair[0]!.leaf && values !== pair[0]!.values)];
  if (a && b) {
    wrong.push(['RefereeWrongOpening', of({ openings: step.openings.map((one) => (one === a ? { ...a, values: b.values, proof: b.proof } : one === b ? { ...b, values: a.values, proof: a.proof } : one)) })]);
  }
  return wrong;
}

/** A unit of one computation: what it reads stands anywhere, what it makes inside or among the outputs. */
interface UnitClaim {
  program: Program;
  inputs: UnitInputs;
  shape: UnitShape;
  trace: Matrix[];
  constants: Matrix[];
  sources: Matrix[][];
}

function unitQuestion({ program, inputs, shape, trace, constants, sources }: UnitClaim, index: number, row: number, column: number): UnitQuestion {
  const first = trace.length - shape.outputs;
  const [inner, outputs, committed, given] = [TraceTree.of(trace.slice(0, first)), TraceTree.of(trace.slice(first)), TraceTree.of(constants), sources.map((made) => TraceTree.of(made))];
  const step = buildTextStep({
    program, texts: new Texts(inputs, program.window), inputs: unitInputsBytes(inputs), constantsRoot: committed.root,
    valuesOf: (space, tensor, leaf) => leafValues((space === 'trace' ? trace : space === 'constant' ? constants : sources[space]!)[tensor]!, leaf).values,
    proof: (space, tensor, leaf) => {
      if (space !== 'trace') return (space === 'constant' ? committed : given[space]!).proof(tensor, leaf);
      return tensor < first ? inner.proof(tensor, leaf) : outputs.proof(tensor - first, leaf);
    },
  }, index, row, column);
  return {
    unit: { programHash: unitProgramHash(program, committed.root, shape), inputsHash: unitInputsHash(inputs), outputRoot: outputs.root, sourceRoots: given.map(({ root }) => root) },
    shape, innerRoot: inner.root, step,
  };
}

function makeUnitCase(op: AnswerOp | UnitOp, number: number): { claim: UnitClaim; index: number; row: number; column: number } {
  const from = source(100_000 + OPS[op] * 64 + number);
  const shape = ({ ...SHAPES, ...UNIT_SHAPES })[op](from);
  const texts = Array.from({ length: from.between(1, 4) }, () => {
    const fed = from.between(1, 7);
    return { tokens: Array.from({ length: fed + 1 }, () => (from.below(9) ? from.below(8) : from.word())), answer: from.between(1, fed), weight: positive(from) };
  });
  const window = from.pick([0, 0, from.between(1, 6), 20]);
  const uniform = () => Math.fround((from.word() >>> 8) / 2 ** 24);
  const scalars = op === 'drawTarget' ? texts.flatMap(({ answer }) => Array.from({ length: answer }, () => from.pick([0, uniform(), uniform(), 1]))) : Array.from({ length: 3 }, () => positive(from));
  const inputs: UnitInputs = { texts, scalars };
  const lengths = new Texts(inputs, window);
  const read: Matrix[] = [];
  const fill = ({ rows, columns, value: one = value, values }: InputShape): Matrix => {
    const [r, c] = [sizeOf(rows, lengths), sizeOf(columns, lengths)];
    return { rows: r, columns: c, values: values ? values(from, r, c, read) : Float32Array.from({ length: r * c }, () => one(from)) };
  };
  const filler = ({ rows, columns }: InputShape): Instruction => ({ op: 'transpose', name: '', rows, columns, params: [], inputs: [] });
  const unread: InputShape = { rows: fixed(3), columns: fixed(5) };
  const [trace, instructions, constants] = [[fill(unread)], [filler(unread)], [fill(unread)]];
  const sources = Array.from({ length: from.below(3) }, () => [fill(unread)]);
  const asked: Instruction['inputs'] = [];
  for (const input of shape.inputs) {
    const matrix = fill(input);
    read.push(matrix);
    const space = input.constant ? 'constant' : from.pick(['trace', ...sources.keys()] as const);
    const list = space === 'constant' ? constants : space === 'trace' ? trace : sources[space]!;
    asked.push({ space, index: list.length, rows: input.rows, columns: input.columns });
    list.push(matrix);
    if (space === 'trace') instructions.push(filler(input));
  }
  const instruction: Instruction = { op, name: op, rows: shape.rows, columns: shape.columns, params: shape.params ?? [], inputs: asked };
  const [rows, columns] = [sizeOf(shape.rows, lengths), sizeOf(shape.columns, lengths)];
  const output = Float32Array.from({ length: rows * columns }, (_, k) => ELEMENTS[op]({ instruction, texts: lengths, columns, i: Math.floor(k / columns), j: k % columns }, {
    columns: (input) => read[input]!.columns,
    get: (input, i, j) => read[input]!.values[i * read[input]!.columns + j]!,
  }));
  const index = trace.push({ rows, columns, values: output }) - 1;
  instructions.push(instruction);
  for (let k = from.below(3); k > 0; k--) {
    trace.push(fill(unread));
    instructions.push(filler(unread));
  }
  const program: Program = { instructions, constants: constants.map((matrix) => ({ name: '', rows: matrix.rows, columns: matrix.columns })), window };
  const k = from.pick([0, output.length - 1, from.below(output.length), from.below(output.length)]);
  return {
    claim: { program, inputs, shape: { outputs: from.between(1, trace.length - 1), sources: sources.map(({ length }) => length) }, trace, constants, sources },
    index, row: Math.floor(k / columns), column: k % columns,
  };
}

const UNIT_CASES = 5;

describe.each(Object.keys({ ...SHAPES, ...UNIT_SHAPES }) as (AnswerOp | UnitOp)[])('%s in a unit of a run', (op) => {
  test('the right bits stand, flipped bits are false, wrong proofs are refused', async () => {
    for (let number = 0; number < UNIT_CASES; number++) {
      const { claim, index, row, column } = makeUnitCase(op, number);
      const right = unitQuestion(claim, index, row, column);
      const { values, columns } = claim.trace[index]!;
      const honest = values[row * columns + column]!;
      const where = `${op} case ${number} [${row},${column}] ${honest}`;
      expect(await referee.isFalse(right), where).toBe(!finite(honest));
      const from = source(9500 + number);
      for (const bits of [(bitsOf(honest) ^ (1 << from.below(32))) >>> 0, (bitsOf(honest) ^ 1) >>> 0]) {
        const trace = claim.trace.map((matrix, k) => (k === index ? { ...matrix, values: matrix.values.slice() } : matrix));
        new Uint32Array(trace[index]!.values.buffer)[row * columns + column] = bits;
        expect(await referee.isFalse(unitQuestion({ ...claim, trace }, index, row, column)), where).toBe(true);
      }
      if (number > 0) continue;
      const wrong = spoiltUnit(right);
      expect(await Promise.all(wrong.map(([, some]) => referee.isFalse(some))), where).toEqual(wrong.map(([error]) => error));
    }
  });
});

/** What proves nothing about a unit, and how it is refused. */
function spoiltUnit(right: UnitQuestion): [string, UnitQuestion][] {
  const { unit, shape, step } = right;
  const inside = (step.index) < Number(step.header.instructionCount) - shape.outputs;
  return [
    ['RefereeWrongUnit', { ...right, unit: { ...unit, programHash: flipped(unit.programHash) } }],
    ['RefereeWrongUnit', { ...right, shape: { ...shape, outputs: shape.outputs + 1 } }],
    ['RefereeWrongUnit', { ...right, shape: { ...shape, sources: [...shape.sources, 1] } }],
    ['RefereeWrongUnit', { ...right, unit: { ...unit, sourceRoots: [...unit.sourceRoots, unit.outputRoot] } }],
    ['RefereeWrongUnit', { ...right, step: { ...step, header: { ...step.header, window: step.header.window + 1n } } }],
    ['RefereeWrongInputs', { ...right, unit: { ...unit, inputsHash: flipped(unit.inputsHash) } }],
    ['RefereeWrongInputs', { ...right, step: { ...step, inputs: flipped(step.inputs, 11) } }],
    // A matrix stands under one root only: inside, or among what the unit makes.
    ['RefereeWrongOpening', inside ? { ...right, innerRoot: flipped(right.innerRoot) } : { ...right, unit: { ...unit, outputRoot: flipped(unit.outputRoot) } }],
    ['RefereeWrongOpening', { ...right, step: { ...step, output: { ...step.output, leaf: step.output.leaf + 1 } } }],
    ['RefereeWrongOpening', { ...right, step: { ...step, output: { ...step.output, values: flipped(step.output.values) } } }],
    ...(step.openings.length
      ? [
        ['ElementMissing', { ...right, step: { ...step, openings: step.openings.slice(1) } }],
        ['RefereeWrongOpening', { ...right, step: { ...step, openings: [{ ...step.openings[0]!, values: flipped(step.openings[0]!.values) }, ...step.openings.slice(1)] } }],
      ] as [string, UnitQuestion][]
      : []),
  ];
}

/** A tensor as large as a model's of which a few leaves are known and the others are any hashes. */
function largeTensor(from: Source, rows: number, columns: number, known: Map<number, Float32Array>): Tensor {
  const { count } = cutOf(rows, columns);
  const leaves = new Uint8Array(count * 32);
  const words = new Uint32Array(leaves.buffer);
  for (let k = 0; k < words.length; k++) words[k] = from.word();
  for (const [leaf, values] of known) leaves.set(hashLeaf(values), leaf * 32);
  return tensorOf(rows, columns, leaves);
}

/** Gas of a transaction that asks about one element of a model with 2,000 instructions and 300 constants. */
async function gasOf(op: OpName, params: number[], n: number, output: [number, number], inputs: { rows: number; columns: number; constant?: boolean; value?: (k: number) => number }[], row: number, column: number): Promise<bigint> {
  const from = source(7777);
  const matrices = [{ rows: output[0], columns: output[1] }, ...inputs];
  const known = matrices.map(() => new Map<number, Float32Array>());
  const leaf = (k: number, at: number) => {
    const { rows, columns } = matrices[k]!;
    const cut = cutOf(rows, columns);
    const length = cut.pieces > 1 ? Math.min(256, columns - (at % cut.pieces) * 256) : (Math.min(rows, (at + 1) * cut.rows) - at * cut.rows) * columns;
    const first = cut.pieces > 1 ? (at % cut.pieces) * 256 : at * cut.rows * columns;
    const make = (k ? inputs[k - 1]!.value : undefined) ?? (() => small(from));
    const values = known[k]!.get(at) ?? Float32Array.from({ length }, (_, v) => make(first + v));
    known[k]!.set(at, values);
    return values;
  };
  const places = inputs.map(({ constant }, k) => (constant ? 100 + k : 500 + k));
  const at = 1500;
  const filler: Instruction = { op: 'transpose', name: '', rows: one, columns: one, params: [], inputs: [] };
  const instructions = Array.from({ length: 2000 }, () => filler);
  instructions[at] = { op, name: op, rows: fixed(output[0]), columns: fixed(output[1]), params, inputs: inputs.map(({ rows, columns, constant }, k) => ({ space: constant ? 'constant' : 'trace', index: places[k]!, rows: fixed(rows), columns: fixed(columns) })) };
  const program: Program = { instructions, constants: Array.from({ length: 300 }, () => ({ name: '', rows: 1, columns: 1 })), window: 0 };
  const claim = { program, inputs: { tokens: Array.from({ length: n + 1 }, (_, k) => 1000 + k), answer: 20 } };
  const whichOf = (space: 'trace' | 'constant', index: number) => (space === 'trace' && index === at ? 0 : 1 + places.indexOf(index));
  // Which leaves are read shows in a first pass over trees without any.
  const plain = (count: number) => new TraceTree(Array.from({ length: count }, () => tensorOf(1, 1, hashLeaf(Float32Array.of(0)))));
  const blank = { root: toHex(new Uint8Array(32)), proof: () => [] } as unknown as TraceTree;
  buildStep({ ...claim, tree: blank, constants: blank, valuesOf: (space, index, some) => leaf(whichOf(space, index), some) }, at, row, column);
  const [trace, constants] = [plain(2000).tensors.slice(), plain(300).tensors.slice()];
  matrices.forEach(({ rows, columns }, k) => {
    const list = k && inputs[k - 1]!.constant ? constants : trace;
    list[k ? places[k - 1]! : at] = largeTensor(from, rows, columns, known[k]!);
  });
  const [tree, constantsTree] = [new TraceTree(trace), new TraceTree(constants)];
  const step = buildStep({ ...claim, tree, constants: constantsTree, valuesOf: (space, index, some) => leaf(whichOf(space, index), some) }, at, row, column);
  return referee.gas({ program: programHash(program, constantsTree.root), inputs: inputsHash(claim.inputs), trace: tree.root, step });
}

test('gas of one step as a transaction, all proofs included', async () => {
  const tokens = 60;
  const gas = {
    dotBlock: await gasOf('dot', [], tokens, [tokens, 4864], [{ rows: tokens, columns: 256 }, { rows: 4864, columns: 256, constant: true }], 41, 3000),
    dot1024: await gasOf('dot', [], tokens, [tokens, 4864], [{ rows: tokens, columns: 1024 }, { rows: 4864, columns: 1024, constant: true }], 41, 3000),
    softmaxMax: await gasOf('softmaxMax', [8, bitsOf(0.125)], tokens, [tokens, 8], [{ rows: 8 * tokens, columns: tokens }], 59, 7),
    softmaxExp: await gasOf('softmaxExp', [8, bitsOf(0.125)], tokens, [8 * tokens, tokens], [{ rows: 8 * tokens, columns: tokens }, { rows: tokens, columns: 8 }], 479, 50),
    softmaxInverse: await gasOf('softmaxInverse', [8], tokens, [tokens, 8], [{ rows: 8 * tokens, columns: tokens, value: (k) => 1 + (k % 7) / 8 }], 59, 7),
    rope: await gasOf('rope', [64, 0], tokens, [tokens, 512], [{ rows: tokens, columns: 512 }, { rows: 2048, columns: 32, constant: true }, { rows: 2048, columns: 32, constant: true }], 41, 300),
    swigluGate: await gasOf('swigluGate', [], tokens, [tokens, 4864], Array.from({ length: 3 }, () => ({ rows: tokens, columns: 4864 })), 41, 3000),
    // 32 members, each in another leaf of the gradient.
    sketch: await gasOf('sketch', [], tokens, [1, 4096], [
      { rows: 64, columns: 256 },
      { rows: 1, columns: 8192, constant: true, value: (k) => fromBits(32 * ((k + 1) >> 1)) },
      { rows: 1, columns: 131072, constant: true, value: (k) => fromBits((((k & 1) << 31) | ((k % 32) * 257)) >>> 0) },
      { rows: 1, columns: 4096 },
    ], 0, 999),
  };
  expect(gas.dotBlock).toBeLessThanOrEqual(MOST_GAS);
  // Above, a challenger's whole dispute would cost more than issue 5 allows.
  for (const [name, one] of Object.entries(gas)) expect(one, name).toBeLessThanOrEqual(MOST_DISPUTE);
}, 60_000);
