import { bitsOf, sub } from '../../arithmetic/rf32.ts';
import type { Backend, Memory, Tensor } from '../../kernels/backend.ts';
import { type Operation, type Params, type Shape, type Values, size } from '../../kernels/operation.ts';
import { piecesOf } from './element.ts';
import { MOST_TERMS, type OpName, type Space } from './instruction.ts';

/** Where the values of a constant come from; constants.ts gives them. */
export type ConstantOrigin =
  | { kind: 'weight'; name: string; transposed: boolean }
  | { kind: 'factor'; checkpoint: number; name: string; transposed: boolean }
  | { kind: 'rope'; table: 'cos' | 'sin' }
  | { kind: 'scale' | 'pairs' | 'members'; checkpoint: number; name: string }
  | { kind: 'rows' | 'noise' };

/** A program as it is for one length: sizes are numbers. */
export interface LoweredSource {
  space: Space;
  index: number;
  rows: number;
  columns: number;
}
export interface LoweredInstruction {
  op: OpName;
  name: string;
  rows: number;
  columns: number;
  params: number[];
  inputs: LoweredSource[];
}
export interface LoweredConstant {
  name: string;
  rows: number;
  columns: number;
  origin: ConstantOrigin;
}

/** Of rows of logits, for their loss. */
interface Stats {
  exp: LoweredSource;
  sums: LoweredSource;
  inverse: LoweredSource;
}

/** What stands behind a tensor: rows of the trace or a constant; an index list by its name; or what the trace leaves out. */
type Meaning = { matrix: LoweredSource } | { index: string } | { stats: Stats } | { origin: ConstantOrigin } | 'none';

/**
 * A backend that computes nothing: it writes down the instructions that the operations run on it amount to. Programs are thus
 * made by the code that computes, for every model that it knows, and cannot drift from it. Throws RangeError for operations
 * that no program has (training the base, packed weights, caches).
 */
export class Recorder implements Backend {
  readonly kind = 'reference';
  readonly device = 'recorder';
  readonly maxBinding = Infinity;
  readonly instructions: LoweredInstruction[] = [];
  readonly constants: LoweredConstant[] = [];
  /** How the loss of a token is weighed: as an answer's, or as each text says. */
  readonly weights: 'answer' | 'given';
  private readonly meanings = new Map<Tensor, Meaning>();
  private readonly derived = new Map<string, LoweredSource>();
  private readonly stats = new Map<number, Stats>();

  constructor(weights: 'answer' | 'given' = 'answer') {
    this.weights = weights;
  }

  /** A matrix that never changes. One dimension counts as a row. */
  constant(name: string, shape: Shape, origin: ConstantOrigin): Tensor {
    const tensor: Tensor = { name, shape, dtype: 'f32' };
    this.meanings.set(tensor, { origin });
    return tensor;
  }

  /** A matrix that another unit made: number `index` of source `source`. */
  given(name: string, shape: Shape, source: number, index: number): Tensor {
    const tensor: Tensor = { name, shape, dtype: 'f32' };
    this.stand(tensor, source, index);
    return tensor;
  }

  /** A tensor that was created stands for such a matrix. */
  stand(tensor: Tensor, source: number, index: number): void {
    const columns = tensor.shape.at(-1)!;
    this.meanings.set(tensor, { matrix: { space: source, index, rows: size(tensor.shape) / columns, columns } });
  }

  /** The matrix behind a tensor that `run` made or `constant` named. */
  matrixOf(tensor: Tensor): LoweredSource {
    const meaning = this.meanings.get(tensor);
    if (!meaning || meaning === 'none' || !('matrix' in meaning || 'origin' in meaning)) throw new RangeError(`${tensor.name} is in no trace`);
    if ('matrix' in meaning) return meaning.matrix;
    const columns = tensor.shape.at(-1)!;
    return this.constantMatrix(tensor.name, size(tensor.shape) / columns, columns, meaning.origin);
  }

  /** A constant as a matrix of the given size, written down at its first use. */
  constantMatrix(name: string, rows: number, columns: number, origin: ConstantOrigin): LoweredSource {
    return this.once(JSON.stringify([origin, rows, columns]), () => {
      this.constants.push({ name, rows, columns, origin });
      return { space: 'constant', index: this.constants.length - 1, rows, columns };
    });
  }

  /** Writes an instruction down. */
  emit(op: OpName, name: string, rows: number, columns: number, inputs: LoweredSource[], params: number[] = []): LoweredSource {
    this.instructions.push({ op, name, rows, columns, params, inputs });
    return { space: 'trace', index: this.instructions.length - 1, rows, columns };
  }

