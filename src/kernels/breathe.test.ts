import { afterEach, expect, it, vi } from 'vitest';
import { breathe } from './breathe.ts';

afterEach(() => vi.unstubAllGlobals());

/** A message that arrives while a loop runs must be seen by the loop. */
async function roundsUntilMessage(): Promise<number> {
  const { port1, port2 } = new MessageChannel();
  let seen = false;
  port1.onmessage = () => void (seen = true);
  port2.postMessage('stop');
  let rounds = 0;
  while (!seen && rounds < 1000) {
    rounds++;
    await breathe();
  }
  port1.close();
  return rounds;
}

it('lets messages in between two steps, in Node', async () => {
  expect(await roundsUntilMessage()).toBeLessThan(10);
});

it('lets messages in between two steps where there is no setImmediate, as in browsers', async () => {
  vi.stubGlobal('setImmediate', undefined);
  expect(await roundsUntilMessage()).toBeLessThan(10);
});

it('waits for no timer: 500 breaths with timers stopped', async () => {
  vi.stubGlobal('setTimeout', () => 0);
  vi.stubGlobal('setImmediate', undefined);
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 500 }, async (_, i) => {
      await breathe();
      order.push(i);
    }),
  );
  expect(order).toEqual(Array.from({ length: 500 }, (_, i) => i));
});
