import { OpenLedgerError } from '../../errors.ts';

/** Where a model's folder may be, as an address says it. */
export interface ModelAddress {
  label: string;
  /** Addresses under which file names may stand, ending with a slash, in the order in which to try them. */
  bases: string[];
  /** Where the address has the form of a hub's: its listing interface (as huggingface.co's, which others copy). */
  hub?: HubAddress | undefined;
}

export interface HubAddress {
  /** `https://host/api/models/org/name`. */
  api: string;
  /** `https://host/org/name`. */
  page: string;
  revision: string;
  /** Folder inside the repository, '' for its top. */
  path: string;
}

function badAddress(text: string, why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'source/bad-address',
    what: `“${text.slice(0, 120)}” is not the address of a model.`,
    why,
    next: 'Give the address of a model’s page or folder, such as https://host/organisation/name.',
  });
}

/** https anywhere, http on this machine only: weights and tokenizers must not be changed on the way. */
export function isSafeUrl(url: URL): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
}

/**
 * Reads `https://host/org/name`, the same with `/tree/REVISION` or `/resolve/REVISION` (and a folder or file after it), or
 * any other address of a folder on a static server. Throws `source/bad-address`.
 */
export function parseModelAddress(text: string): ModelAddress {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    throw badAddress(text, 'It is no complete address.');
  }
  if (!isSafeUrl(url)) throw badAddress(text, 'Models are fetched over https, or over http from this machine only.');
  if (url.username || url.password) throw badAddress(text, 'It contains a password.');
  const segments = url.pathname.split('/').filter(Boolean);
  // Whoever copies the address of one of the files means the folder it is in.
  if (/\.(safetensors|json)$/.test(segments[segments.length - 1] ?? '')) segments.pop();
  const at = (parts: readonly string[]) => `${url.origin}/${parts.map((part) => `${part}/`).join('')}`;
  const marker = segments.findIndex((part, i) => i >= 2 && (part === 'tree' || part === 'resolve' || part === 'blob'));
  const label = `${url.host}/${decoded(segments.join('/'))}`;
  if (marker < 0 && segments.length !== 2) return { label, bases: [at(segments)] };
  const end = marker < 0 ? 2 : marker;
  // A mirror may keep the hub below a folder of its own.
  const before = segments.slice(0, end - 2);
  const id = segments.slice(end - 2, end);
  const revision = marker < 0 ? 'main' : (segments[marker + 1] ?? 'main');
  const path = marker < 0 ? [] : segments.slice(marker + 2);
  const page = at([...before, ...id]).slice(0, -1);
  const resolved = at([...before, ...id, 'resolve', revision, ...path]);
  return {
    label,
    bases: marker < 0 ? [at(segments), resolved] : [resolved],
    hub: { api: at([...before, 'api', 'models', ...id]).slice(0, -1), page, revision, path: path.join('/') },
  };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