  /** The transpose of a matrix: an instruction, or a constant of its own. */
  transposed(matrix: LoweredSource): LoweredSource {
    if (matrix.space === 'trace') return this.once(`t${matrix.index}`, () => this.emit('transpose', `${this.instructions[matrix.index]!.name} transposed`, matrix.columns, matrix.rows, [matrix]));
    if (matrix.space !== 'constant') return this.once(`t${matrix.space} ${matrix.index}`, () => this.emit('transpose', `source ${matrix.space}.${matrix.index} transposed`, matrix.columns, matrix.rows, [matrix]));
    const { name, origin } = this.constants[matrix.index]!;
    if (!('transposed' in origin)) throw new RangeError(`${name} has no transpose`);
    return this.constantMatrix(`${name} transposed`, matrix.columns, matrix.rows, { ...origin, transposed: !origin.transposed });
  }

  /** a · bᵀ, in blocks where the sum is long and its length is not the answer's. */
  dot(name: string, a: LoweredSource, b: LoweredSource): LoweredSource {
    if (a.columns !== b.columns) throw new RangeError(`${name}: ${a.columns} and ${b.columns} terms`);
    if (!this.isFixed(b) || a.columns <= MOST_TERMS) return this.emit('dot', name, a.rows, b.rows, [a, b]);
    const blocks = piecesOf(a.columns);
    return this.emit('foldGroups', name, a.rows, b.rows, [this.emit('dotBlocks', `${name} blocks`, a.rows, b.rows * blocks, [a, b], [blocks])], [blocks]);
  }

  /** A matrix whose size is the model's, not the texts'. */
  private isFixed({ space, index }: LoweredSource): boolean {
    if (space !== 'trace') return true;
    const { op, inputs } = this.instructions[index]!;
    return op === 'transpose' && typeof inputs[0]!.space === 'number';
  }

  upload(name: string, shape: Shape, values: Values): Tensor {
    const tensor: Tensor = { name, shape, dtype: values instanceof Uint32Array ? 'u32' : 'f32' };
    this.meanings.set(tensor, { index: name });
    return tensor;
  }
  create(name: string, shape: Shape, dtype: Tensor['dtype']): Tensor {
    const tensor: Tensor = { name, shape, dtype };
    this.meanings.set(tensor, 'none');
    return tensor;
  }
  write(): void {}
  free(): void {}
  destroy(): void {}
  memory(): Memory {
    return { bytes: 0, peakBytes: 0 };
  }
  read(tensor: Tensor): Promise<Values> {
    throw new RangeError(`${tensor.name} is not computed`);
  }

  run(operation: Operation, name: string, inputs: Tensor[], params: Params = {}): Tensor[] {
    const lower = LOWERINGS[operation.name];
    if (!lower) throw new RangeError(`${operation.name} is in no program`);
    const meanings = lower({ recorder: this, name, inputs, params, matrix: (k) => this.matrixOf(inputs[k]!) });
    return operation.outputs(inputs.map(({ shape }) => shape), params).map(({ shape, dtype, inPlace }, k) => {
      const tensor: Tensor = inPlace === undefined ? { name, shape, dtype } : inputs[inPlace]!;
      this.meanings.set(tensor, meanings[k]!);
      return tensor;
    });
  }

  once(key: string, make: () => LoweredSource): LoweredSource {
    const found = this.derived.get(key) ?? make();
    this.derived.set(key, found);
    return found;
  }

  /** What an index list is called. */
  indexOf(tensor: Tensor): string {
    const meaning = this.meanings.get(tensor);
    return meaning && meaning !== 'none' && 'index' in meaning ? meaning.index : '';
  }
  /** Maximum, exponentials and sums of rows of logits: whatever is to be predicted there, they are the same. */
  statsOfLogits(name: string, logits: LoweredSource): Stats {
    const known = this.stats.get(logits.index);
    if (known) return known;
    const blocks = piecesOf(logits.columns);
    const greatest = this.emit('maxBlocks', `${name} max blocks`, logits.rows, blocks, [logits]);
    const max = this.emit('maxFold', `${name} max`, logits.rows, 1, [greatest]);
    const exp = this.emit('lossExp', `${name} exp`, logits.rows, logits.columns, [logits, max]);
    const sums = this.emit('sumBlocks', `${name} sums`, logits.rows, blocks, [exp]);
    const made = { exp, sums, inverse: this.emit('inverseFold', `${name} inverse`, logits.rows, 1, [sums]) };
    this.stats.set(logits.index, made);
    return made;
  }
  statsOf(tensor: Tensor): Stats {
    const meaning = this.meanings.get(tensor);
    if (!meaning || meaning === 'none' || !('stats' in meaning)) throw new RangeError(`${tensor.name} are no stats`);
    return meaning.stats;
  }
}

