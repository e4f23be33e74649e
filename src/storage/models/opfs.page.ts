/** Runs in a browser, in the page and in a worker of it (opfs.chromium.test.ts): the library on the private file system. */
import { toWire } from '../../errors.ts';
import { sha256 } from '../cid.ts';
import { openHttpFolder } from './http-folder.ts';
import { ModelLibrary } from './library.ts';
import { openOpfs } from './opfs.ts';
import { askToKeep, storageState } from './storage-state.ts';

export interface OpfsReport {
  /** Whether bytes go straight to files (workers) or by way of a copy. */
  straight: boolean;
  /** Held after an interruption, of all bytes. */
  partial: number;
  bytes: number;
  hashes: Record<string, string>;
  /** What a second writer of a file is told. */
  second: string | undefined;
  left: number;
  quota: number;
  kept: boolean;
  milliseconds: number;
}

const inWorker = typeof document === 'undefined';

async function run(): Promise<OpfsReport> {
  const name = `library-${inWorker ? 'worker' : 'page'}`;
  const directory = await openOpfs(name);
  const library = new ModelLibrary(directory);
  const open = () => openHttpFolder(`${location.origin}/m`);
  const stop = new AbortController();
  const interrupted = await library.download(await open(), { signal: stop.signal, onProgress: (done, total) => done > total / 2 && stop.abort() }).catch((error: unknown) => toWire(error).code);
  if (interrupted !== 'cancelled') throw new Error(`not cancelled: ${JSON.stringify(interrupted)}`);
  const [before] = await library.list();
  const started = performance.now();
  const entry = await library.download(await open());
  const milliseconds = performance.now() - started;
  // As another tab, or the same after a reload, sees it.
  const folder = await new ModelLibrary(await openOpfs(name)).open(entry.id);
  const hashes: Record<string, string> = {};
  for (const { name: file, size } of await folder.list()) {
    const bytes = await (await folder.open(file)).read(0, size);
    hashes[file] = [...(await sha256(bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }
  const held = await directory.folder(entry.id);
  const first = await held.append('model.safetensors', 10);
  await first.write(new Uint8Array(5));
  const second = await held.append('model.safetensors', 10).then(async (appender) => (await appender.close(), undefined), (error: unknown) => toWire(error).code);
  await first.close();
  const damaged = await library.open(entry.id).then(() => 'opened', (error: unknown) => toWire(error).code);
  if (damaged !== 'storage/damaged-model') throw new Error(`a file of 15 bytes: ${damaged}`);
  await library.remove(entry.id);
  return {
    straight: 'createSyncAccessHandle' in FileSystemFileHandle.prototype,
    partial: before?.held ?? 0, bytes: entry.bytes, hashes, second, milliseconds,
    left: (await library.list()).length, quota: (await storageState())?.quota ?? 0, kept: await askToKeep(),
  };
}

if (inWorker) run().then((report) => postMessage({ report }), (error: unknown) => postMessage({ error: toWire(error) }));
else {
  Object.assign(globalThis, {
    openledgerOpfs: async () => {
      const here = await run();
      const worker = new Worker('/page.js', { type: 'module' });
      const answer = await new Promise<{ report?: OpfsReport; error?: unknown }>((resolve) => {
        worker.onmessage = ({ data }) => resolve(data as { report?: OpfsReport });
        worker.onerror = ({ message }) => resolve({ error: message });
      });
      worker.terminate();
      if (!answer.report) throw new Error(JSON.stringify(answer.error));
      return { here, worker: answer.report };
    },
  });
}
