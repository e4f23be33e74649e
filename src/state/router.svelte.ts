import type { Component } from 'svelte';

/** Hash addresses work from any host and path: `#/check/bafy…` is page `check` with one parameter. */
export interface Place {
  page: string;
  params: string[];
}

export function parseHash(hash: string): Place {
  const parts = hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decode);
  return { page: parts[0] ?? 'ask', params: parts.slice(1) };
}

export interface Route {
  /** First part of the hash address. */
  page: string;
  title: string;
  icon: Component;
  /** Main pages stand in the rail and the bottom bar; the others under More; some are reached from other pages only. */
  place: 'main' | 'more' | 'inner';
  /** Which entry of the rail is lit for an inner page. */
  under?: string;
  load: () => Promise<{ default: Component<{ params: string[] }> }>;
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
  readonly routes: Route[];
  place = $state.raw<Place>({ page: 'ask', params: [] });

  constructor(routes: Route[]) {
    this.routes = routes;
  }

  route(page: string): Route | undefined {
    return this.routes.find((route) => route.page === page);
  }

  /** The entry of the rail that is lit. */
  get lit(): string {
    return this.route(this.place.page)?.under ?? this.place.page;
  }

  start(): void {
    const read = () => (this.place = parseHash(location.hash));
    read();
    addEventListener('hashchange', read);
  }
}
