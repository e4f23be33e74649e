import type { FolderEntry } from '../../protocol/model-folder.ts';
import { OpenLedgerError } from '../../errors.ts';
import type { Attempt } from '../attempt.ts';
import { isSafeName } from '../names.ts';
import { type HttpOptions, request } from './http-file.ts';
import type { HubAddress } from './model-address.ts';

export interface HubListing {
  entries: FolderEntry[];
  /** Commit, where the hub says it: later requests name it, so that a folder cannot change between two files. */
  commit: string | undefined;
}

const LISTING_BYTES = 8 * 2 ** 20;
const MOST_PAGES = 20;

/**
 * A repository's files by the interface of huggingface.co (docs: /docs/hub/api; `GET /api/models/{id}/tree/{revision}`,
 * pages by the Link header, `lfs.oid` the SHA-256 of large files). Throws `source/…`.
 */
export async function listHub(hub: HubAddress, options: HttpOptions, signal?: AbortSignal): Promise<HubListing> {
  const commit = await commitOf(hub, options, signal);
  const path = hub.path && `/${hub.path}`;
  const entries: FolderEntry[] = [];
  let url: string | undefined = `${hub.api}/tree/${commit ?? hub.revision}${path}?recursive=false`;
  for (let pages = 0; url; pages++) {
    if (pages === MOST_PAGES) throw badListing('It has too many pages.');
    const asked: string = url;
    const [list, next] = await getJson(asked, options, signal, (response) => nextPage(response.headers.get('link'), asked));
    if (!Array.isArray(list)) throw badListing('It is not a list.');
    for (const item of list as unknown[]) {
      const entry = entryOf(item, hub.path);
      if (entry) entries.push(entry);
    }
    url = next;
  }
  return { entries, commit };
}

async function commitOf(hub: HubAddress, options: HttpOptions, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    const [info] = await getJson(`${hub.api}/revision/${hub.revision}`, options, signal, () => undefined);
    const sha = (info as { sha?: unknown } | null)?.sha;
    return typeof sha === 'string' && /^[0-9a-f]{40}$/.test(sha) ? sha : undefined;
  } catch (error) {
    // Hubs that lack this interface still have the listing.
    if (error instanceof OpenLedgerError && (error.code === 'source/not-found' || error.code === 'source/bad-listing' || error.code === 'source/bad-answer')) return undefined;
    throw error;
  }
}

/** One item of the listing; folders, and files of other folders, are left out. */
function entryOf(item: unknown, folder: string): FolderEntry | undefined {
  if (typeof item !== 'object' || item === null) throw badListing('An entry is no object.');
  const { type, path, size, lfs } = item as { type?: unknown; path?: unknown; size?: unknown; lfs?: { oid?: unknown; size?: unknown } | null };
  if (type !== 'file' || typeof path !== 'string') return undefined;
  const prefix = folder && `${decodeURIComponent(folder)}/`;
  const name = path.startsWith(prefix) ? path.slice(prefix.length) : '';
  if (!isSafeName(name)) return undefined;
  // Of files in large file storage `size` is the content's too, but older hubs gave the pointer's.
  const bytes = lfs?.size ?? size;
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0) throw badListing(`“${name}” has no size.`);
  const oid = typeof lfs?.oid === 'string' ? lfs.oid.replace(/^sha256:/, '') : '';
  return { name, size: bytes, sha256: /^[0-9a-f]{64}$/.test(oid) ? oid : undefined };
}

/** The address of `rel="next"`, on the same server only. */
function nextPage(link: string | null, from: string): string | undefined {
  const found = link && /<([^>]+)>\s*;\s*rel="?next"?/.exec(link);
  if (!found) return undefined;
  const next = new URL(found[1]!, from);
  return next.origin === new URL(from).origin ? next.href : undefined;
}

function getJson<T>(url: string, options: HttpOptions, signal: AbortSignal | undefined, also: (response: Response) => T): Promise<[unknown, T]> {
  return request(url, 'The list of the model’s files', options, signal, async (response, attempt) => {
    const bytes = await readBody(attempt, response, LISTING_BYTES);
    try {
      return [JSON.parse(new TextDecoder().decode(bytes)) as unknown, also(response)];
    } catch {
      throw badListing('It is not JSON.');
    }
  });
}

/** The whole body; a longer one ends the request with an error. */
export async function readBody(attempt: Attempt, response: Response, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of attempt.body(response, limit)) parts.push(part);
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function badListing(why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'source/bad-listing', what: 'The server’s list of the model’s files is not right.', why, next: 'Check the address, or choose another source.' });
}
