import { OpenLedgerError } from '../errors.ts';
import type { ByteSource } from '../protocol/model-folder.ts';
import { FLOAT_BYTES, type FloatType, decodeFloats, encodeFloats, firstUnstorable } from './weights/decode.ts';
import { duplicateKey } from './weights/duplicate-keys.ts';

/** One tensor as float32 values, whatever the file's type. */
export interface NamedTensor {
  shape: number[];
  values: Float32Array;
}
export type Tensors = Map<string, NamedTensor>;

/** Where a tensor lies in its file. */
export interface TensorEntry {
  name: string;
  /** As the file names it; only F32, F16 and BF16 are read. */
  dtype: string;
  shape: number[];
  /** Number of values: the product of the shape. */
  count: number;
  /** Bytes [from, to) of the file. */
  from: number;
  to: number;
}

/** Bytes of one value, for every type of the format: a file may carry tensors that no model reads. */
const BYTES: Record<string, number> = {
  ...FLOAT_BYTES,
  BOOL: 1, U8: 1, I8: 1, F8_E4M3: 1, F8_E5M2: 1, I16: 2, U16: 2, I32: 4, U32: 4, I64: 8, U64: 8, F64: 8, C64: 8,
};
/** The format allows 100 MB; the largest published models need less than 2 MiB a file. */
const HEADER_LIMIT = 16 * 2 ** 20;
const MOST_DIMENSIONS = 8;

function damaged(file: string, why: string, cause?: unknown): OpenLedgerError {
  return new OpenLedgerError({
    code: 'safetensors/damaged',
    what: `The weights file ${file} is damaged or is not a safetensors file.`,
    why,
    next: 'Fetch it again; if it stays so, tell whoever published it.',
    cause,
  });
}

const shown = (name: string) => (name.length > 120 ? `${name.slice(0, 120)}…` : name);

/**
 * Reads where the tensors of a file lie, and checks what the format promises: header length, offsets without gaps or
 * overlap up to the end of the file, sizes that fit shapes, no name twice. Throws `safetensors/damaged`.
 */
export async function readSafetensorsHeader(source: ByteSource, signal?: AbortSignal): Promise<TensorEntry[]> {
  const length = headerLength(source.name, await source.read(0, Math.min(8, source.size), signal), source.size);
  return parseHeader(source.name, await source.read(8, 8 + length, signal), source.size);
}

/** Length of the header in bytes, from the first 8 bytes of the file. */
function headerLength(file: string, start: Uint8Array, size: number): number {
  if (size < 8) throw damaged(file, `It has ${size} bytes.`);
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  if (length > BigInt(size - 8)) throw damaged(file, `Its header claims ${length} bytes of ${size}.`);
  if (length > BigInt(HEADER_LIMIT)) throw damaged(file, `Its header claims ${length} bytes; ${HEADER_LIMIT} are accepted.`);
  return Number(length);
}

/** Entries in the order of the file. */
function parseHeader(file: string, bytes: Uint8Array, size: number): TensorEntry[] {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw damaged(file, 'Its header is not JSON.', cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw damaged(file, 'Its header is not an object.');
  const twice = duplicateKey(text);
  if (twice !== undefined) throw damaged(file, `“${shown(twice)}” stands twice in its header.`);
  const dataStart = 8 + bytes.length;
  const whole = (list: unknown): list is number[] => Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0);
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__').map(([name, entry]): TensorEntry => {
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype)) throw damaged(file, `Tensor “${shown(name)}” has the unknown type ${String(JSON.stringify(dtype)).slice(0, 40)}.`);
    if (!whole(shape) || shape.length > MOST_DIMENSIONS || !whole(offsets) || offsets.length !== 2) throw damaged(file, `Tensor “${shown(name)}” is not described in full.`);
    const count = product(shape);
    if (count === undefined) throw damaged(file, `Tensor “${shown(name)}” has the impossible shape [${shape}].`);
    if (offsets[1]! - offsets[0]! !== count * BYTES[dtype]!) throw damaged(file, `Tensor “${shown(name)}” has ${offsets[1]! - offsets[0]!} bytes; its shape [${shape}] in ${dtype} needs ${count * BYTES[dtype]!}.`);
    return { name, dtype, shape, count, from: dataStart + offsets[0]!, to: dataStart + offsets[1]! };
  });
  entries.sort((a, b) => a.from - b.from || a.to - b.to);
  let expected = dataStart;
  for (const { name, from, to } of entries) {
    if (from !== expected) throw damaged(file, `Tensor “${shown(name)}” ${from < expected ? 'overlaps another' : 'leaves a gap before it'}.`);
    if (to > size) throw damaged(file, `Tensor “${shown(name)}” ends at byte ${to}, the file at ${size}: the file is cut off.`);
    expected = to;
  }
  if (expected !== size) throw damaged(file, `${size - expected} bytes follow the last tensor.`);
  return entries;
}

