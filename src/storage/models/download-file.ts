import { sha256 } from '@noble/hashes/sha2.js';
import { OpenLedgerError, throwIfAborted } from '../../errors.ts';
import type { ByteSource, FolderEntry } from '../../protocol/model-folder.ts';
import type { StoredDirectory } from './stored-directory.ts';

const READ_BYTES = 8 * 2 ** 20;

/**
 * Brings one file into a directory, going on after the `have` bytes that are there already, and returns its SHA-256.
 * `onBytes` hears of every byte once, those that were there included. After a failure what arrived stays. Throws
 * `storage/hash-mismatch` (nothing stays then), `storage/disk-full`, and what the source throws.
 */
export async function downloadFile(
  source: ByteSource,
  entry: FolderEntry,
  directory: StoredDirectory,
  have: number,
  signal: AbortSignal | undefined,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const hash = sha256.create();
  if (have > 0) {
    const stored = (await directory.source(entry.name))!;
    for (let at = 0; at < have; at += READ_BYTES) {
      throwIfAborted(signal);
      const bytes = await stored.read(at, Math.min(have, at + READ_BYTES));
      hash.update(bytes);
      onBytes(bytes.length);
    }
  }
  if (have < source.size || have === 0) {
    const appender = await directory.append(entry.name, have);
    let at = have;
    try {
      for await (const bytes of pieces(source, have, signal)) {
        throwIfAborted(signal);
        await appender.write(bytes);
        hash.update(bytes);
        at += bytes.length;
        onBytes(bytes.length);
      }
      if (at !== source.size) throw new RangeError(`${entry.name}: ${at} of ${source.size} bytes`);
    } catch (error) {
      // The first failure is the one to tell of.
      await appender.close().catch(() => undefined);
      throw error;
    }
    await appender.close();
  }
  const found = hex(hash.digest());
  if (entry.sha256 && found !== entry.sha256) {
    await directory.remove(entry.name);
    throw new OpenLedgerError({
      code: 'storage/hash-mismatch',
      what: `${entry.name} did not arrive as its publisher made it.`,
      why: `Its SHA-256 is ${found.slice(0, 12)}…, the publisher states ${entry.sha256.slice(0, 12)}….`,
      next: 'It was thrown away: fetch it again, or choose another source.',
    });
  }
  return found;
}

async function* pieces(source: ByteSource, from: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  if (source.stream) return yield* source.stream(from, signal);
  for (let at = from; at < source.size; at += READ_BYTES) yield await source.read(at, Math.min(source.size, at + READ_BYTES), signal);
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
