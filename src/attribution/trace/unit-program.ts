import { addTensors } from '../../kernels/elementwise/operation.ts';
import { Scope } from '../../kernels/scope.ts';
import { packBatch } from '../../model/batch.ts';
import type { Lora } from '../../model/lora.ts';
import { loss } from '../../model/loss.ts';
import { AdamW } from '../../model/optimizer.ts';
import type { Program } from './instruction.ts';
import type { LedgerKind } from './ledger-programs.ts';
import { type LoweredInstruction, type LoweredSource, Recorder } from './lower.ts';
import { type Lowered, type ProgramSubject, type TraceProgram, fitted, recordedModel } from './program.ts';
import { Texts } from './texts.ts';
import type { UnitShape } from './unit.ts';

/**
 * What a unit of a run computes: the first, a middle, the last or the only part of a training step, or the gradient of one
 * record for its own labels or drawn ones. All but the last and only part make the gradient of the adapter, by tensor; a middle
 * or last part adds its own to that of the part before. The last or only part makes the next state.
 */
export type GradientKind = 'first' | 'middle' | 'last' | 'only' | 'own' | 'drawn';

/** All kinds of units that follow a program. */
export type UnitKind = GradientKind | LedgerKind;

const GRADIENT_KINDS: ReadonlySet<UnitKind> = new Set<UnitKind>(['first', 'middle', 'last', 'only', 'own', 'drawn']);
export const isGradientKind = (kind: UnitKind): kind is GradientKind => GRADIENT_KINDS.has(kind);

/** Part `part` (from 0) of `parts`. */
export function partKind(part: number, parts: number): GradientKind {
  if (parts === 1) return 'only';
  if (part === 0) return 'first';
  return part < parts - 1 ? 'middle' : 'last';
}

/** What decides the programs of a run's units. */
export type UnitSubject = Pick<ProgramSubject, 'config' | 'positions' | 'layers'>;

export interface UnitProgram extends Program {
  kind: UnitKind;
  shape: UnitShape;
}

interface TensorShape {
  name: string;
  rows: number;
  columns: number;
}

/** The adapter's P tensors, each layer's A, then its B: outputs of units that make a gradient. */
export function adapterShapes(layers: UnitSubject['layers']): TensorShape[] {
  return layers.flatMap(({ name, rank, input, output }) => [
    { name: `${name}.lora_A`, rows: rank, columns: input },
    { name: `${name}.lora_B`, rows: output, columns: rank },
  ]);
}

/** A state of a run: outputs of the last part of a step, and of the unit that is given. First moments, second moments, weights, as they are computed. */
export function stateShapes(layers: UnitSubject['layers']): TensorShape[] {
  const tensors = adapterShapes(layers);
  return ['.m', '.v', ''].flatMap((which) => tensors.map((tensor) => ({ ...tensor, name: `${tensor.name}${which}` })));
}

/** Texts as [tokens, answer] that tell N, M and W apart; with a window also texts beyond it. */
function samples(window: number): [number, number][][] {
  const plain: [number, number][][] = [[[7, 2]], [[10, 4], [6, 3]], [[5, 1], [9, 3], [6, 2]], [[12, 5], [4, 1]], [[8, 6], [8, 1], [3, 1]]];
  return window ? [...plain, [[window + 5, 3]], [[window + 9, 2], [4, 3]], [[6, 1], [window + 3, 4]]] : plain;
}

/** Made by the engine's own code, as traceProgram is. Throws RangeError where nothing fits. */
export function unitProgram(subject: UnitSubject, kind: GradientKind): UnitProgram & TraceProgram {
  const window = subject.config.window ?? 0;
  const packings = samples(window).map((packing) => packing.map(([tokens, answer]) => ({ tokens: new Array<number>(tokens).fill(0), answer, weight: 1 })));
  const lowered = packings.map((texts) => ({ lengths: new Texts({ texts, scalars: [] }, window), lowered: lower(subject, kind, texts) }));
  const count = adapterShapes(subject.layers).length;
  const outputs = kind === 'last' || kind === 'only' ? 3 * count : count;
  const sources = kind === 'middle' || kind === 'last' ? [3 * count, count] : [3 * count];
  return { ...fitted(lowered, ['n', 'm', 'w']), window, kind, shape: { outputs, sources } };
}

function lower({ config, positions, layers }: UnitSubject, kind: GradientKind, texts: { tokens: number[]; answer: number }[]): Lowered {
  const recorder = new Recorder('given');
  const scope = new Scope(recorder);
  const model = recordedModel(recorder, config, positions);
  const shapes = adapterShapes(layers);
  const [firstSquare, firstWeight] = [shapes.length, 2 * shapes.length];
  const weights = new Map(shapes.map(({ name, rows, columns }, k) => [name, recorder.given(name, [rows, columns], 0, firstWeight + k)]));
  const lora = {
    pairs: new Map(layers.map(({ name, rank, scale }) => [name, { a: weights.get(`${name}.lora_A`)!, b: weights.get(`${name}.lora_B`)!, rank, scale }])),
    // What else an adapter's configuration says is no part of a pass.
  } as Lora;
  const batch = packBatch([texts.map(({ tokens, answer }) => ({ ids: tokens, start: tokens.length - answer }))], () => 1, config.window);
  const uniforms = kind === 'drawn' ? new Float32Array(batch.targets.length) : undefined;
  const { gradients } = loss(scope, model, lora, batch, 'adapter', { keep: 'layers', logitBytes: Infinity, uniforms });
  if (kind === 'middle' || kind === 'last') {
    shapes.forEach(({ name, rows, columns }, k) => {
      const before = recorder.given(`${name}.sum`, [1, rows, columns], 1, k);
      gradients.set(name, scope.one(addTensors, `${name}.sum`, [before, gradients.get(name)!]));
    });
  }
  let made = shapes.map(({ name }) => gradients.get(name)!);
  if (kind === 'last' || kind === 'only') {
    const optimizer = new AdamW(recorder, weights);
    shapes.forEach(({ name }, k) => {
      const { m, v } = optimizer.moments.get(name)!;
      recorder.stand(m, 0, k);
      recorder.stand(v, 0, firstSquare + k);
    });
    optimizer.step(gradients, 0);
    const moments = shapes.map(({ name }) => optimizer.moments.get(name)!);
    made = [...moments.map(({ m }) => m), ...moments.map(({ v }) => v), ...weights.values()];
  }
  return { instructions: outputsLast(recorder.instructions, made.map((tensor) => recorder.matrixOf(tensor))), constants: recorder.constants };
}

/** The same instructions with those that make the outputs at the end, in the outputs' order. Throws RangeError where one is read by what is none. */
function outputsLast(instructions: readonly LoweredInstruction[], outputs: readonly LoweredSource[]): LoweredInstruction[] {
  const last = new Set(outputs.map(({ space, index }) => (space === 'trace' ? index : -1)));
  if (last.has(-1) || last.size < outputs.length) throw new RangeError('an output that no instruction of its own makes');
  const order = [...instructions.keys()].filter((k) => !last.has(k)).concat([...last]);
  const places = new Map(order.map((k, place) => [k, place]));
  return order.map((k, place) => {
    const { inputs, ...instruction } = instructions[k]!;
    const moved = inputs.map((input) => (input.space === 'trace' ? { ...input, index: places.get(input.index)! } : input));
    if (moved.some(({ space, index }) => space === 'trace' && index >= place)) throw new RangeError(`${instruction.name} would stand before what it reads`);
    return { ...instruction, inputs: moved };
  });
}
