/** Bounds on everything that comes from outside. A block over 2 MiB is refused by IPFS implementations too. */
export const MAX_BLOCK_BYTES = 2 * 1024 * 1024;
/** How deep a file's or folder's tree may be; 1 MiB chunks in nodes of 1,024 reach a tebibyte at depth 3. */
export const MAX_DAG_DEPTH = 16;
export const MAX_DIRECTORY_ENTRIES = 10_000;
export const MAX_CAR_HEADER_BYTES = 64 * 1024;
/** What a read may bring in when the caller names no bound of its own. */
export const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
export const DEFAULT_TIMEOUT_MS = 10_000;

/** More blocks than honest chunking (16 KiB and up) needs for that many bytes is a bomb. */
export function maxBlocksFor(maxBytes: number): number {
  return 1024 + Math.ceil(maxBytes / (16 * 1024));
}
