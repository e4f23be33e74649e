import type { Hex } from '../../protocol/bytes.ts';
import { type VersionRecord, recordsRoot, versionRoot } from '../../protocol/record.ts';
import type { RunFile } from '../../protocol/run.ts';
import { trainedRoot } from '../../protocol/trained-records.ts';

/** What the chain has of an adapter and its Datanet version. */
export interface RegisteredRoots {
  baseRoot: Hex;
  adapterRoot: Hex;
  checkpointsRoot: Hex;
  ledgerRoot: Hex;
  programHash: Hex;
  trainedRoot: Hex;
  versionRoot: Hex;
}

/** A run.json is words until it is what its adapter is registered with. Says what is not; undefined where all is. */
export function otherThanRegistered({ base, adapter, ledger, datanet }: RunFile, records: readonly VersionRecord[], registered: RegisteredRoots): string | undefined {
  const all: [string, Hex, Hex][] = [
    ['base model', base.root, registered.baseRoot], ['weights', adapter.root, registered.adapterRoot], ['checkpoints', ledger.checkpointsRoot, registered.checkpointsRoot],
    ['ledger', ledger.root, registered.ledgerRoot], ['program', ledger.program, registered.programHash], ['list of trained records', trainedRoot(datanet.clusters), registered.trainedRoot],
    ['Datanet version', versionRoot([...records]), registered.versionRoot], ['records', recordsRoot([...records]), datanet.recordsRoot],
  ];
  const other = all.find(([, here, chain]) => here !== chain);
  return other && `Not the same: ${other[0]}.`;
}
