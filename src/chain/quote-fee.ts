import type { Fee } from '../protocol/fee.ts';
import type { ChainConnection } from './client.ts';
import { settlementAbi } from './generated/abis.ts';
import { translated } from './translate-error.ts';

export interface FeeRequest {
  adapterId: bigint;
  tokensIn: number;
  tokensOut: number;
}

/**
 * What an answer costs now and who gets what, in wei; of the contributors' part, what the payout rule does not give them
 * joins the stakers' part (`withAllocated` in protocol/fee.ts). Errors: `contract/unknown-adapter`, `chain/unreachable`.
 */
export function quoteFee(connection: ChainConnection, request: FeeRequest): Promise<Fee> {
  const { adapterId, tokensIn, tokensOut } = request;
  return translated('Asking for the price', () =>
    connection.publicClient.readContract({
      address: connection.contracts.settlement,
      abi: settlementAbi,
      functionName: 'quote',
      args: [adapterId, tokensIn, tokensOut],
    }),
  );
}
