import { OpenLedgerError } from '../errors.ts';

/** One tensor as float32 values, whatever the file's type. */
export interface NamedTensor {
  shape: number[];
  values: Float32Array;
}
export type Tensors = Map<string, NamedTensor>;

const BYTES = { F32: 4, F16: 2, BF16: 2 } as const;
const HEADER_LIMIT = 16 * 2 ** 20;

function damaged(why: string, cause?: unknown): OpenLedgerError {
  return new OpenLedgerError({
    code: 'safetensors/damaged',
    what: 'The weights file is damaged or is not a safetensors file.',
    why,
    next: 'Fetch it again; if it stays so, tell whoever published it.',
    cause,
  });
}

/**
 * Reads a whole safetensors file (F32, F16, BF16). Checks what the format promises: header length, offsets in
 * order without gaps or overlap, sizes that fit shapes, and that every value is finite.
 */
export function parseSafetensors(bytes: Uint8Array): Tensors {
  if (bytes.length < 8) throw damaged(`It has ${bytes.length} bytes.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getBigUint64(0, true);
  if (headerLength > BigInt(Math.min(HEADER_LIMIT, bytes.length - 8))) throw damaged(`Its header claims ${headerLength} bytes of ${bytes.length}.`);
  const dataStart = 8 + Number(headerLength);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, dataStart)));
  } catch (cause) {
    throw damaged('Its header is not JSON.', cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw damaged('Its header is not an object.');
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__').map(([name, entry]) => {
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    const whole = (list: unknown): list is number[] => Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0);
    if (typeof dtype !== 'string' || !(dtype in BYTES)) throw damaged(`Tensor "${name}" has type ${String(dtype)}; F32, F16 and BF16 are read.`);
    if (!whole(shape) || !whole(offsets) || offsets.length !== 2) throw damaged(`Tensor "${name}" is not described in full.`);
    return { name, dtype: dtype as keyof typeof BYTES, shape, start: offsets[0]!, end: offsets[1]! };
  });
  entries.sort((a, b) => a.start - b.start);
  const tensors: Tensors = new Map();
  let expected = 0;
  for (const { name, dtype, shape, start, end } of entries) {
    const count = shape.reduce((a, b) => a * b, 1);
    if (start !== expected || end - start !== count * BYTES[dtype]) throw damaged(`Tensor "${name}" does not lie where its shape needs it.`);
    if (dataStart + end > bytes.length) throw damaged(`Tensor "${name}" ends at byte ${dataStart + end}, the file at ${bytes.length}.`);
    expected = end;
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      const at = dataStart + start + i * BYTES[dtype];
      values[i] = dtype === 'F32' ? view.getFloat32(at, true) : dtype === 'F16' ? float16(view.getUint16(at, true)) : bfloat16(view.getUint16(at, true));
    }
    const wrong = values.findIndex((value) => !(Math.abs(value) <= 2 ** 50));
    if (wrong >= 0) throw damaged(`Tensor "${name}" holds ${values[wrong]} at ${wrong}.`);
    tensors.set(name, { shape, values: storable(values) });
  }
  if (dataStart + expected !== bytes.length) throw damaged(`${bytes.length - dataStart - expected} bytes follow the last tensor.`);
  return tensors;
}

/** RF32 stores no magnitude under 2^-100 and no -0. */
function storable(values: Float32Array): Float32Array {
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]!) < 2 ** -100) values[i] = 0;
  return values;
}

/** Writes tensors in the order of their names, so that the same tensors give the same bytes. */
export function writeSafetensors(tensors: Tensors, dtype: 'F32' | 'F16', metadata?: Record<string, string>): Uint8Array {
  const names = [...tensors.keys()].sort();
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const name of names) {
    const { shape, values } = tensors.get(name)!;
    const end = offset + values.length * BYTES[dtype];
    header[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  let text = JSON.stringify(header);
  const length = new TextEncoder().encode(text).length;
  text += ' '.repeat((8 - (length % 8)) % 8);
  const headerBytes = new TextEncoder().encode(text);
  const out = new Uint8Array(8 + headerBytes.length + offset);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(headerBytes.length), true);
  out.set(headerBytes, 8);
  let at = 8 + headerBytes.length;
  for (const name of names) {
    for (const value of tensors.get(name)!.values) {
      if (dtype === 'F32') view.setFloat32(at, value, true);
      else view.setUint16(at, toFloat16(value), true);
      at += BYTES[dtype];
    }
  }
  return out;
}

function bfloat16(bits: number): number {
  scratchBits[0] = bits << 16;
  return scratch[0]!;
}

function float16(bits: number): number {
  const sign = bits >>> 15 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** Nearest float16, ties to even; throws RangeError beyond ±65504. */
export function toFloat16(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (!(magnitude < 65520)) throw new RangeError(`${value} does not fit float16`);
  // Quantum of the result: 2^(e-10) for normal numbers, 2^-24 below.
  let exponent = -14;
  while (exponent < 15 && magnitude >= 2 ** (exponent + 1)) exponent++;
  const units = magnitude / 2 ** (exponent - 10);
  let rounded = Math.floor(units);
  const rest = units - rounded;
  if (rest > 0.5 || (rest === 0.5 && rounded % 2 === 1)) rounded++;
  // A carry into the next exponent is the next bit pattern.
  return sign | (rounded < 1024 ? rounded : ((exponent + 14) << 10) + rounded);
}
