import { encodeFunctionData } from 'viem';
import { expect, test } from 'vitest';
import { inputsBytes } from '../../attribution/trace/step.ts';
import type { ChainConnection } from '../../chain/client.ts';
import { disputesAbi } from '../../chain/generated/abis.ts';
import { type Hex, toHex } from '../../protocol/bytes.ts';
import { readRevealed } from './shown-leaves.ts';

const word = (pair: string): Hex => `0x${pair.repeat(32)}`;
const [disputes, other]: Hex[] = [`0x${'d1'.repeat(20)}`, `0x${'0e'.repeat(20)}`];
const inputs = { tokens: [5, 70_000, 2], answer: 2 };
const place = { answer: 0, index: 3, leaf: 1 };
// A NaN with a payload: bits must come through.
const values: Hex = '0x0000803f010080ff';
const reveal = (id: bigint, leaf: number) => encodeFunctionData({
  abi: disputesAbi, functionName: 'reveal',
  args: [
    id, { index: 0n, proof: [], answer: { tokensIn: 1, tokensOut: 2, receiptHash: word('01'), inputsHash: word('02'), traceRoot: word('03'), payoutRoot: word('04'), payoutCount: 0, allocated: 0n, read: [] } },
    { header: { instructionsRoot: word('05'), instructionCount: 9n, constantsRoot: word('06'), constantCount: 1n, window: 0n }, inputs: toHex(inputsBytes(inputs)), index: 3, instruction: '0x01', instructionProof: [] },
    { input: 0, leaf, values, proof: [word('07')] },
  ],
});

/** A node with one transaction; `trace` is what it says when it is asked to trace it. */
function connect(to: Hex, input: Hex, trace?: unknown): ChainConnection {
  const request = async ({ method }: { method: string }) => {
    if (method === 'eth_getTransactionByHash') return { hash: word('aa'), to, input, type: '0x2', blockNumber: '0x1', value: '0x0', gas: '0x1', nonce: '0x0', typeHex: '0x2' };
    if (trace) return trace;
    throw new Error('not found');
  };
  return { contracts: { disputes }, publicClient: { request } } as unknown as ChainConnection;
}

test('what was shown is read from the call, with the tokens', async () => {
  const found = (await readRevealed(connect(disputes!, reveal(7n, 1)), word('aa'), 7n, place))!;
  expect(found.inputs).toEqual(inputs);
  expect([...new Uint32Array(found.shown.values.buffer)]).toEqual([0x3f800000, 0xff800001]);
  expect(found.shown).toMatchObject({ index: 3, leaf: 1, proof: [word('07')] });
});

test('of another claim or place, or no call at all, it is none', async () => {
  for (const [id, input] of [[8n, reveal(7n, 1)], [7n, reveal(7n, 2)], [7n, '0x12345678' as Hex]] as const) expect(await readRevealed(connect(disputes!, input), word('aa'), id, place)).toBeUndefined();
});

test('through another contract it is found where the node traces, and what was undone is not', async () => {
  const call = { to: disputes, input: reveal(7n, 1) };
  expect(await readRevealed(connect(other!, '0xabcdef', { to: other, calls: [{ to: other, calls: [call] }] }), word('aa'), 7n, place)).toMatchObject({ inputs });
  expect(await readRevealed(connect(other!, '0xabcdef', { to: other, calls: [{ to: other, error: 'reverted', calls: [call] }] }), word('aa'), 7n, place)).toBeUndefined();
  expect(await readRevealed(connect(other!, '0xabcdef'), word('aa'), 7n, place)).toBeUndefined();
});
