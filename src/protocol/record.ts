import { type Hex, fromHex, keccak256, toHex, uint256Bytes, utf8Bytes } from './bytes.ts';
import { canonicalJson } from './canonical.ts';
import { leafHash, merkleRoot } from './merkle.ts';

/**
 * One training example as a contributor writes it: a statement, questions with their answers, or both.
 * Training reads `text` as plain language and learns `answer` given `question`.
 */
export interface DatanetRecord {
  text: string;
  questions: { question: string; answer: string }[];
}

/** A record in a Datanet version: who brought it, in which contribution (decimal id on chain). */
export interface VersionRecord extends DatanetRecord {
  contributor: Hex;
  contribution: string;
}

/** The file behind a Datanet version's CID. */
export interface DatanetVersionFile {
  openledger: 'datanet-version/1';
  name: string;
  records: VersionRecord[];
}

export const RECORD_LIMITS = { text: 600, question: 300, answer: 300, questions: 8 } as const;

/** Unicode NFC, inner white space folded to single spaces, ends trimmed: what is hashed and trained on. */
export function normalise(text: string): string {
  return text.normalize('NFC').replace(/\s+/gu, ' ').trim();
}

export function normaliseRecord(record: DatanetRecord): DatanetRecord {
  return {
    text: normalise(record.text),
    questions: record.questions.map((q) => ({ question: normalise(q.question), answer: normalise(q.answer) })),
  };
}

/** keccak256 of the record's canonical JSON: the record's identity, whoever contributed it. */
export function recordHash(record: DatanetRecord): Hex {
  const { text, questions } = normaliseRecord(record);
  return toHex(keccak256(utf8Bytes(canonicalJson({ text, questions }))));
}

/** Merkle root over record hashes alone; what a training run commits to. */
export function recordsRoot(records: DatanetRecord[]): Hex {
  return merkleRoot(records.map((record) => leafHash(fromHex(recordHash(record)))));
}

/**
 * Root of a Datanet version: leaf k = uint256(k) ‖ uint256(contributor) ‖ uint256(contribution) ‖ recordHash,
 * i.e. abi.encode(uint256, address, uint256, bytes32).
 */
export function versionRoot(records: VersionRecord[]): Hex {
  return merkleRoot(versionLeaves(records));
}

export function versionLeaves(records: readonly VersionRecord[]): Uint8Array[] {
  return records.map((record, k) => leafHash(versionLeafData(record, k)));
}

export function versionLeafData(record: VersionRecord, index: number): Uint8Array {
  const out = new Uint8Array(128);
  out.set(uint256Bytes(index), 0);
  out.set(uint256Bytes(BigInt(record.contributor)), 32);
  out.set(uint256Bytes(BigInt(record.contribution)), 64);
  out.set(fromHex(recordHash(record)), 96);
  return out;
}
