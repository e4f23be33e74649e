import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Files } from '../../attribution/engine.ts';
import { OpenLedgerError } from '../../errors.ts';
import { type Hex, keccak256, toHex, utf8Bytes } from '../../protocol/bytes.ts';
import type { Deployment } from '../../protocol/deployment.ts';
import type { VersionRecord } from '../../protocol/record.ts';
import { parseRecordFile } from '../../protocol/record-files.ts';
import type { ContentStore } from '../../storage/content-store.ts';
import { openFileStore } from '../../storage/file-cache.node.ts';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const STATE = process.env.OPENLEDGER_STATE ?? join(ROOT, '.openledger');

/** This machine's content store; with `gateways`, or those of the local deployment's companion, as further sources. */
export async function localStore(gateways: string[] = []): Promise<ContentStore> {
  return openFileStore(join(STATE, 'store'), { gateways, mustPersist: true });
}

export function localDeployment(): Deployment | undefined {
  const file = join(STATE, 'deployment.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Deployment) : undefined;
}

/** A folder given as a path is added to the store; a CID stays one. */
export async function asCid(store: ContentStore, given: string): Promise<string> {
  if (!existsSync(given)) return given;
  if (!statSync(given).isDirectory()) {
    throw new OpenLedgerError({ code: 'cli/not-a-folder', what: `${given} is not a folder.`, next: 'Give a folder or a CID.' });
  }
  const files = readdirSync(given).filter((name) => statSync(join(given, name)).isFile()).sort();
  return store.addDirectory(Object.fromEntries(files.map((name) => [name, new Uint8Array(readFileSync(join(given, name)))])));
}

/** An adapter's files from a folder or by CID. */
export async function adapterFiles(store: ContentStore, given: string): Promise<Files> {
  const names = ['adapter_config.json', 'adapter_model.safetensors', 'run.json'];
  const files: Files = {};
  if (existsSync(given)) {
    for (const name of names) if (existsSync(join(given, name))) files[name] = readFileOr(join(given, name), 'The file');
    return files;
  }
  const entries = await store.readDirectory(given);
  for (const name of names) {
    const entry = entries.get(name);
    if (entry) files[name] = await store.readFile(entry.cid);
  }
  return files;
}

export function readFileOr(given: string, what: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(given));
  } catch (cause) {
    throw new OpenLedgerError({ code: 'cli/unreadable', what: `${what} ${given} cannot be read.`, why: cause instanceof Error ? cause.message : String(cause), next: 'Check the path.', cause });
  }
}

/**
 * Records of a JSONL or CSV file. A JSONL line may name its contributor: an address, or a name, which then stands for
 * the last 20 bytes of its keccak256 (an address nobody holds the key of).
 */
export async function readRecordFile(file: string): Promise<VersionRecord[]> {
  const { bytes, contributors } = takeContributors(readFileOr(file, 'The record file'));
  const { lines } = await parseRecordFile(file, bytes, { accepted: new Set() });
  const bad = lines.filter((line) => line.problems.length);
  if (bad.length) {
    throw new OpenLedgerError({
      code: 'cli/bad-records',
      what: `${bad.length} of ${lines.length} lines of ${file} are not valid records.`,
      why: bad.slice(0, 5).map((line) => `line ${line.line}: ${line.problems.map(({ message }) => message).join(' ')}`).join('; '),
      next: 'Mend these lines.',
    });
  }
  return lines.map(({ record, line }) => ({ ...record!, contributor: contributorAddress(contributors.get(line) ?? ''), contribution: '0' }));
}

/** Takes the field `contributor` out of JSONL lines; what is left is a record file as people contribute it. */
function takeContributors(bytes: Uint8Array): { bytes: Uint8Array; contributors: Map<number, string> } {
  const contributors = new Map<number, string>();
  const lines = new TextDecoder().decode(bytes).split('\n');
  const rest = lines.map((line, i) => {
    try {
      const value = JSON.parse(line) as unknown;
      if (typeof value !== 'object' || value === null || !('contributor' in value)) return line;
      const { contributor, ...record } = value;
      if (typeof contributor === 'string') contributors.set(i + 1, contributor);
      return JSON.stringify(record);
    } catch {
      // Not JSON: the parser says what is wrong with the line.
      return line;
    }
  });
  return contributors.size ? { bytes: new TextEncoder().encode(rest.join('\n')), contributors } : { bytes, contributors };
}

function contributorAddress(given: string): Hex {
  if (/^0x[0-9a-fA-F]{40}$/.test(given)) return given.toLowerCase() as Hex;
  return toHex(keccak256(utf8Bytes(given)).subarray(12));
}
