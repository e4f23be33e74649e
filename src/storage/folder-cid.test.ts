import { expect, test } from 'vitest';
import { MemoryBlocks } from './block-store.ts';
import { ContentStore } from './content-store.ts';
import { folderCid } from './folder-cid.ts';

const bytes = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >> 8)) & 255);

test('a streamed folder has the CID that the store gives it, whatever the pieces', async () => {
  const files = { 'config.json': bytes(300, 1), 'model.safetensors': bytes(3 * 2 ** 20 + 77, 2), 'empty.txt': new Uint8Array(0) };
  const store = new ContentStore({ gateways: [], cache: new MemoryBlocks() });
  const expected = await store.addDirectory(files);
  for (const piece of [1000, 65536, 2 ** 22]) {
    const streamed = await folderCid(
      Object.entries(files).reverse().map(([name, content]) => ({
        name,
        async *chunks() {
          for (let at = 0; at < content.length; at += piece) yield content.subarray(at, at + piece);
        },
      })),
    );
    expect(streamed).toBe(expected);
  }
});

test('one other byte gives another CID; cancelling ends it', async () => {
  const one = (value: number) => [{ name: 'a', async *chunks() { yield Uint8Array.of(value); } }];
  expect(await folderCid(one(1))).not.toBe(await folderCid(one(2)));
  const stop = new AbortController();
  stop.abort();
  await expect(folderCid(one(1), { signal: stop.signal })).rejects.toMatchObject({ code: 'cancelled' });
});
