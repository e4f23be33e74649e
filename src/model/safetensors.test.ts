import { describe, expect, it } from 'vitest';
import { memorySource } from '../protocol/model-folder.ts';
import { parseSafetensors, readSafetensorsHeader, writeSafetensors } from './safetensors.ts';
import { decodeFloats, encodeFloats, toFloat16 } from './weights/decode.ts';
import { duplicateKey } from './weights/duplicate-keys.ts';

const sample = new Map([
  ['b', { shape: [2, 2], values: Float32Array.of(1, -2, 0.5, 3) }],
  ['a', { shape: [3], values: Float32Array.of(0, 2 ** -14, 65504) }],
]);

/** A file of this header and so many zero bytes. */
function withHeader(header: string, data = 8): Uint8Array {
  const head = new TextEncoder().encode(header);
  const out = new Uint8Array(8 + head.length + data);
  new DataView(out.buffer).setBigUint64(0, BigInt(head.length), true);
  out.set(head, 8);
  return out;
}

describe('safetensors', () => {
  it.each(['F32', 'F16'] as const)('%s goes there and back', (dtype) => {
    const read = parseSafetensors(writeSafetensors(sample, dtype, { format: 'pt' }));
    expect(new Map([...read].map(([name, t]) => [name, t.values]))).toEqual(new Map([...sample].map(([name, t]) => [name, t.values])));
    expect(writeSafetensors(read, dtype, { format: 'pt' })).toEqual(writeSafetensors(sample, dtype, { format: 'pt' }));
  });
  it('BF16 goes there and back where 8 significant bits hold the values', () => {
    const values = Float32Array.of(1, -2, 0.5, 3, 2 ** -14, 65280, -(2 ** 49), 0);
    expect(parseSafetensors(writeSafetensors(new Map([['a', { shape: [8], values }]]), 'BF16')).get('a')!.values).toEqual(values);
  });
  it('writes float16 nearest, ties to even', () => {
    expect([1, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -24, 2 ** -25, 65519, -2].map(toFloat16)).toEqual([0x3c00, 0x3c00, 0x3c02, 1, 0, 0x7bff, 0xc000]);
    expect(() => toFloat16(65520)).toThrow(RangeError);
  });
  it('writes bfloat16 nearest, ties to even', () => {
    const values = Float32Array.of(1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -(2 - 2 ** -9));
    expect([...decodeFloats(encodeFloats(values, 'BF16'), 'BF16')]).toEqual([1, 1, 1 + 2 ** -6, 1 + 2 ** -7, -2]);
  });
  it('reads every float16 as its value, -0 as 0, at odd addresses too', () => {
    const bytes = new Uint8Array(2 * 65536 + 1);
    for (let bits = 0; bits < 65536; bits++) bytes.set([bits & 255, bits >> 8], 1 + 2 * bits);
    const values = decodeFloats(bytes.subarray(1), 'F16');
    let wrong = 0;
    for (let bits = 0; bits < 65536; bits++) {
      const fraction = bits & 1023;
      const exponent = (bits >> 10) & 31;
      const magnitude = exponent === 31 ? (fraction ? NaN : Infinity) : exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
      const expected = magnitude === 0 ? 0 : bits >> 15 ? -magnitude : magnitude;
      if (!Object.is(values[bits], expected)) wrong++;
    }
    expect(wrong).toBe(0);
  });
  it('stores 0 for magnitudes under 2^-100', () => {
    const values = Float32Array.of(2 ** -100, -(2 ** -101), -0, 1e-40, -(2 ** -100));
    expect([...decodeFloats(encodeFloats(values, 'F32'), 'F32')].map((x) => Object.is(x, -0) ? 'minus zero' : x)).toEqual([2 ** -100, 0, 0, 0, -(2 ** -100)]);
  });
  it('says of any truncation that the file is damaged', () => {
    const bytes = writeSafetensors(sample, 'F32');
    for (let length = 0; length < bytes.length; length++) expect(() => parseSafetensors(bytes.subarray(0, length)), String(length)).toThrow(expect.objectContaining({ code: 'safetensors/damaged' }));
  });
  it.each([
    ['[]', 'not an object'],
    ['null', 'not an object'],
    ['{', 'not JSON'],
    ['{"a":1}', '“a”'],
    ['{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}', 'F33'],
    ['{"a":{"dtype":"toString","shape":[2],"data_offsets":[0,8]}}', 'toString'],
    ['{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}', 'needs 12'],
    ['{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}', '“a”'],
    ['{"a":{"dtype":"F32","shape":[1e300],"data_offsets":[0,8]}}', '“a”'],
    ['{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}', '“a”'],
    // The product is 2^64 = 0 in 64-bit integers.
    ['{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}', 'impossible shape'],
    ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 'gap'],
    ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 'overlaps'],
    ['{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 'overlaps'],
    ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 'follow the last tensor'],
    ['{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}', 'cut off'],
    ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 'twice'],
    ['{"a":{"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,8]}}', 'twice'],
  ])('refuses the header %s', (header, says) => {
    const refused = expect.objectContaining({ code: 'safetensors/damaged', message: expect.stringContaining(says) });
    expect(() => parseSafetensors(withHeader(header))).toThrow(refused);
  });
  it('refuses a header of 100 MB before reading it', async () => {
    const start = new Uint8Array(8);
    new DataView(start.buffer).setBigUint64(0, 100_000_000n, true);
    let read = 0;
    const source = {
      name: 'x.safetensors', size: 200_000_000,
      read: async (from: number, to: number) => {
        read += to - from;
        return new Uint8Array([...start, ...new Uint8Array(to - from)]).slice(from, to);
      },
    };
    await expect(readSafetensorsHeader(source)).rejects.toMatchObject({ code: 'safetensors/damaged' });
    expect(read).toBe(8);
  });
  it('names a tensor of a type that is not read, and takes no offence where nobody reads it', async () => {
    const bytes = withHeader('{"ids":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}');
    expect(() => parseSafetensors(bytes)).toThrow(expect.objectContaining({ code: 'safetensors/unsupported-type', message: expect.stringContaining('“ids” has type I64') }));
    expect(await readSafetensorsHeader(memorySource('m', bytes))).toMatchObject([{ name: 'ids', dtype: 'I64', count: 1 }]);
  });
  it.each([NaN, Infinity, 2 ** 51])('names the tensor and place of %d', (value) => {
    const bytes = writeSafetensors(new Map([['w', { shape: [2, 2], values: Float32Array.of(1, 2, 3, value) }]]), 'F32');
    expect(() => parseSafetensors(bytes)).toThrow(expect.objectContaining({ code: 'safetensors/damaged', message: expect.stringMatching(/“w” holds .* at 3\./) }));
  });
});

describe('keys that stand twice', () => {
  it.each([
    ['{"a":1,"a":2}', 'a'],
    ['{"a":{"b":1},"c":[{"b":1,"d":"}\\",\\"b\\":"},{"d":1,"d":1}]}', 'd'],
    ['{"":0,"":1}', ''],
    ['{"a":{"a":{"a":"a"}},"b":["a","a",{"a":1},{"a":1}]}', undefined],
    ['[]', undefined],
    ['"{\\"a\\":1,\\"a\\":2}"', undefined],
  ])('%s', (text, key) => {
    expect(JSON.parse(text)).toBeDefined();
    expect(duplicateKey(text)).toBe(key);
  });
});
