import { OpenLedgerError, throwIfAborted } from '../../errors.ts';
import type { Backend, Tensor } from '../../kernels/backend.ts';
import { type Format, type Matrix, createMatrix, freeMatrix, writeRows } from '../../kernels/matrix/matrix.ts';
import { requireSelfTest } from '../../kernels/self-test.ts';
import type { Hex } from '../../protocol/bytes.ts';
import type { ModelFolder } from '../../protocol/model-folder.ts';
import { TensorsRootStream, roundedBaseRoot } from '../../protocol/tensors.ts';
import type { ModelConfig } from '../config.ts';
import { MOST_POSITIONS, type Model, assembleModel } from '../model.ts';
import { decodeValues, floatType } from '../safetensors.ts';
import { FLOAT_BYTES, LITTLE_ENDIAN } from './decode.ts';
import { EXACT_FORMAT, exactCodes, writeCodes } from './exact-codes.ts';
import { type StoredTensor, type StoredTensors, openWeights } from './open-weights.ts';
import { type FormatChoice, type PlannedWeight, memoryAllowed, planWeights, requireMemory } from './plan-weights.ts';
import { type Wanted, readAhead } from './read-ahead.ts';

export interface LoadOptions {
  /** How matrices are held; as their files have them (`auto`) where none is given. */
  format?: FormatChoice | undefined;
  /** Bytes the model may take; see memoryAllowed. */
  memoryLimit?: number | undefined;
  /** Longest sequence to be prepared for; 8,192 where none is given, and never more than the model's context. */
  positions?: number | undefined;
  /**
   * Root of the files: computed where it is not given, which hashes every weight (about 8 s a gigabyte of 16-bit weights); a root known
   * from an earlier load of the same bytes; or `skip`, for who will not attribute.
   */
  fileRoot?: Hex | 'skip' | undefined;
  signal?: AbortSignal | undefined;
  /** Hears of bytes of weights read, and of all there are to read. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface LoadedModel {
  model: Model;
  /** Merkle root over the rows of every float tensor in the files; undefined where it was skipped. */
  fileRoot: Hex | undefined;
  /** What the base is known by: fileRoot, or roundedBaseRoot of it where weights were rounded. */
  root: Hex | undefined;
  /** The format that rounded weights; undefined where all are as stored. */
  rounded: Format | undefined;
}

/** Bytes of a piece once it is float32, and of one read from a source. Two reads, a piece in two forms, and what the device has not taken yet are held. */
const PIECE_BYTES = 16 * 2 ** 20;
const MOST_COLUMNS = PIECE_BYTES / 4;
/** After so many bytes the device is waited for: what it has not taken yet lies in memory too. */
const AHEAD_BYTES = 32 * 2 ** 20;

/** Rows [first, first + rows) of a tensor, and where they go. */
interface Piece {
  tensor: StoredTensor;
  weight: PlannedWeight | undefined;
  first: number;
  rows: number;
  columns: number;
}

/**
 * Loads a model from its folder, rows by rows: the caller's memory holds less than 128 MiB of them at any time. Checks
 * names, shapes, types and memory first, values as they pass. Throws `weights/…`, `safetensors/…`,
 * `model/weights-do-not-fit`, `model/too-large`, what the folder throws, and `cancelled`; then nothing stays allocated.
 */
