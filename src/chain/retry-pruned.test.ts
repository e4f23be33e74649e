import { custom, createPublicClient } from 'viem';
import { expect, test } from 'vitest';
import { retryPruned } from './retry-pruned.ts';

function clientOf(failures: number, message: string) {
  let asked = 0;
  const node = custom({
    request: async () => {
      if (asked++ < failures) throw Object.assign(new Error(message), { code: -32602 });
      return '0x2a';
    },
  });
  return { client: createPublicClient({ transport: retryPruned(node) }), asked: () => asked };
}

test('a block that was pruned while it was read is asked about again', async () => {
  const { client, asked } = clientOf(2, 'BlockOutOfRangeError: block height is 68 but requested was 67');
  expect(await client.getBlockNumber()).toBe(42n);
  expect(asked()).toBe(3);
});

test('not for ever', async () => {
  const { client, asked } = clientOf(99, 'BlockOutOfRangeError: block height is 68 but requested was 67');
  await expect(client.getBlockNumber()).rejects.toThrow('block height is 68');
  expect(asked()).toBe(4);
});

test('other errors are told at once', async () => {
  const { client, asked } = clientOf(1, 'execution reverted');
  await expect(client.getBlockNumber()).rejects.toThrow('execution reverted');
  expect(asked()).toBe(1);
});
