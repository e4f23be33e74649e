import { OpenLedgerError } from '../../errors.ts';
import { type ByteSource, type FolderEntry, type ModelFolder, SMALL_FILE_BYTES, memorySource, noSuchFile } from '../../protocol/model-folder.ts';
import { INDEX_FILE, parseWeightsIndex } from '../../protocol/weights-index.ts';
import { HttpFile, type HttpOptions, request } from './http-file.ts';
import { listHub, readBody } from './hub-listing.ts';
import { parseModelAddress } from './model-address.ts';
import { KNOWN_TEXTS, KNOWN_WEIGHTS } from './model-files.ts';

/**
 * The folder at an address: a hub's model page, or any folder of a static server. A hub is asked for its list; another
 * server for the files that models have. Throws `source/…`.
 */
export async function openHttpFolder(address: string, options: HttpOptions = {}, signal?: AbortSignal): Promise<ModelFolder> {
  const { label, bases, hub } = parseModelAddress(address);
  let refusal: unknown;
  if (hub) {
    try {
      // Fewer attempts than for files: where the list cannot be had, the files are looked for one by one.
      const { entries, commit } = await listHub(hub, { ...options, waitsMs: options.waitsMs?.slice(0, 1) ?? [500] }, signal);
      const files = `${hub.page}/resolve/${commit ?? hub.revision}/${hub.path && `${hub.path}/`}`;
      return new HttpFolder(label, commit, files, entries, new Map(), options);
    } catch (error) {
      if (!(error instanceof OpenLedgerError) || !['source/not-found', 'source/bad-listing', 'source/bad-answer', 'source/unreachable'].includes(error.code)) throw error;
      refusal = error;
    }
  }
  for (const base of bases) {
    const { entries, kept, version } = await probe(base, options, signal);
    if (entries.length) return new HttpFolder(label, version, base, entries, kept, options);
  }
  if (refusal instanceof OpenLedgerError && refusal.code === 'source/unreachable') throw refusal;
  throw new OpenLedgerError({
    code: 'source/not-found',
    what: `There is no model at ${label}.`,
    why: 'The server lists no files there and has none of the files that models have.',
    next: 'Check the address: it should be the model’s page, or the folder that holds its config.json.',
  });
}

class HttpFolder implements ModelFolder {
  readonly label: string;
  readonly version: string | undefined;
  readonly #base: string;
  readonly #entries: readonly FolderEntry[];
  /** Small files that were read when they were looked for. */
  readonly #kept: ReadonlyMap<string, Uint8Array>;
  readonly #options: HttpOptions;

  constructor(label: string, version: string | undefined, base: string, entries: readonly FolderEntry[], kept: ReadonlyMap<string, Uint8Array>, options: HttpOptions) {
    this.label = label;
    this.version = version;
    this.#base = base;
    this.#entries = entries;
    this.#kept = kept;
    this.#options = options;
  }

  async list(): Promise<FolderEntry[]> {
    return [...this.#entries];
  }

  async open(name: string): Promise<ByteSource> {
    const entry = this.#entries.find((one) => one.name === name);
    if (!entry) throw noSuchFile(this.label, name);
    const kept = this.#kept.get(name);
    return kept ? memorySource(name, kept) : new HttpFile(name, this.#base + encodeURIComponent(name), entry.size, this.#options);
  }
}

interface Found {
  entries: FolderEntry[];
  kept: Map<string, Uint8Array>;
  /** The server's own marks of its weight files' content; undefined where it gives none. */
  version: string | undefined;
}

/**
 * Which of the files that models have are there. Texts are read at once: a page cannot trust the length a server
 * states for what it may compress. Of weights only the length is taken.
 */
async function probe(base: string, options: HttpOptions, signal: AbortSignal | undefined): Promise<Found> {
  const found: Found = { entries: [], kept: new Map(), version: undefined };
  const marks: string[] = [];
  const text = async (name: string) => {
    const bytes = await ifThere(request(base + name, name, options, signal, async (response, attempt) => (isPage(response) ? undefined : readBody(attempt, response, SMALL_FILE_BYTES))));
    if (!bytes) return;
    found.entries.push({ name, size: bytes.length });
    found.kept.set(name, bytes);
  };
  const weights = async (name: string) => {
    const weight = await ifThere(request(base + name, name, options, signal, async (response) =>
      isPage(response) ? undefined : { size: statedLength(response, name), mark: response.headers.get('etag') ?? response.headers.get('last-modified') }));
    if (!weight) return;
    found.entries.push({ name, size: weight.size });
    if (weight.mark) marks.push(`${name} ${weight.mark}`);
  };
  // One first: where it is neither a base nor an adapter nothing more is asked for.
  await Promise.all(['config.json', 'adapter_config.json'].map(text));
  if (!found.entries.length) return found;
  await inTurns(KNOWN_TEXTS.filter((name) => name !== 'config.json' && name !== 'adapter_config.json'), text);
  await inTurns(KNOWN_WEIGHTS, weights);
  const index = found.kept.get(INDEX_FILE);
  if (index && !found.entries.some(({ name }) => name === 'model.safetensors')) await inTurns(shardsOf(index), weights);
  const stated = found.entries.filter(({ name }) => name.endsWith('.safetensors')).length;
  if (marks.length && marks.length === stated) found.version = marks.sort().join('; ');
  return found;
}

/** Shards by an index that may be anything: whoever reads it says what is wrong with it. */
function shardsOf(index: Uint8Array): string[] {
  try {
    return [...new Set(parseWeightsIndex(JSON.parse(new TextDecoder().decode(index))).values())];
  } catch {
    return [];
  }
}

const PARALLEL = 4;

async function inTurns(names: readonly string[], work: (name: string) => Promise<void>): Promise<void> {
  const queue = [...names];
  await Promise.all(Array.from({ length: PARALLEL }, async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) await work(name);
  }));
}

/** Undefined where the server does not have the file; stores of files answer 403 for that too. */
async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof OpenLedgerError && ['source/not-found', 'source/denied', 'source/bad-answer'].includes(error.code)) return undefined;
    throw error;
  }
}

/** Servers of single-page apps answer every address with their page. */
function isPage(response: Response): boolean {
  return /^text\/html\b/i.test(response.headers.get('content-type') ?? '');
}

function statedLength(response: Response, name: string): number {
  const length = response.headers.get('content-length');
  const size = Number(length);
  if (length !== null && Number.isSafeInteger(size) && size >= 0 && !response.headers.has('content-encoding')) return size;
  throw new OpenLedgerError({
    code: 'source/no-length',
    what: `${name} cannot be fetched from this server.`,
    why: 'The server does not say how long it is.',
    next: 'Download the folder and open it from your disk, or choose another source.',
  });
}
