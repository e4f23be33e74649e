import { throwIfAborted } from '../../errors.ts';
import { breathe } from '../../kernels/breathe.ts';
import { type Matrix as Weights } from '../../kernels/matrix/matrix.ts';
import { decodeRows } from '../../kernels/matrix/decode.ts';
import { hasScales } from '../../kernels/matrix/format.ts';
import type { Backend } from '../../kernels/backend.ts';
import type { Model } from '../../model/model.ts';
import { adapterTensors } from '../record-gradients.ts';
import type { CurvatureLedger } from '../curvature/curvature-ledger.ts';
import type { ConstantOrigin } from './lower.ts';
import type { TraceProgram } from './program.ts';
import type { Constants, Matrix } from './run.ts';
import { sketchTable } from './sketch-tables.ts';
import { type Tensor, TraceTree, leafHashes, tensorOf } from './tree.ts';

/** Constants that were read stay while they fit: the base's weights of a small model, not those of a large one. */
const KEPT_BYTES = 256 * 2 ** 20;

/** A program's constants, read from where they are loaded; packed weights as the numbers that they stand for. */
export class LoadedConstants implements Constants {
  private readonly kept = new Map<number, Matrix>();
  private bytes = 0;
  private readonly program: Pick<TraceProgram, 'constants' | 'origins'>;
  private readonly model: Model;
  private readonly ledger: CurvatureLedger | undefined;

  /** Without a ledger only weights and rotary tables: what units of a run have. */
  constructor(program: Pick<TraceProgram, 'constants' | 'origins'>, model: Model, ledger?: CurvatureLedger) {
    this.program = program;
    this.model = model;
    this.ledger = ledger;
  }

  async matrix(index: number): Promise<Matrix> {
    const found = this.kept.get(index);
    if (found) return found;
    const { name, rows, columns } = this.program.constants[index]!;
    const origin = this.program.origins[index]!;
    const values = await readConstant(origin, this.model, this.ledger);
    if (values.length !== rows * columns) throw new RangeError(`${name}: ${values.length} values in [${rows},${columns}]`);
    const matrix = { rows, columns, values: 'transposed' in origin && origin.transposed ? turned(values, columns, rows) : values };
    if (this.bytes + values.byteLength <= KEPT_BYTES) {
      this.bytes += values.byteLength;
      this.kept.set(index, matrix);
    }
    return matrix;
  }

  /** Of what is committed. */
  tree(signal?: AbortSignal): Promise<TraceTree> {
    return constantsTree(this, this.program.constants.length, signal);
  }
}

/** The tree over `count` constants; 32 bytes for 1 KiB of them are held. Throws `cancelled`. */
export async function constantsTree(constants: Constants, count: number, signal?: AbortSignal): Promise<TraceTree> {
  const tensors: Tensor[] = [];
  for (let index = 0; index < count; index++) {
    throwIfAborted(signal);
    const matrix = await constants.matrix(index);
    tensors.push(tensorOf(matrix.rows, matrix.columns, leafHashes(matrix)));
    if (index % 16 === 15) await breathe();
  }
  return new TraceTree(tensors);
}

async function readConstant(origin: ConstantOrigin, model: Model, ledger: CurvatureLedger | undefined): Promise<Float32Array> {
  const { backend } = model;
  if (origin.kind === 'weight') {
    const held = model.matrices.get(origin.name);
    return held ? weightsOf(backend, held) : ((await backend.read(model.vectors.get(origin.name)!)) as Float32Array);
  }
  if (origin.kind === 'rope') return (await backend.read(model[origin.table])) as Float32Array;
  if (!ledger) throw new RangeError(`${origin.kind} without a ledger`);
  switch (origin.kind) {
    case 'factor': {
      const [, layer, factor] = /^(.*)\.lora_([AB])$/.exec(origin.name)!;
      const { a, b } = ledger.checkpoints[origin.checkpoint]!.pairs.get(layer!)!;
      return (await backend.read(factor === 'A' ? a : b)) as Float32Array;
    }
    case 'rows':
      return weightsOf(backend, ledger.rows);
    case 'noise':
      return ledger.noise;
    default:
      return sketchConstant(origin, ledger);
  }
}

/** The scale of one adapter tensor, or the plan of its sketch. */
function sketchConstant({ kind, checkpoint, name }: Extract<ConstantOrigin, { kind: 'scale' | 'pairs' | 'members' }>, { checkpoints, sketchers, settings }: CurvatureLedger): Float32Array {
  const tensors = adapterTensors(checkpoints[checkpoint]!);
  const tensor = tensors.findIndex((one) => one.name === name);
  const { scale, dimension } = sketchers[checkpoint]!;
  if (kind !== 'scale') return sketchTable({ tensors, width: dimension, seed: settings.seed }, kind, checkpoint, tensor);
  const before = tensors.slice(0, tensor).reduce((sum, { values }) => sum + values, 0);
  return scale.slice(before, before + tensors[tensor]!.values);
}

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
