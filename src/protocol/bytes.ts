import { keccak_256 } from '@noble/hashes/sha3.js';

/** A 0x-prefixed lower-case hexadecimal string. */
export type Hex = `0x${string}`;

const utf8 = new TextEncoder();

export function toHex(bytes: Uint8Array): Hex {
  let text = '0x';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text as Hex;
}

/** Bytes of a 0x string of even length. Throws RangeError on anything else. */
export function fromHex(hex: string): Uint8Array {
  if (!/^0x([0-9a-fA-F]{2})*$/.test(hex)) throw new RangeError(`not a hexadecimal string: ${hex.slice(0, 20)}`);
  const bytes = new Uint8Array((hex.length - 2) / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 + 2 * i, 4 + 2 * i), 16);
  return bytes;
}

export function utf8Bytes(text: string): Uint8Array {
  return utf8.encode(text);
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** A 32-byte big-endian unsigned integer, as Solidity's abi.encode writes it. */
export function uint256Bytes(value: bigint | number): Uint8Array {
  let rest = BigInt(value);
  if (rest < 0n || rest >= 1n << 256n) throw new RangeError(`not a uint256: ${value}`);
  const out = new Uint8Array(32);
  for (let i = 31; rest > 0n; i--, rest >>= 8n) out[i] = Number(rest & 0xffn);
  return out;
}

export function keccak256(...parts: Uint8Array[]): Uint8Array {
  const hash = keccak_256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The bits of one float32 as `0x` and eight digits: exact, and comparable as text. */
export function floatToHex(value: number): Hex {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return `0x${view.getUint32(0).toString(16).padStart(8, '0')}`;
}

export function hexToFloat(hex: string): number {
  if (!/^0x[0-9a-f]{8}$/.test(hex)) throw new RangeError(`not the bits of a float32: ${hex}`);
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, parseInt(hex.slice(2), 16));
  return view.getFloat32(0);
}
