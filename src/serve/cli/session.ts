import { parseArgs, type ParseArgsConfig } from 'node:util';
import { Catalog } from '../../attribution/catalog.ts';
import type { Engine } from '../../attribution/engine.ts';
import { OpenLedgerError } from '../../errors.ts';
import type { ContentStore } from '../../storage/content-store.ts';
import { openBackendByName } from './backend-option.ts';
import { localStore } from './content.ts';
import { FORMATS, formatNamed, openBase } from './open-base.ts';

export const SHARED_OPTIONS = {
  base: { type: 'string' },
  format: { type: 'string' },
  backend: { type: 'string', default: 'cpu' },
  gateway: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const satisfies ParseArgsConfig['options'];

export const SHARED_HELP = `  --base MODEL        base model: a folder in a hub's layout, a hub's or server's address, a CID, or an id of
                      "models list" (default public/base)
  --format NAME       how its weights are held: ${FORMATS.join(', ')} (default auto: as stored)
  --backend NAME      cpu (default), webgpu, swiftshader, llvmpipe, reference
  --gateway URL       where to fetch CIDs that are not on this machine; may be repeated
  --json              print the result as one JSON object; progress goes to standard error`;

export function parseCommand<T extends NonNullable<ParseArgsConfig['options']>>(args: string[], options: T) {
  try {
    return parseArgs({ args, options: { ...SHARED_OPTIONS, ...options }, allowPositionals: true });
  } catch (cause) {
    throw new OpenLedgerError({ code: 'cli/usage', what: cause instanceof Error ? cause.message : String(cause), next: 'See --help.', cause });
  }
}

export function required(value: string | undefined, name: string): string {
  if (value) return value;
  throw new OpenLedgerError({ code: 'cli/usage', what: `${name} is missing.`, next: 'See --help.' });
}

export interface Session {
  store: ContentStore;
  catalog: Catalog;
  engine: Engine;
  say(line: string): void;
}

/** Opens backend, store and base, does the work, and closes them whatever happens. */
export async function withSession<T>(
  flags: { base?: string | undefined; format?: string | undefined; backend?: string | undefined; gateway?: string[] | undefined; json?: boolean | undefined },
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { backend, close } = await openBackendByName(flags.backend ?? 'cpu');
  try {
    const store = await localStore(flags.gateway);
    const catalog = new Catalog(backend, store);
    const say = (line: string) => (flags.json ? console.error(line) : console.log(line));
    const engine = await openBase(flags.base, formatNamed(flags.format), { store, catalog, say });
    return await work({ store, catalog, engine, say });
  } finally {
    close();
  }
}
