import { type Hex, concat, uint256Bytes } from './bytes.ts';
import { fastKeccak256 } from './keccak/keccak.ts';
import { merkleProof } from './merkle.ts';
import { MerkleStream } from './merkle-stream.ts';

/**
 * Indices of the records that a run trained, ascending: those that stand for themselves among `clusters` (run.datanet.clusters).
 * Empty where every record was trained.
 */
export function trainedRecords(clusters: readonly number[] | undefined): number[] {
  const trained = (clusters ?? []).flatMap((representative, k) => (representative === k ? [k] : []));
  return trained.length === clusters?.length ? [] : trained;
}

/**
 * What an adapter is registered with (AdapterDraft.trainedRoot): Merkle root over abi.encode(uint256 column, uint256 record), so that one
 * column's record is shown by one proof; 0 where every record was trained.
 */
export function trainedRoot(clusters: readonly number[] | undefined): Hex {
  const trained = trainedRecords(clusters);
  if (!trained.length) return `0x${'0'.repeat(64)}`;
  const leaves = new MerkleStream();
  for (const leaf of trained.map(trainedLeaf)) leaves.add(leaf);
  return leaves.root();
}

/** Siblings of a column's leaf under the root of `trained` (trainedRecords); none where every record was trained. Throws RangeError for a column that is not there. */
export function trainedProof(trained: readonly number[], column: number): Hex[] {
  return trained.length ? merkleProof(trained.map(trainedLeaf), column) : [];
}

const LEAF = Uint8Array.of(0);
const trainedLeaf = (record: number, column: number) => fastKeccak256(LEAF, concat(uint256Bytes(column), uint256Bytes(record)));
