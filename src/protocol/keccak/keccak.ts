import { hexToBytes } from '@noble/hashes/utils.js';
import { keccak256 as portable } from '../bytes.ts';
import { wasmHex } from './generated/wasm.ts';

/** The stub runtime puts nothing above this; messages lie from here on. */
const MESSAGE = 65536;
const OUT = 32768;
/** Room for the padding. */
const SLACK = 256;

interface Exports {
  memory: WebAssembly.Memory;
  keccak256(message: number, length: number, out: number): void;
}

let compiled: Exports | undefined;
let tried = false;

/** Undefined where a page may not compile WebAssembly. */
function wasm(): Exports | undefined {
  if (tried) return compiled;
  tried = true;
  try {
    const module = new WebAssembly.Module(hexToBytes(wasmHex) as Uint8Array<ArrayBuffer>);
    compiled = new WebAssembly.Instance(module).exports as unknown as Exports;
  } catch {
    // The portable form gives the same bytes, several times slower.
  }
  return compiled;
}

/** keccak256 of bytes.ts, for megabytes: the same 32 bytes, about ten times as fast. */
export function fastKeccak256(...parts: readonly Uint8Array[]): Uint8Array {
  const kernel = wasm();
  if (!kernel) return portable(...parts);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const missing = MESSAGE + length + SLACK - kernel.memory.buffer.byteLength;
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / 65536));
  const memory = new Uint8Array(kernel.memory.buffer);
  let at = MESSAGE;
  for (const part of parts) {
    memory.set(part, at);
    at += part.length;
  }
  kernel.keccak256(MESSAGE, length, OUT);
  return memory.slice(OUT, OUT + 32);
}
