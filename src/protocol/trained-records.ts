import { type Hex, concat, keccak256, toHex, uint256Bytes } from './bytes.ts';

/**
 * Indices of the records that a run trained, ascending: those that stand for themselves among `clusters` (run.datanet.clusters).
 * Empty where every record was trained.
 */
export function trainedRecords(clusters: readonly number[] | undefined): number[] {
  const trained = (clusters ?? []).flatMap((representative, k) => (representative === k ? [k] : []));
  return trained.length === clusters?.length ? [] : trained;
}

/** What an adapter is registered with (AdapterDraft.trainedHash): keccak256 of them as 32-byte words; 0 where every record was trained. */
export function trainedHash(clusters: readonly number[] | undefined): Hex {
  const trained = trainedRecords(clusters);
  return trained.length ? toHex(keccak256(concat(...trained.map((record) => uint256Bytes(record))))) : `0x${'0'.repeat(64)}`;
}
