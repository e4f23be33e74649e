import type { ChainConnection } from '../chain/client.ts';
import { settlementAbi } from '../chain/generated/abis.ts';
import { translated } from '../chain/translate-error.ts';
import type { ReceiptPrices } from '../protocol/divide-fee.ts';

/**
 * Prices and rules by which a claim was paid, from the chain; a receipt only says so. The platform's fixed fee is 0 here: it is
 * no part of what contributors get. Errors: `contract/unknown-claim`, `contract/unknown-rule`, `chain/unreachable`.
 */
export function readClaimPrices(connection: ChainConnection, claimId: bigint): Promise<ReceiptPrices> {
  const settlement = { address: connection.contracts.settlement, abi: settlementAbi } as const;
  return translated('Reading the prices of the claim', async () => {
    const { ruleVersion, rateIn, rateOut } = await connection.publicClient.readContract({ ...settlement, functionName: 'claim', args: [claimId] });
    const [split, payout] = await connection.publicClient.readContract({ ...settlement, functionName: 'termsOf', args: [ruleVersion] });
    return { rateIn: String(rateIn), rateOut: String(rateOut), platformFee: '0', split, payout };
  });
}
