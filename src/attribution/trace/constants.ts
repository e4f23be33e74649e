import { type Matrix as Weights } from '../../kernels/matrix/matrix.ts';
import { decodeRows } from '../../kernels/matrix/decode.ts';
import { hasScales } from '../../kernels/matrix/format.ts';
import { sketchPlan } from '../../kernels/sketch/plan.ts';
import type { Backend } from '../../kernels/backend.ts';
import type { Model } from '../../model/model.ts';
import { adapterTensors } from '../record-gradients.ts';
import type { CurvatureLedger } from '../curvature/curvature-ledger.ts';
import { endToEnd } from '../curvature/sketcher.ts';
import type { ConstantOrigin } from './lower.ts';
import type { TraceProgram } from './program.ts';
import type { Matrix } from './run.ts';

/** Values of a program's constants, read from where they are loaded; packed weights as the numbers that they stand for. */
export async function constantsOf(program: TraceProgram, model: Model, ledger: CurvatureLedger): Promise<Matrix[]> {
  const read = new Map<string, Promise<Float32Array>>();
  const valuesOf = (origin: ConstantOrigin): Promise<Float32Array> => {
    const key = JSON.stringify({ ...origin, transposed: undefined });
    const found = read.get(key) ?? readConstant(origin, model, ledger);
    read.set(key, found);
    return found;
  };
  const out: Matrix[] = [];
  for (const [k, { rows, columns }] of program.constants.entries()) {
    const origin = program.origins[k]!;
    const values = await valuesOf(origin);
    if (values.length !== rows * columns) throw new RangeError(`${program.constants[k]!.name}: ${values.length} values in [${rows},${columns}]`);
    out.push({ rows, columns, values: 'transposed' in origin && origin.transposed ? turned(values, columns, rows) : values });
  }
  return out;
}

async function readConstant(origin: ConstantOrigin, model: Model, ledger: CurvatureLedger): Promise<Float32Array> {
  const { backend } = model;
  switch (origin.kind) {
    case 'weight': {
      const held = model.matrices.get(origin.name);
      return held ? weightsOf(backend, held) : ((await backend.read(model.vectors.get(origin.name)!)) as Float32Array);
    }
    case 'factor': {
      const [, layer, factor] = /^(.*)\.lora_([AB])$/.exec(origin.name)!;
      const { a, b } = ledger.checkpoints[origin.checkpoint]!.pairs.get(layer!)!;
      return (await backend.read(factor === 'A' ? a : b)) as Float32Array;
    }
    case 'rope':
      return (await backend.read(model[origin.table])) as Float32Array;
    case 'rows':
      return weightsOf(backend, ledger.rows);
    case 'noise':
      return ledger.noise;
    default:
      return sketchConstant(origin, ledger);
  }
}

/** The scale of one adapter tensor, or the plan of its sketch: first and end of each slot, and its members, by their bits. */
function sketchConstant({ kind, checkpoint, name }: Extract<ConstantOrigin, { kind: 'scale' | 'pairs' | 'members' }>, { checkpoints, sketchers, settings }: CurvatureLedger): Float32Array {
  const tensors = adapterTensors(checkpoints[checkpoint]!);
  const stream = tensors.findIndex((tensor) => tensor.name === name);
  const before = tensors.slice(0, stream).reduce((sum, { values }) => sum + values, 0);
  const { values } = tensors[stream]!;
  const { scale, dimension } = sketchers[checkpoint]!;
  if (kind === 'scale') return scale.slice(before, before + values);
  const plan = scale.length > dimension ? sketchPlan(settings.seed, (checkpoint + 1) * 0x10000 + stream, values, dimension) : endToEnd(values, before, scale.length);
  if (kind === 'members') return floats(plan.members);
  return floats(Uint32Array.from({ length: 2 * dimension }, (_, i) => plan.starts[(i >> 1) + (i & 1)]!));
}

const floats = (words: Uint32Array) => new Float32Array(words.buffer, words.byteOffset, words.length);

async function weightsOf(backend: Backend, { parts, format, columns, rows }: Weights): Promise<Float32Array> {
  const out = new Float32Array(rows * columns);
  for (const { from, codes, scales } of parts) {
    const held = await backend.read(codes);
    out.set(format === 'f32' ? (held as Float32Array) : decodeRows(format, held, hasScales(format) ? await backend.read(scales!) : undefined, columns), from * columns);
  }
  return out;
}

/** [rows,columns] as [columns,rows]. */
function turned(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j]!;
  return out;
}
