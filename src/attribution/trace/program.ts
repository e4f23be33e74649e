import { Scope } from '../../kernels/scope.ts';
import type { Tensor } from '../../kernels/backend.ts';
import { packBatch } from '../../model/batch.ts';
import type { ModelConfig } from '../../model/config.ts';
import type { Gradients } from '../../model/linear.ts';
import type { Lora } from '../../model/lora.ts';
import { loss } from '../../model/loss.ts';
import { type Model, weightShapes } from '../../model/model.ts';
import { adapterTensors } from '../record-gradients.ts';
import { piecesOf } from './element.ts';
import { type Instruction, type Lengths, type Program, type Size, fixed, lengthsOf, sizeOf } from './instruction.ts';
import { type ConstantOrigin, type LoweredConstant, type LoweredInstruction, type LoweredSource, Recorder } from './lower.ts';

/** What decides the program of an adapter's answers. */
export interface ProgramSubject {
  config: ModelConfig;
  /** Positions there are rotary tables for. */
  positions: number;
  /** The adapter's layers: shapes and scales of its factors, in order. */
  layers: readonly { name: string; rank: number; input: number; output: number; scale: number }[];
  checkpoints: number;
  /** Numbers a checkpoint has of a ledger's row. */
  width: number;
  /** Rows of the ledger. */
  records: number;
}

export interface TraceProgram extends Program {
  /** Where the constants' values come from. */
  origins: ConstantOrigin[];
}

/** An adapter's layers as a program names them. */
export function layersOf(lora: Lora): ProgramSubject['layers'] {
  return [...lora.pairs].map(([name, { a, b, rank, scale }]) => ({ name, rank, input: a.shape[1]!, output: b.shape[0]!, scale }));
}

/**
 * The program of an adapter's answers: influence of every record on the whole answer, from the embedding to scores and noise
 * (curvature/curvature-influence.ts computes the same). Made by running the engine's own code on a recorder for answers of a few
 * lengths; what is the same affine function of the lengths in all of them is the program. Throws RangeError where nothing fits.
 */
export function traceProgram(subject: ProgramSubject): TraceProgram {
  const window = subject.config.window ?? 0;
  // Lengths that tell N, M and W apart; beyond the window where there is one.
  const samples = [[6, 2], [9, 4], [11, 3], [7, 5], [13, 2], ...(window ? [[window + 4, 3], [window + 9, 2], [window + 6, 5]] : [])]
    .map(([n, m]) => ({ lengths: lengthsOf({ tokens: new Array<number>(n! + 1).fill(0), answer: m! }, window), lowered: lower(subject, n! + 1, m!) }));
  return { ...fitted(samples, window ? ['n', 'm', 'w'] : ['n', 'm']), window };
}

/** What the engine's code came to for texts of some lengths. */
export interface Lowered {
  instructions: LoweredInstruction[];
  constants: LoweredConstant[];
}

export interface Sample {
  lengths: Lengths;
  lowered: Lowered;
}

/** What is the same function of the lengths in all samples; symbols are tried in order. Throws RangeError where nothing fits. */
export function fitted(samples: readonly Sample[], symbols: readonly ('n' | 'm' | 'w')[]): Omit<TraceProgram, 'window'> {
  const [first, ...others] = samples.map(({ lowered }) => lowered);
  if (others.some(({ instructions, constants }) => instructions.length !== first!.instructions.length || JSON.stringify(constants) !== JSON.stringify(first!.constants))) {
    throw new RangeError('the program depends on the length of the text');
  }
  const lengths = samples.map((sample) => sample.lengths);
  const fit = (value: (lowered: LoweredInstruction) => number, at: number) => fitSize(lengths, samples.map(({ lowered }) => value(lowered.instructions[at]!)), symbols);
  const instructions = first!.instructions.map((instruction, at): Instruction => ({
    op: instruction.op, name: instruction.name, params: instruction.params,
    rows: fit(({ rows }) => rows, at),
    columns: fit(({ columns }) => columns, at),
    inputs: instruction.inputs.map(({ space, index }, k) => ({ space, index, rows: fit(({ inputs }) => inputs[k]!.rows, at), columns: fit(({ inputs }) => inputs[k]!.columns, at) })),
  }));
  return { instructions, constants: first!.constants.map(({ name, rows, columns }) => ({ name, rows, columns })), origins: first!.constants.map(({ origin }) => origin) };
}

/** one + coefficient · (N, M or W) that gives all values. */
function fitSize(lengths: readonly Lengths[], values: readonly number[], symbols: readonly ('n' | 'm' | 'w')[]): Size {
  const fits = (size: Size) => lengths.every((some, k) => sizeOf(size, some) === values[k]);
  if (fits(fixed(values[0]!))) return fixed(values[0]!);
  for (const symbol of symbols) {
    const other = lengths.findIndex((some) => some[symbol] !== lengths[0]![symbol]);
    const slope = (values[other]! - values[0]!) / (lengths[other]![symbol] - lengths[0]![symbol]);
    const size = { ...fixed(values[0]! - slope * lengths[0]![symbol]), [symbol]: slope };
    if (fits(size)) return size;
  }
  throw new RangeError(`sizes ${values} follow from no length`);
}

