import { type Hex, fromHex, keccak256, toHex, uint256Bytes } from './bytes.ts';
import { leafHash } from './merkle.ts';
import { type DatanetRecord, type VersionRecord, recordHash, versionLeafData } from './record.ts';

/**
 * The roots of record.ts for a page: the same 32 bytes, computed in slices, so that 100,000 records do not keep it from
 * answering. Tests hold both ways equal.
 */
export async function recordsRootInSlices(records: readonly DatanetRecord[]): Promise<Hex> {
  const pause = pauser();
  const leaves: Uint8Array[] = [];
  for (const record of records) {
    leaves.push(leafHash(fromHex(recordHash(record))));
    await pause();
  }
  return merkleRootInSlices(leaves);
}

export async function versionRootInSlices(records: readonly VersionRecord[]): Promise<Hex> {
  const pause = pauser();
  const leaves: Uint8Array[] = [];
  for (const [k, record] of records.entries()) {
    leaves.push(leafHash(versionLeafData(record, k)));
    await pause();
  }
  return merkleRootInSlices(leaves);
}

const NODE = new Uint8Array([1]);
const ROOT = new Uint8Array([2]);

async function merkleRootInSlices(leaves: readonly Uint8Array[]): Promise<Hex> {
  const pause = pauser();
  let layer = leaves;
  let zero: Uint8Array = new Uint8Array(32);
  while (layer.length > 1) {
    const next: Uint8Array[] = [];
    for (let i = 0; i < layer.length; i += 2) {
      next.push(keccak256(NODE, layer[i]!, layer[i + 1] ?? zero));
      await pause();
    }
    zero = keccak256(NODE, zero, zero);
    layer = next;
  }
  return toHex(keccak256(ROOT, uint256Bytes(leaves.length), layer[0] ?? zero));
}

const SLICE = 12;

/** To be awaited often: gives the page a turn after each slice of work, and costs next to nothing in between. */
export function pauser(): () => Promise<void> | undefined {
  let started = performance.now();
  return () => {
    if (performance.now() - started < SLICE) return undefined;
    return new Promise((resolve) =>
      setTimeout(() => {
        started = performance.now();
        resolve();
      }),
    );
  };
}
