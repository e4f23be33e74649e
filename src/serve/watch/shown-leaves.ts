import { decodeFunctionData } from 'viem';
import { getTransaction } from 'viem/actions';
import type { ShownLeaf } from '../../attribution/trace/leaf-search.ts';
import type { TraceInputs } from '../../attribution/trace/instruction.ts';
import type { ChainConnection } from '../../chain/client.ts';
import { disputesAbi } from '../../chain/generated/abis.ts';
import type { Place } from '../../chain/demand-leaf.ts';
import { type Hex, fromHex } from '../../protocol/bytes.ts';

/** A leaf that was shown on chain, and the tokens that had to be shown with it. The contract checked both. */
export interface Revealed {
  place: Place;
  shown: ShownLeaf;
  inputs: TraceInputs;
}

interface Call {
  to?: string;
  input?: Hex;
  error?: string;
  calls?: Call[];
}

const MOST_CALLS = 10_000;

/**
 * What was shown in a transaction: the event names only the place. Where another contract made the call, the node is asked to trace
 * the transaction; undefined where it cannot.
 */
export async function readRevealed(connection: ChainConnection, hash: Hex, claimId: bigint, place: Place): Promise<Revealed | undefined> {
  const { to, input } = await getTransaction(connection.publicClient, { hash });
  const direct = revealedIn({ to: to ?? undefined, input }, connection.contracts.disputes, claimId, place);
  if (direct) return direct;
  try {
    const trace = await connection.publicClient.request({ method: 'debug_traceTransaction', params: [hash, { tracer: 'callTracer' }] } as never);
    const open: Call[] = [trace as Call];
    for (let seen = 0; open.length && seen < MOST_CALLS; seen++) {
      const call = open.pop()!;
      const found = call.error === undefined ? revealedIn(call, connection.contracts.disputes, claimId, place) : undefined;
      if (found) return found;
      if (call.error === undefined) open.push(...(call.calls ?? []));
    }
  } catch {
    // Most public nodes trace nothing.
  }
  return undefined;
}

function revealedIn({ to, input }: Call, disputes: Hex, claimId: bigint, place: Place): Revealed | undefined {
  if (to?.toLowerCase() !== disputes.toLowerCase() || !input) return undefined;
  try {
    const call = decodeFunctionData({ abi: disputesAbi, data: input });
    if (call.functionName !== 'reveal') return undefined;
    const [id, opening, matrix, leaf] = call.args;
    if (id !== claimId || Number(opening.index) !== place.answer || matrix.index !== place.index || leaf.leaf !== place.leaf) return undefined;
    return { place, inputs: inputsFrom(fromHex(matrix.inputs)), shown: { index: matrix.index, leaf: leaf.leaf, values: floatsFrom(fromHex(leaf.values)), proof: leaf.proof } };
  } catch {
    return undefined;
  }
}

/** float32, little-endian. */
function floatsFrom(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}

/** The inverse of inputsBytes in attribution/trace/step.ts. */
function inputsFrom(bytes: Uint8Array): TraceInputs {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [answer, ...tokens] = Array.from({ length: bytes.length >> 2 }, (_, k) => view.getUint32(4 * k));
  return { tokens, answer: answer! };
}