/** Undefined where a product along the way is no exact whole number. */
function product(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const n of shape) {
    count *= n;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** The type of a tensor's values. Throws `safetensors/unsupported-type` naming the tensor. */
export function floatType(file: string, { name, dtype }: TensorEntry): FloatType {
  if (Object.hasOwn(FLOAT_BYTES, dtype)) return dtype as FloatType;
  throw new OpenLedgerError({
    code: 'safetensors/unsupported-type',
    what: `The weights in ${file} are of a kind that is not read here.`,
    why: `Tensor “${shown(name)}” has type ${dtype}; F32, F16 and BF16 are read.`,
    next: 'Choose the model in one of these types: published quantised files are not read, the engine quantises by itself.',
  });
}

/** Values [first, …) of a tensor from their bytes. Throws `safetensors/damaged` for values that RF32 does not hold. */
export function decodeValues(file: string, entry: TensorEntry, bytes: Uint8Array, first = 0): Float32Array<ArrayBuffer> {
  const values = decodeFloats(bytes, floatType(file, entry));
  const wrong = firstUnstorable(values);
  if (wrong >= 0) throw unstorable(file, entry, values[wrong]!, first + wrong);
  return values;
}

/** Of a value that RF32 does not hold, and its place in the tensor. */
export function unstorable(file: string, entry: TensorEntry, value: number, place: number): OpenLedgerError {
  return damaged(file, `Tensor “${shown(entry.name)}” holds ${value} at ${place}.`);
}

/** Reads a whole file that is in memory, as adapters are. Throws what reading it in parts throws. */
export function parseSafetensors(bytes: Uint8Array, file = 'of the folder'): Tensors {
  const length = headerLength(file, bytes.subarray(0, 8), bytes.length);
  const entries = parseHeader(file, bytes.subarray(8, 8 + length), bytes.length);
  return new Map(entries.map((entry) => [entry.name, { shape: entry.shape, values: decodeValues(file, entry, bytes.subarray(entry.from, entry.to)) }]));
}

/** Writes tensors in the order of their names, so that the same tensors give the same bytes. */
export function writeSafetensors(tensors: Tensors, dtype: FloatType, metadata?: Record<string, string>): Uint8Array {
  return writeEntries(new Map([...tensors].map(([name, { shape, values }]) => [name, { dtype, shape, bytes: encodeFloats(values, dtype) }])), metadata);
}

/** Tensors of any types, as the bytes that stand in the file. */
export function writeEntries(entries: ReadonlyMap<string, { dtype: string; shape: readonly number[]; bytes: Uint8Array }>, metadata?: Record<string, string>): Uint8Array {
  const names = [...entries.keys()].sort();
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const name of names) {
    const { dtype, shape, bytes } = entries.get(name)!;
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  let text = JSON.stringify(header);
  const length = new TextEncoder().encode(text).length;
  text += ' '.repeat((8 - (length % 8)) % 8);
  const headerBytes = new TextEncoder().encode(text);
  const out = new Uint8Array(8 + headerBytes.length + offset);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes.length), true);
  out.set(headerBytes, 8);
  let at = 8 + headerBytes.length;
  for (const name of names) {
    const { bytes } = entries.get(name)!;
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

/** A whole file in memory, as entries with their bytes: for tensors that are not floats. Throws `safetensors/damaged`. */
export function parseEntries(bytes: Uint8Array, file = 'of the folder'): Map<string, TensorEntry & { bytes: Uint8Array }> {
  const length = headerLength(file, bytes.subarray(0, 8), bytes.length);
  return new Map(parseHeader(file, bytes.subarray(8, 8 + length), bytes.length).map((entry) => [entry.name, { ...entry, bytes: bytes.subarray(entry.from, entry.to) }]));
}