interface Lowering {
  recorder: Recorder;
  name: string;
  inputs: Tensor[];
  params: Params;
  matrix(input: number): LoweredSource;
}

const floatBits = (value: number) => bitsOf(Math.fround(value));
const of = (matrix: LoweredSource): Meaning[] => [{ matrix }];

function elementwise(op: OpName, count: number, params: (call: Params) => number[] = () => []) {
  return ({ recorder, name, matrix, params: call }: Lowering): Meaning[] => {
    const inputs = Array.from({ length: count }, (_, k) => matrix(k));
    return of(recorder.emit(op, name, inputs[0]!.rows, inputs[0]!.columns, inputs, params(call)));
  };
}

/** Heads, groups and values a head, of scores' operands. */
function heads({ heads: h, groups: g }: Params, queries: LoweredSource): [number, number, number] {
  return [h!, g!, queries.columns / h!];
}

const LOWERINGS: Readonly<Record<string, (call: Lowering) => Meaning[]>> = {
  matmulNT: ({ recorder, name, matrix }) => of(recorder.dot(name, matrix(0), matrix(1))),
  matmulNN: ({ recorder, name, matrix }) => of(recorder.dot(name, matrix(0), recorder.transposed(matrix(1)))),
  matmulTN: ({ recorder, name, inputs, matrix }) => {
    if (inputs[2]!.shape[0] !== 2) throw new RangeError(`${name}: a program is about one segment`);
    return of(recorder.dot(name, recorder.transposed(matrix(0)), recorder.transposed(matrix(1))));
  },
  attentionScores: ({ recorder, name, params, matrix }) => {
    const [q, k] = [matrix(0), matrix(1)];
    const [h, g, e] = heads(params, q);
    return of(recorder.emit('scores', name, q.rows * h, params.width!, [q, k], [h, g, e]));
  },
  softmax: ({ recorder, name, inputs, params, matrix }) => {
    const scores = matrix(0);
    const h = inputs[0]!.shape[1]!;
    const tokens = scores.rows / h;
    const scale = floatBits(params.scale!);
    const max = recorder.emit('softmaxMax', `${name} max`, tokens, h, [scores], [h, scale]);
    const exp = recorder.emit('softmaxExp', `${name} exp`, scores.rows, scores.columns, [scores, max], [h, scale]);
    const inverse = recorder.emit('softmaxInverse', `${name} inverse`, tokens, h, [exp], [h]);
    return of(recorder.emit('softmax', name, scores.rows, scores.columns, [exp, inverse], [h]));
  },
  softmaxGradient: ({ recorder, name, inputs, params, matrix }) => {
    const [p, dp] = [matrix(0), matrix(1)];
    const h = inputs[0]!.shape[1]!;
    const dot = recorder.emit('softmaxDot', `${name} dot`, p.rows / h, h, [p, dp], [h]);
    return of(recorder.emit('softmaxGradient', name, p.rows, p.columns, [p, dp, dot], [h, floatBits(params.scale!)]));
  },
  attentionValues: ({ recorder, name, inputs, params: { groups }, matrix }) => {
    const [p, v] = [matrix(0), matrix(1)];
    const h = inputs[0]!.shape[1]!;
    const e = v.columns / groups!;
    return of(recorder.emit('values', name, p.rows / h, h * e, [p, recorder.transposed(v)], [h, groups!, e]));
  },
  attentionKeys: ({ recorder, name, inputs, params: { groups: g }, matrix }) => {
    const [p, q] = [matrix(0), matrix(1)];
    const h = inputs[0]!.shape[1]!;
    const each = h / g!;
    const [tokens, e] = [p.rows / h, q.columns / h];
    const aligned = recorder.once(`a${p.index}`, () => recorder.emit('align', `${recorder.instructions[p.index]!.name} by key`, tokens * g!, each * p.columns, [p], [h, g!]));
    const parted = recorder.once(`s${q.index}`, () => recorder.emit('split', `${recorder.instructions[q.index]!.name} by head`, g! * e, tokens * each, [q], [h, g!, e]));
    return of(recorder.emit('keys', name, tokens, g! * e, [aligned, parted], [h, g!, e]));
  },

  embedding: ({ recorder, name, inputs, matrix }) => {
    const table = matrix(0);
    const op = ({ ids: 'tokens', targetRows: 'pick' } as const)[recorder.indexOf(inputs[1]!)];
    if (!op) throw new RangeError(`${name} reads rows by ${recorder.indexOf(inputs[1]!)}`);
    return of(recorder.emit(op, name, inputs[1]!.shape[0]!, table.columns, [table]));
  },
  embeddingGradient: ({ recorder, name, inputs, matrix }) => of(recorder.emit('place', name, inputs[2]!.shape[0]! - 1, matrix(0).columns, [matrix(0)])),

  rmsNorm: ({ recorder, name, params, matrix }) => {
    const [x, w] = [matrix(0), matrix(1)];
    const blocks = recorder.emit('squareBlocks', `${name} squares`, x.rows, piecesOf(x.columns), [x]);
    const r = recorder.emit('rmsScale', `${name} scale`, x.rows, 1, [blocks], [floatBits(1 / x.columns), floatBits(params.eps!)]);
    return [{ matrix: recorder.emit('rmsNorm', name, x.rows, x.columns, [x, r, w]) }, { matrix: r }];
  },
  rmsNormGradient: ({ recorder, name, matrix }) => {
    const [dy, x, w, r] = [matrix(0), matrix(1), matrix(2), matrix(3)];
    const blocks = recorder.emit('rmsDotBlocks', `${name} dot`, x.rows, piecesOf(x.columns), [dy, x, w]);
    const c = recorder.emit('rmsCoefficient', `${name} coefficient`, x.rows, 1, [blocks, r], [floatBits(1 / x.columns)]);
    return of(recorder.emit('rmsGradient', name, x.rows, x.columns, [dy, x, w, r, c]));
  },
  rope: ({ recorder, name, params, matrix }) => {
    const [x, cos, sin] = [matrix(0), matrix(2), matrix(3)];
    return of(recorder.emit('rope', name, x.rows, x.columns, [x, cos, sin], [2 * cos.columns, params.inverse!]));
  },

  add: elementwise('add', 2),
  addScaled: elementwise('addScaled', 2, ({ scale }) => [floatBits(scale!)]),
  scale: elementwise('scale', 1, ({ scale }) => [floatBits(scale!)]),
  addBias: elementwise('addRow', 2),
  swiglu: elementwise('swiglu', 2),
  swigluGradient: ({ recorder, name, matrix }) => {
    const [dh, gate, up] = [matrix(0), matrix(1), matrix(2)];
    const dGate = recorder.emit('swigluGate', `${name} gate`, dh.rows, dh.columns, [dh, gate, up]);
    return [{ matrix: dGate }, { matrix: recorder.emit('swigluUp', `${name} up`, dh.rows, dh.columns, [dh, gate]) }];
  },

  // The loss itself decides nothing: the trace goes on with its gradient.
  crossEntropy: ({ recorder, name, matrix }) => ['none', { stats: recorder.statsOfLogits(name, matrix(0)) }],
  drawTargets: ({ recorder, name, inputs }) => {
    const { exp, sums } = recorder.statsOf(inputs[1]!);
    return of(recorder.emit('drawTarget', name, exp.rows, 1, [exp, sums]));
  },
  crossEntropyGradient: ({ recorder, name, inputs, matrix }) => {
    const { exp, inverse } = recorder.statsOf(inputs[2]!);
    const gradient = (op: OpName, ...more: LoweredSource[]) => of(recorder.emit(op, name, exp.rows, exp.columns, [exp, inverse, ...more]));
    if (recorder.indexOf(inputs[1]!) !== 'targets') return gradient('lossGradientDrawn', matrix(1));
    return gradient(recorder.weights === 'given' ? 'lossGradientBy' : 'lossGradient');
  },
  weightedSum: () => ['none'],

  // The rate and the corrections are scalars of a unit: they change from step to step.
  adamw: ({ recorder, name, params: { beta1, beta2, eps, decay }, matrix }) => {
    const [w, g, m, v] = [matrix(0), matrix(1), matrix(2), matrix(3)];
    const made = (op: OpName, what: string, inputs: LoweredSource[], params: number[]) => recorder.emit(op, `${name} ${what}`, w.rows, w.columns, inputs, params);
    const rest = (beta: number) => [floatBits(beta), bitsOf(sub(1, Math.fround(beta)))];
    const moment = made('adamwMoment', 'm', [m, g], rest(beta1!));
    const square = made('adamwSquare', 'v', [v, g], rest(beta2!));
    const weight = made('adamwWeight', 'updated', [w, moment, square], [floatBits(eps!), floatBits(decay!)]);
    return [{ matrix: weight }, { matrix: moment }, { matrix: square }];
  },
};
