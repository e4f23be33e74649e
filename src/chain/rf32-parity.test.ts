/** RF32 in Solidity gives the bits of plain TypeScript: the shared vectors, any bits at all, and blocks. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import solc from 'solc';
import { decodeFunctionResult, encodeFunctionData, parseAbi } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Anvil, anvilRpc, startAnvil } from '../../scripts/chain/anvil.ts';
import { randomWord } from '../arithmetic/random.ts';
import { ARITHMETIC, add, bitsOf, blockSum, fromBits, isStorable, mul, product, scale2, store } from '../arithmetic/rf32.ts';
import { blockPairs, scalarFunctions, scalarNames, scalarPairs } from '../arithmetic/vectors.ts';
import { type Hex, toHex } from '../protocol/bytes.ts';

const VECTORS = 20_000;
const BATCH = 250;
/** Where the harness lies. */
const TO = '0x00000000000000000000000000000000000f3200';
const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../contracts');
const NAN = 0x7fc00000;

const abi = parseAbi([
  'function scalars(uint32[] a, uint32[] b) pure returns (uint32[])',
  'function helpers(uint32[] a, uint32[] b) pure returns (uint32[])',
  'function wholes(int256[] n) pure returns (uint32[])',
  'function sums(bytes[] a, bytes[] b) pure returns (uint32[])',
  'function floor(uint32 a) pure returns (int256)',
]);

let anvil: Anvil;

