import { decodeFunctionData } from 'viem';
import { getTransaction } from 'viem/actions';
import type { ChainConnection } from '../chain/client.ts';
import { disputesAbi } from '../chain/generated/abis.ts';
import { translated } from '../chain/translate-error.ts';
import { OpenLedgerError } from '../errors.ts';
import { type Hex, fromHex } from '../protocol/bytes.ts';
import type { ShownLeaf } from '../workers/engine.api.ts';
import type { DemandSeen } from './disputes-events.ts';

/** A leaf, and the tokens that the claim is about, which come with it. The contract has checked both against the claim. */
export interface Shown {
  leaf: ShownLeaf;
  inputs: Hex;
}

/**
 * What was shown for a demand. The chain's event says only that it was; the values are in the call.
 * Errors: `chain/unreachable`, `dispute/shown-elsewhere` where the call was made by a contract.
 */
export async function readShownLeaf(connection: ChainConnection, claimId: bigint, { place, shownIn }: DemandSeen): Promise<Shown> {
  const transaction = await translated('Reading what was shown', () => getTransaction(connection.publicClient, { hash: shownIn! }));
  try {
    // Another contract's call of the same name was checked by nobody.
    const direct = transaction.to?.toLowerCase() === connection.contracts.disputes.toLowerCase();
    const { functionName, args } = decodeFunctionData({ abi: disputesAbi, data: transaction.input });
    if (direct && functionName === 'reveal') {
      const [id, opening, matrix, leaf] = args;
      if (id === claimId && opening.index === BigInt(place.answer) && matrix.index === place.index && leaf.leaf === place.leaf) {
        return { leaf: { index: place.index, leaf: place.leaf, values: floats(fromHex(leaf.values)), proof: [...leaf.proof] }, inputs: matrix.inputs };
      }
    }
  } catch {
    // Said below: it was no call of this contract.
  }
  throw new OpenLedgerError({
    code: 'dispute/shown-elsewhere',
    what: 'What was shown cannot be read from here.',
    why: `It was not sent to the disputes contract itself, but through another, in transaction ${shownIn}.`,
    next: 'Look at the transaction in an explorer that traces calls; or demand the next piece.',
  });
}

/** float32, little-endian, whatever this machine is. */
function floats(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // By bits: a NaN must stay the one that it is.
  const out = new Uint32Array(Math.floor(bytes.byteLength / 4));
  for (let k = 0; k < out.length; k++) out[k] = view.getUint32(4 * k, true);
  return new Float32Array(out.buffer);
}
