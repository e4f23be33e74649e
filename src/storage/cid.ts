import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import { OpenLedgerError } from '../errors.ts';
import { MAX_BLOCK_BYTES } from './limits.ts';

export const RAW = 0x55;
export const DAG_PB = 0x70;
const SHA2_256 = 0x12;

/** A CID that this store can check: version 0 or 1, raw or dag-pb, sha2-256. */
export function parseCid(text: string): CID {
  let cid: CID;
  try {
    if (text.length > 200) throw new RangeError('longer than any CID');
    cid = CID.parse(text);
  } catch (cause) {
    throw new OpenLedgerError({
      code: 'storage/bad-cid',
      what: 'This is not a content identifier (CID).',
      why: `It reads “${text.slice(0, 80)}”.`,
      next: 'Check that it was copied completely.',
      cause,
    });
  }
  requireSupported(cid);
  return cid;
}

export function requireSupported(cid: CID): void {
  const refuse = (why: string): never => {
    throw new OpenLedgerError({
      code: 'storage/unsupported-cid',
      what: `The content ${shortCid(cid)} is of a kind that is not supported here.`,
      why,
      next: 'Publish it as UnixFS with sha2-256 hashes, as IPFS does by default.',
    });
  };
  if (cid.code !== RAW && cid.code !== DAG_PB)
    refuse(`Its codec is 0x${cid.code.toString(16)}; raw and dag-pb are read.`);
  if (cid.multihash.code !== SHA2_256 || cid.multihash.digest.length !== 32) {
    refuse(`Its hash is 0x${cid.multihash.code.toString(16)}; sha2-256 is checked.`);
  }
}

export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  // Pages that are not served securely have no crypto.subtle.
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return nobleSha256(bytes);
  return new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}

export async function cidOf(bytes: Uint8Array, codec: typeof RAW | typeof DAG_PB): Promise<CID> {
  return CID.createV1(codec, Digest.create(SHA2_256, await sha256(bytes)));
}

/** Throws unless `bytes` is a block of acceptable size that hashes to `cid`. */
export async function verifyBlock(cid: CID, bytes: Uint8Array): Promise<void> {
  requireSupported(cid);
  if (bytes.length > MAX_BLOCK_BYTES) throw blockTooLarge(cid, bytes.length);
  const digest = await sha256(bytes);
  const wanted = cid.multihash.digest;
  if (!digest.every((byte, i) => byte === wanted[i])) {
    throw new OpenLedgerError({
      code: 'storage/block-hash-mismatch',
      what: `The bytes received for ${shortCid(cid)} are not that content.`,
      why: 'Their sha-256 hash differs from the one in the identifier.',
      next: 'Try another gateway.',
    });
  }
}

export function blockTooLarge(cid: CID, size: number): OpenLedgerError {
  return new OpenLedgerError({
    code: 'storage/block-too-large',
    what: `A block of ${shortCid(cid)} is too large.`,
    why: `It has ${size} bytes; ${MAX_BLOCK_BYTES} are accepted.`,
    next: 'Publish the file in chunks of 1 MiB.',
  });
}

/** Blocks are the same whatever codec or version the CID names: the key is the hash. */
export function blockKey(cid: CID): string {
  let key = '';
  for (const byte of cid.multihash.digest) key += byte.toString(16).padStart(2, '0');
  return key;
}

export function shortCid(cid: CID | string): string {
  const text = String(cid);
  return text.length > 20 ? `${text.slice(0, 10)}…${text.slice(-6)}` : text;
}
