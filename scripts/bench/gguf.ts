/** A value of GGUF metadata; whole numbers are written as u32. */
export type GgufValue = string | boolean | { u32: number } | { f32: number } | { strings: readonly string[] } | { i32s: readonly number[] };

export interface GgufTensor {
  name: string;
  /** As in safetensors, slowest first; GGUF wants the fastest first and is given so. */
  shape: readonly number[];
  values: Float32Array;
}

const VERSION = 3;
const ALIGNMENT = 32;
const TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;
const F32 = 0;

/** Bytes appended one after the other, little-endian. */
class Writer {
  private readonly pieces: Uint8Array[] = [];
  length = 0;

  bytes(piece: Uint8Array): void {
    this.pieces.push(piece);
    this.length += piece.length;
  }

  private number(size: number, set: (view: DataView) => void): void {
    const piece = new Uint8Array(size);
    set(new DataView(piece.buffer));
    this.bytes(piece);
  }

  u8 = (value: number) => this.number(1, (view) => view.setUint8(0, value));
  u32 = (value: number) => this.number(4, (view) => view.setUint32(0, value, true));
  i32 = (value: number) => this.number(4, (view) => view.setInt32(0, value, true));
  f32 = (value: number) => this.number(4, (view) => view.setFloat32(0, value, true));
  u64 = (value: number) => this.number(8, (view) => view.setBigUint64(0, BigInt(value), true));

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u64(bytes.length);
    this.bytes(bytes);
  }

  pad(): void {
    this.bytes(new Uint8Array((ALIGNMENT - (this.length % ALIGNMENT)) % ALIGNMENT));
  }

  whole(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.length);
    let at = 0;
    for (const piece of this.pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }
}

function writeValue(out: Writer, value: GgufValue): void {
  if (typeof value === 'string') {
    out.u32(TYPE.string);
    out.string(value);
  } else if (typeof value === 'boolean') {
    out.u32(TYPE.bool);
    out.u8(value ? 1 : 0);
  } else if ('u32' in value) {
    out.u32(TYPE.u32);
    out.u32(value.u32);
  } else if ('f32' in value) {
    out.u32(TYPE.f32);
    out.f32(value.f32);
  } else {
    const [type, items] = 'strings' in value ? ([TYPE.string, value.strings] as const) : ([TYPE.i32, value.i32s] as const);
    out.u32(TYPE.array);
    out.u32(type);
    out.u64(items.length);
    for (const item of items) {
      if (typeof item === 'string') out.string(item);
      else out.i32(item);
    }
  }
}

/**
 * A file as llama.cpp reads it, all tensors float32. Source of the layout:
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
export function writeGguf(metadata: ReadonlyMap<string, GgufValue>, tensors: readonly GgufTensor[]): Uint8Array<ArrayBuffer> {
  const out = new Writer();
  out.bytes(new TextEncoder().encode('GGUF'));
  out.u32(VERSION);
  out.u64(tensors.length);
  out.u64(metadata.size);
  for (const [key, value] of metadata) {
    out.string(key);
    writeValue(out, value);
  }
  let offset = 0;
  for (const { name, shape, values } of tensors) {
    out.string(name);
    out.u32(shape.length);
    for (const n of [...shape].reverse()) out.u64(n);
    out.u32(F32);
    out.u64(offset);
    offset += Math.ceil((values.length * 4) / ALIGNMENT) * ALIGNMENT;
  }
  out.pad();
  for (const { values } of tensors) {
    out.bytes(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    out.pad();
  }
  return out.whole();
}
