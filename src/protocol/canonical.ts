import { type Hex, keccak256, toHex, utf8Bytes } from './bytes.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };

/**
 * Canonical JSON: keys sorted by code unit, no white space, only safe integers as numbers
 * (amounts are decimal strings, float32 values are their bits in hexadecimal).
 * One value has one text, so one hash.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new RangeError(`canonical JSON holds integers only, not ${value}`);
    return String(value);
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const keys = Object.keys(value).filter((key) => value[key] !== undefined).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key]!)}`).join(',')}}`;
}

export function canonicalHash(value: Json): Hex {
  return toHex(keccak256(utf8Bytes(canonicalJson(value))));
}