/** The harness is no contract of the app: compiled here, with the settings of foundry.toml. */
function compileHarness(): Hex {
  const file = (name: string) => [name, { content: readFileSync(path.join(ROOT, name), 'utf8') }] as const;
  const parts = readdirSync(path.join(ROOT, 'src/libraries/rf32')).map((name) => `src/libraries/rf32/${name}`);
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(['src/libraries/RF32.sol', ...parts, 'test/support/RF32Harness.sol'].map(file)),
    settings: { optimizer: { enabled: true, runs: 1000 }, evmVersion: 'cancun', outputSelection: { '*': { '*': ['evm.deployedBytecode.object'] } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as {
    errors?: { severity: string; formattedMessage: string }[];
    contracts: Record<string, Record<string, { evm: { deployedBytecode: { object: string } } }>>;
  };
  const errors = output.errors?.filter(({ severity }) => severity === 'error') ?? [];
  if (errors.length) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'));
  return `0x${output.contracts['test/support/RF32Harness.sol']!.RF32Harness!.evm.deployedBytecode.object}`;
}

beforeAll(async () => {
  anvil = await startAnvil({ blockSeconds: 0 });
  await anvilRpc(anvil.url, 'anvil_setCode', [TO, compileHarness()]);
}, 60_000);
afterAll(() => anvil?.stop());

const call = (data: Hex) => anvilRpc<Hex>(anvil.url, 'eth_call', [{ to: TO, data }, 'latest']);

async function ask(functionName: 'scalars' | 'helpers' | 'wholes' | 'sums', args: unknown[]): Promise<readonly number[]> {
  const data = await call(encodeFunctionData({ abi, functionName, args } as never));
  return decodeFunctionResult({ abi, functionName, data }) as readonly number[];
}

/** NaN has many bits in TypeScript and one in Solidity. */
const same = (there: number, here: number) => (Number.isNaN(here) ? there === NAN : there === bitsOf(here));

async function compareScalars(a: Float32Array, b: Float32Array, names: readonly (keyof typeof scalarFunctions)[]): Promise<void> {
  for (let from = 0; from < a.length; from += BATCH) {
    const [x, y] = [a.subarray(from, from + BATCH), b.subarray(from, from + BATCH)];
    const there = await ask('scalars', [[...x].map(bitsOf), [...y].map(bitsOf)]);
    for (const name of names) {
      const k = scalarNames.indexOf(name);
      x.forEach((one, i) => {
        const here = scalarFunctions[name](one, y[i]!);
        if (!same(there[k * x.length + i]!, here)) {
          expect.fail(`${name}(${one}, ${y[i]}) of ${ARITHMETIC}: bits ${there[k * x.length + i]!.toString(16)} on chain instead of ${bitsOf(here).toString(16)}`);
        }
      });
    }
  }
}

test(`every scalar function on ${VECTORS} shared vectors`, async () => {
  const { a, b } = scalarPairs(VECTORS, 1);
  await compareScalars(a, b, scalarNames);
}, 120_000);

/** Any 32 bits but those of a NaN: subnormal numbers, infinities and zeros of both signs among them. */
function anyBits(count: number, stream: number): Float32Array {
  const special = [0, 0x80000000, 1, 0x80000001, 0x7fffff, 0x800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000];
  return Float32Array.from({ length: count }, (_, i) => {
    const word = randomWord(11, stream, i);
    if (word % 7 === 0) return fromBits(special[(word >>> 8) % special.length]!);
    const bits = randomWord(12, stream, i);
    // A NaN becomes a subnormal number.
    return fromBits((bits & 0x7fffffff) > 0x7f800000 ? (bits & 0x807fffff) >>> 0 : bits);
  });
}

test('products and sums of any bits at all, with subnormal numbers and infinities', async () => {
  const [a, b] = [anyBits(8000, 1), anyBits(8000, 2)];
  await compareScalars(a, b, ['add', 'sub', 'mul', 'product']);
  // Subnormal results and ties among them: sums of what lies close to 0.
  const low = (values: Float32Array) => values.map((x) => fromBits((bitsOf(x) & 0x83ffffff) >>> 0));
  await compareScalars(low(a), low(b), ['add', 'sub', 'mul', 'product']);
  // Sums inside a block may lie between 2^-123 and 2^127: their functions.
  const inner = (values: Float32Array) => values.map((x) => fromBits(((bitsOf(x) & 0x807fffff) | ((4 + (bitsOf(x) >>> 23 & 0xff) % 250) << 23)) >>> 0));
  await compareScalars(inner(a), inner(b), scalarNames);
}, 120_000);

test('comparisons, flushes, ranges and powers of two', async () => {
  const pairs = scalarPairs(2000, 3);
  for (const [a, b] of [[pairs.a, pairs.b], [pairs.a, pairs.a], [anyBits(2000, 3), anyBits(2000, 4)]] as const) {
    const n = a.length;
    const there = await ask('helpers', [[...a].map(bitsOf), [...b].map(bitsOf)]);
    a.forEach((x, i) => {
      const y = b[i]!;
      const range = (Math.abs(x) <= 2 ** 50 ? 1 : 0) + (isStorable(x) ? 2 : 0);
      const here = [bitsOf(Math.max(x, y)), Number(x < y), bitsOf(store(x)), range, bitsOf(scale2(x, (bitsOf(y) & 511) - 256))];
      expect(here.map((_, k) => there[k * n + i]), `${x}, ${y}`).toEqual(here);
    });
  }
}, 60_000);

test('whole numbers and their inverses', async () => {
  const words = Array.from({ length: 2000 }, (_, i) => randomWord(5, 5, i));
  const numbers = [0, 1, -1, 3, 5, 6, 2 ** 24 - 1, 2 ** 24, 2 ** 24 + 1, 2 ** 25 + 2, 2 ** 25 + 6, -(2 ** 24) - 1, ...words.map((word, i) => (i % 2 ? -1 : 1) * (word >>> (i % 30)))];
  const there = await ask('wholes', [numbers.map(BigInt)]);
  numbers.forEach((n, i) => {
    expect(there[i], `${n}`).toBe(n === 0 ? 0 : bitsOf(Math.fround(n)));
    if (n > 0 && n < 2 ** 24) expect(there[numbers.length + i], `1/${n}`).toBe(bitsOf(Math.fround(1 / n)));
  });
}, 60_000);

test('whole numbers below a value', async () => {
  const { a } = scalarPairs(200, 6);
  for (const x of [...a, -0.5, 0.5, -1, 1.5, -1.5, -(2 ** -100), 2 ** 31, -(2 ** 31), 2 ** 23 + 0.5, -0, 2 ** -149].map(Math.fround)) {
    const asked = call(encodeFunctionData({ abi, functionName: 'floor', args: [bitsOf(x)] }));
    if (Math.abs(x) > 2 ** 31) await expect(asked, `${x}`).rejects.toThrow('execution reverted');
    else expect(decodeFunctionResult({ abi, functionName: 'floor', data: await asked }), `${x}`).toBe(BigInt(Math.floor(x)));
  }
}, 60_000);

const packed = (values: Float32Array): Hex => toHex(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));

test('blocks of products, of element-wise products, of values and of squares', async () => {
  const rows = Array.from({ length: 360 }, (_, i) => {
    const terms = i < 24 ? i : i % 5 === 0 ? 256 : 1 + (randomWord(8, 8, i) % 256);
    const { a, b } = blockPairs(terms, i);
    // One value that no tensor stores: too great, infinite, subnormal or −0. The slow path answers.
    const strange = [2 ** 60, Infinity, 2 ** -140, -0, -(2 ** 101), 2 ** -101][Math.floor(i / 9) % 6]!;
    if (i % 9 === 4 && terms > 0) (i % 2 ? a : b)[terms >> 1] = strange;
    return { a, b, terms };
  });
  // Where nothing hides what they give.
  for (const x of [2 ** -101, 2 ** -140, 1.5 * 2 ** -101 + 2 ** -124, -(2 ** -149), 2 ** 51, 2 ** 101, Infinity, -0]) {
    for (const y of [2 ** 50, 2 ** -50, 1]) {
      rows.push({ a: Float32Array.of(0, x, 0), b: Float32Array.of(1, y, 1), terms: 3 }, { a: Float32Array.of(y, 0), b: Float32Array.of(x, 1), terms: 2 });
    }
  }
  rows.push({ a: Float32Array.of(Infinity, -Infinity), b: Float32Array.of(1, 1), terms: 2 });
  for (const x of [2 ** 100, 2 ** 127]) rows.push({ a: new Float32Array(256).fill(x), b: new Float32Array(256).fill(1), terms: 256 });
  for (let from = 0; from < rows.length; from += 30) {
    const part = rows.slice(from, from + 30);
    const there = await ask('sums', [part.map(({ a }) => packed(a)), part.map(({ b }) => packed(b))]);
    part.forEach(({ a, b, terms }, i) => {
      const here = [
        blockSum(terms, (k) => product(a[k]!, b[k]!)),
        blockSum(terms, (k) => mul(a[k]!, b[k]!)),
        // One block from +0; `blockSum` then adds it to +0.
        a.reduce((sum, x) => add(sum, x), 0),
        blockSum(terms, (k) => mul(a[k]!, a[k]!)),
      ];
      here.forEach((value, k) => {
        if (!same(there[k * part.length + i]!, value)) {
          expect.fail(`row ${from + i}, ${terms} terms, sum ${k}: bits ${there[k * part.length + i]!.toString(16)} on chain instead of ${bitsOf(value).toString(16)}`);
        }
      });
    });
  }
}, 120_000);