function lower({ config, positions, layers, checkpoints, width, records }: ProgramSubject, tokens: number, answer: number): Lowered {
  const recorder = new Recorder();
  const model = recordedModel(recorder, config, positions);
  const scope = new Scope(recorder);
  const sequence = { ids: new Array<number>(tokens).fill(0), start: tokens - answer };
  const batch = packBatch([[sequence]], () => 1, config.window);
  const parts: (LoweredSource | undefined)[] = Array.from({ length: checkpoints }, () => undefined);
  for (let at = 0; at < checkpoints; at++) {
    const lora = recordedLora(recorder, layers, at);
    const { gradients } = loss(scope, model, lora, batch, 'adapter', { keep: 'layers' });
    const into = at === checkpoints - 1 ? [at, ...parts.keys()] : [at];
    for (const part of into) parts[part] = sketched(recorder, lora, gradients, part, width, parts[part]);
  }
  const total = checkpoints * width;
  const text = checkpoints === 1 ? parts[0]! : recorder.emit('join', 'reading', 1, total, parts as LoweredSource[], [width]);
  const rows = recorder.constantMatrix('ledger.rows', records, total, { kind: 'rows' });
  const blocks = piecesOf(total);
  const squares = recorder.emit('fold', 'reading squared', 1, 1, [recorder.emit('squareRowBlocks', 'reading squared blocks', 1, blocks, [text])]);
  recorder.emit('fold', 'influence', 1, records, [recorder.emit('rowBlocks', 'influence blocks', records, blocks, [text, rows])]);
  recorder.emit('noise', 'noise', 1, records, [recorder.constantMatrix('ledger.noise', 1, records, { kind: 'noise' }), squares]);
  return { instructions: recorder.instructions, constants: recorder.constants };
}

/** The gradients of a text, scaled and added to a part of its reading; as Sketcher.add does. */
function sketched(recorder: Recorder, lora: Lora, gradients: Gradients, part: number, width: number, before: LoweredSource | undefined): LoweredSource {
  let there = before;
  for (const { name, values } of adapterTensors(lora)) {
    const gradient = recorder.matrixOf(gradients.get(name)!);
    const scale = recorder.constantMatrix(`${part}.${name}.scale`, gradient.rows, gradient.columns, { kind: 'scale', checkpoint: part, name });
    const scaled = recorder.emit('scaleBy', `${part}.${name}.scaled`, gradient.rows, gradient.columns, [gradient, scale]);
    const pairs = recorder.constantMatrix(`${part}.${name}.pairs`, 1, 2 * width, { kind: 'pairs', checkpoint: part, name });
    const members = recorder.constantMatrix(`${part}.${name}.members`, 1, values, { kind: 'members', checkpoint: part, name });
    there = recorder.emit('sketch', `${part}.${name}.sketch`, 1, width, [scaled, pairs, members, ...(there ? [there] : [])]);
  }
  return there!;
}

/** A model whose weights are constants of what is recorded. */
export function recordedModel(recorder: Recorder, config: ModelConfig, positions: number): Model {
  const matrices: Model['matrices'] = new Map();
  const vectors: Model['vectors'] = new Map();
  for (const [name, shape] of weightShapes(config)) {
    const codes = recorder.constant(name, shape, { kind: 'weight', name, transposed: false });
    if (shape.length === 1) vectors.set(name, codes);
    else matrices.set(name, { name, rows: shape[0]!, columns: shape[1]!, format: 'f32', parts: [{ from: 0, rows: shape[0]!, codes, scales: undefined }] });
  }
  const table = (which: 'cos' | 'sin'): Tensor => recorder.constant(`rope.${which}`, [positions, config.headDim / 2], { kind: 'rope', table: which });
  return { backend: recorder, config, matrices, vectors, positions, cos: table('cos'), sin: table('sin') };
}

function recordedLora(recorder: Recorder, layers: ProgramSubject['layers'], checkpoint: number): Lora {
  const factor = (name: string, shape: number[]) => recorder.constant(`${checkpoint}.${name}`, shape, { kind: 'factor', checkpoint, name, transposed: false });
  const pairs: Lora['pairs'] = new Map(layers.map(({ name, rank, input, output, scale }) => [
    name, { a: factor(`${name}.lora_A`, [rank, input]), b: factor(`${name}.lora_B`, [output, rank]), rank, scale },
  ]));
  // What else an adapter's configuration says is no part of a pass.
  return { pairs } as Lora;
}