export async function loadModel(backend: Backend, config: ModelConfig, folder: ModelFolder, options: LoadOptions = {}): Promise<LoadedModel> {
  const { format = 'auto', positions = MOST_POSITIONS, fileRoot, signal, onProgress } = options;
  const tensors = await openWeights(folder, signal);
  const plan = planWeights(config, tensors, format, positions);
  requireMemory(plan, options.memoryLimit ?? memoryAllowed(backend));
  const hashing = fileRoot === undefined ? new TensorsRootStream() : undefined;
  const pieces = piecesOf(tensors, plan.weights, hashing);
  const total = pieces.reduce((sum, { from, to }) => sum + to - from, 0);
  const matrices = new Map<string, Matrix>();
  const vectors = new Map<string, Tensor>();
  const written = backend.create('weights written', [1], 'f32');
  try {
    let done = 0;
    let waitedAt = 0;
    for await (const { what: piece, bytes } of readAhead(pieces, PIECE_BYTES, signal)) {
      const { tensor, weight, first, columns } = piece;
      const decoded = () => decodeValues(tensor.source.name, tensor, bytes, first * columns);
      const type = floatType(tensor.source.name, tensor);
      const asStored = weight?.shape.length === 2 && type !== 'F32' && weight.format === EXACT_FORMAT[type] && columns % 2 === 0 && LITTLE_ENDIAN ? type : undefined;
      const values = hashing || !asStored ? decoded() : undefined;
      if (values) hashing?.add(tensor.name, values);
      if (weight?.shape.length === 1) vectors.set(weight.name, backend.upload(weight.name, weight.shape, values!, true));
      else if (weight) {
        let matrix = matrices.get(weight.name);
        if (!matrix) matrices.set(weight.name, (matrix = createMatrix(backend, weight.name, weight.shape[0], weight.shape[1]!, weight.format)));
        if (asStored) writeCodes(backend, matrix, first, exactCodes(tensor, asStored, bytes, first * columns));
        // Decoded values are what float32 matrices hold.
        else if (weight.format === 'f32') writeCodes(backend, matrix, first, values!);
        else writeRows(backend, matrix, first, values!);
      }
      done += bytes.length;
      if (done - waitedAt >= AHEAD_BYTES) {
        // Reading anything waits for what was written before it.
        await backend.read(written);
        waitedAt = done;
      }
      onProgress?.(done, total);
    }
    throwIfAborted(signal);
    await requireSelfTest(backend, matrices.values());
    const known = hashing ? hashing.root() : fileRoot === 'skip' ? undefined : fileRoot;
    return {
      model: assembleModel(backend, config, matrices, vectors, positions),
      fileRoot: known,
      root: known && plan.rounded ? roundedBaseRoot(known, plan.rounded) : known,
      rounded: plan.rounded,
    };
  } catch (error) {
    for (const matrix of matrices.values()) freeMatrix(backend, matrix);
    for (const vector of vectors.values()) backend.free(vector);
    throw error;
  } finally {
    backend.free(written);
  }
}

/** What is to be read, in the order of the files. Tensors without a place in the model are read for the root only. */
function piecesOf(tensors: StoredTensors, weights: readonly PlannedWeight[], hashing: TensorsRootStream | undefined): Wanted<Piece>[] {
  const byTensor = new Map(weights.map((weight) => [weight.tensor, weight]));
  const pieces: Wanted<Piece>[] = [];
  for (const tensor of tensors.values()) {
    const weight = byTensor.get(tensor);
    // Masks and indices of whole numbers compute nothing here.
    const isFloat = Object.hasOwn(FLOAT_BYTES, tensor.dtype);
    if (!weight && !(hashing && isFloat)) continue;
    const width = FLOAT_BYTES[floatType(tensor.source.name, tensor)];
    const columns = tensor.shape.length ? tensor.shape[tensor.shape.length - 1]! : 1;
    const rows = columns ? tensor.count / columns : 0;
    hashing?.begin(tensor.name, rows, columns);
    if (columns > MOST_COLUMNS) throw rowTooLong(tensor, columns);
    const atOnce = Math.max(1, Math.floor(MOST_COLUMNS / Math.max(columns, 1)));
    for (let first = 0; first < rows; first += atOnce) {
      const count = Math.min(atOnce, rows - first);
      const from = tensor.from + first * columns * width;
      pieces.push({ source: tensor.source, from, to: from + count * columns * width, what: { tensor, weight, first, rows: count, columns } });
    }
  }
  return pieces;
}

function rowTooLong({ name, source }: StoredTensor, columns: number): OpenLedgerError {
  return new OpenLedgerError({
    code: 'weights/row-too-long',
    what: `The weights in ${source.name} cannot be loaded.`,
    why: `A row of tensor “${name.slice(0, 120)}” has ${columns} values; ${MOST_COLUMNS} are accepted.`,
    next: 'Choose another model.',
  });
}
