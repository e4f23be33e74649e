import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Catalog } from '../../attribution/catalog.ts';
import type { Engine } from '../../attribution/engine.ts';
import { OpenLedgerError } from '../../errors.ts';
import type { FormatChoice } from '../../model/weights/plan-weights.ts';
import { type ModelFolder } from '../../protocol/model-folder.ts';
import type { ContentStore } from '../../storage/content-store.ts';
import { ModelLibrary } from '../../storage/models/library.ts';
import { nodeDirectory } from '../../storage/models/node-directory.node.ts';
import { nodeFolder } from '../../storage/models/node-folder.node.ts';
import { EngineLibrary, cidOfFolder } from '../../workers/engine-library.ts';
import { ROOT, STATE, asCid, localDeployment } from './content.ts';

export const FORMATS: readonly FormatChoice[] = ['auto', 'f32', 'f16', 'bf16', 'q8', 'q4'];
/** Bases up to this size are copied into the store, where a check finds them by CID; greater ones stay where they are. */
const COPIED_BYTES = 64 * 2 ** 20;

export function formatNamed(given: string | undefined): FormatChoice {
  if (given === undefined) return 'auto';
  if ((FORMATS as readonly string[]).includes(given)) return given as FormatChoice;
  throw new OpenLedgerError({ code: 'cli/unknown-format', what: `There is no format "${given}".`, next: `Use one of ${FORMATS.join(', ')}.` });
}

/** Models fetched by address, kept beside the store. */
export function localLibrary(): Promise<EngineLibrary> {
  return EngineLibrary.open(localDeployment()?.gateways ?? [], new ModelLibrary(nodeDirectory(join(STATE, 'models')), {}));
}

/** Opens a base given as a folder, a hub's or server's address, the id of a model in the library, or a CID. */
export async function openBase(given: string | undefined, format: FormatChoice, { store, catalog, say }: { store: ContentStore; catalog: Catalog; say(line: string): void }): Promise<Engine> {
  const progress = lineOfProgress(say);
  if (given === undefined) {
    return catalog.engine({ name: 'OpenLedger tiny base', cid: await asCid(store, join(ROOT, 'public/base')) }, { format: format === 'auto' ? undefined : format });
  }
  if (existsSync(given)) {
    const files = statSync(given).isDirectory() ? readdirSync(given).map((name) => ({ name, stat: statSync(join(given, name)) })).filter(({ stat }) => stat.isFile()) : undefined;
    const size = files?.reduce((sum, { stat }) => sum + stat.size, 0) ?? 0;
    if (size <= COPIED_BYTES) {
      return catalog.engine({ name: basename(resolve(given)), cid: await asCid(store, given) }, { format: format === 'auto' ? undefined : format });
    }
    // Known by path, sizes and times, so that gigabytes are hashed once.
    const key = `${resolve(given)} ${files!.map(({ name, stat }) => `${name} ${stat.size} ${stat.mtimeMs}`).sort().join(' ')}`;
    const folder = nodeFolder(given);
    const known = readFacts()[key];
    const cid = known?.cid ?? (await cidOfFolder(folder, size, undefined, progress));
    const engine = await catalog.openBase(folder, { name: folder.label, cid }, { format, fileRoot: known?.fileRoot, onProgress: (what, done, total) => progress({ what, done, total }) });
    if (!known) writeFileSync(FACTS, JSON.stringify({ ...readFacts(), [key]: { cid, fileRoot: engine.fileRoot } }));
    return engine;
  }
  const library = await localLibrary();
  const fromLibrary = async (id: string): Promise<Engine> => {
    const { folder, identity, fileRoot } = await library.base(id, undefined, progress);
    const engine = await catalog.openBase(folder as ModelFolder, identity, { format, fileRoot, onProgress: (what, done, total) => progress({ what, done, total }) });
    if (!fileRoot) await library.noteRoot(id, engine.fileRoot);
    return engine;
  };
  if (/^https?:\/\//i.test(given)) return fromLibrary((await library.add({ kind: 'url', url: given }, new AbortController().signal, progress)).id);
  if ((await library.list()).some(({ id }) => id === given)) return fromLibrary(given);
  return catalog.engine({ name: 'OpenLedger tiny base', cid: given }, { format: format === 'auto' ? undefined : format });
}

const FACTS = join(STATE, 'base-facts.json');

function readFacts(): Record<string, { cid: string; fileRoot: `0x${string}` }> {
  try {
    return JSON.parse(readFileSync(FACTS, 'utf8')) as ReturnType<typeof readFacts>;
  } catch {
    return {};
  }
}

/** A line a second at most, so that a pipe does not fill with them. */
export function lineOfProgress(say: (line: string) => void) {
  let last = performance.now();
  return ({ what, done, total }: { what: string; done: number; total: number | undefined }) => {
    if (performance.now() - last < 1000) return;
    last = performance.now();
    say(`${what}: ${(done / 2 ** 20).toFixed(0)}${total === undefined ? '' : ` of ${(total / 2 ** 20).toFixed(0)}`} MiB`);
  };
}
