/** Hash addresses work from any host and path: `#/check/bafy…` is page `check` with one parameter. */
export interface Place {
  page: string;
  params: string[];
}

export function parseHash(hash: string): Place {
  const parts = hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decode);
  return { page: parts[0] ?? 'ask', params: parts.slice(1) };
}

/** The address of a page, for `href`. */
export function href(page: string, ...params: (string | number | bigint)[]): string {
  return `#/${[page, ...params.map((param) => encodeURIComponent(String(param)))].join('/')}`;
}

export function go(page: string, ...params: (string | number | bigint)[]): void {
  location.hash = href(page, ...params);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part).slice(0, 20_000);
  } catch {
    return part;
  }
}

export class Router {
  place = $state.raw<Place>({ page: 'ask', params: [] });

  start(): void {
    const read = () => (this.place = parseHash(location.hash));
    read();
    addEventListener('hashchange', read);
  }
}
