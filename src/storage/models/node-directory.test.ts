import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { memoryFolder } from '../../protocol/model-folder.ts';
import { ModelLibrary } from './library.ts';
import { nodeDirectory } from './node-directory.node.ts';

const path = mkdtempSync(join(tmpdir(), 'openledger-models-'));
afterAll(() => rmSync(path, { recursive: true, force: true }));
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

test('a library on disk keeps, lists, reads back, cuts off and deletes', async () => {
  const weights = Uint8Array.from({ length: 70_000 }, (_, i) => i * 7);
  const folder = memoryFolder('made here', { 'config.json': text({ model_type: 'llama' }), 'tokenizer.json': text({}), 'model.safetensors': weights });
  const library = () => new ModelLibrary(nodeDirectory(path), {});
  const entry = await library().download(folder);
  expect(await library().list()).toEqual([entry]);
  const source = await (await library().open(entry.id)).open('model.safetensors');
  expect(await source.read(100, 200)).toEqual(weights.slice(100, 200));

  const directory = await nodeDirectory(path).folder('other');
  const write = async (at: number, bytes: Uint8Array) => {
    const appender = await directory.append('file', at);
    await appender.write(bytes);
    await appender.close();
  };
  await write(0, Uint8Array.of(1, 2, 3, 4));
  await write(2, Uint8Array.of(9));
  const file = (await directory.source('file'))!;
  expect(await file.read(0, file.size)).toEqual(Uint8Array.of(1, 2, 9));
  expect(await directory.source('../other/file')).toBeUndefined();

  await library().remove(entry.id);
  await nodeDirectory(path).remove('other');
  expect(await library().list()).toEqual([]);
});
