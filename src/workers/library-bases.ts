import { type Catalog, formatNamed } from '../attribution/catalog.ts';
import type { Engine } from '../attribution/engine.ts';
import type { BaseChoice, LoadProgress } from './engine.api.ts';
import type { EngineLibrary } from './engine-library.ts';

type Report = (progress: LoadProgress) => void;

/** A base of this machine's library, on the catalog's backend. */
export async function openLibraryBase(library: EngineLibrary, catalog: Catalog, { id, format }: BaseChoice, onProgress: Report): Promise<Engine> {
  const { folder, identity, fileRoot } = await library.base(id, undefined, onProgress);
  const engine = await catalog.openBase(folder, identity, { format, fileRoot, onProgress: (what, done, total, unit) => onProgress({ what, done, total, unit }) });
  if (!fileRoot && engine.fileRoot) await library.noteRoot(id, engine.fileRoot);
  return engine;
}

/** Opens a base that a receipt names and that may be in this machine's library and on no gateway; nothing where it is not there. */
export async function openBaseOfReceipt(openLibrary: () => Promise<EngineLibrary>, catalog: Catalog, { cid, format }: { cid: string; format?: string }, onProgress: Report): Promise<void> {
  if (catalog.hasEngine(cid, format)) return;
  // Without a library the gateways are asked, and say what is missing.
  const library = await openLibrary().catch(() => undefined);
  const items = await library?.list().catch(() => []);
  const item = items?.find((one) => one.complete && one.kind === 'base' && one.cid === cid);
  if (library && item) await openLibraryBase(library, catalog, { id: item.id, format: formatNamed(format) }, onProgress);
}
