import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CpuBackend } from '../../kernels/cpu/backend.ts';
import { parseConfig } from '../../model/config.ts';
import { parseSafetensors } from '../../model/safetensors.ts';
import { loadModel } from '../../model/weights/load-model.ts';
import { writeHubLayout } from '../../model/weights/write-hub-layout.ts';
import { readJsonFile } from '../../protocol/model-folder.ts';
import { openHttpFolder } from './http-folder.ts';
import { ModelLibrary } from './library.ts';
import { TestDirectory } from './test-directory.ts';
import { startServer } from './test-server.ts';

const published = (name: string) => new Uint8Array(readFileSync(new URL(`../../../public/${name}`, import.meta.url)));
const parsed = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;

it('the shipped base in a hub’s layout goes from a server through the library to a device, and keeps the root that its adapters name', async () => {
  const config = parsed(published('base/config.json'));
  // float16 holds the base exactly, as it was published.
  const files = writeHubLayout(config, parseSafetensors(published('base/model.safetensors')), { dtype: 'F16', shardBytes: 500_000 });
  expect(Object.keys(files).filter((name) => name.endsWith('.safetensors')).length).toBeGreaterThan(4);
  const commit = 'c'.repeat(40);
  const server = await startServer({
    files: Object.fromEntries(Object.entries({ ...files, 'tokenizer.json': published('base/tokenizer.json') }).map(([name, bytes]) => [`/openledger/base/resolve/${commit}/${name}`, bytes])),
    before: (_, response, path) => {
      if (!path.startsWith('/api/models/openledger/base/')) return false;
      const list = Object.entries(files).map(([name, { length }]) => ({ type: 'file', path: name, size: length }));
      response.end(JSON.stringify(path.endsWith('/revision/main') ? { sha: commit } : list));
      return true;
    },
  });
  try {
    const library = new ModelLibrary(new TestDirectory(), {});
    const { id, complete, version } = await library.download(await openHttpFolder(`${server.url}/openledger/base`));
    expect([complete, version]).toEqual([true, commit]);
    await server.close();
    const folder = await library.open(id);
    const backend = await CpuBackend.create();
    const loaded = await loadModel(backend, parseConfig(await readJsonFile(folder, 'config.json')), folder);
    const run = parsed(published('adapters/legal/run.json')) as { base: { root: string } };
    expect(loaded.root).toBe(run.base.root);
    expect(loaded.rounded).toBeUndefined();
  } finally {
    await server.close();
  }
});
