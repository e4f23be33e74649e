import type { PayoutRule } from '../protocol/payout-rule.ts';
import type { ChainConnection } from './client.ts';
import { settlementAbi } from './generated/abis.ts';
import { translated } from './translate-error.ts';

/** The payout rule in force, or the one that was in force as `version`. Errors: `contract/unknown-rule`, `chain/unreachable`. */
export function readPayoutRule(connection: ChainConnection, version?: number): Promise<{ version: number; rule: PayoutRule }> {
  const settlement = { address: connection.contracts.settlement, abi: settlementAbi } as const;
  return translated('Reading the payout rule', async () => {
    const wanted = version ?? (await connection.publicClient.readContract({ ...settlement, functionName: 'payoutRuleVersion' }));
    const rule = await connection.publicClient.readContract({ ...settlement, functionName: 'payoutRuleOf', args: [wanted] });
    return { version: wanted, rule };
  });
}

export function sameRule(a: PayoutRule, b: PayoutRule): boolean {
  return a.nullMultiple === b.nullMultiple && a.reserve === b.reserve && a.clusterCap === b.clusterCap && a.retrievalPart === b.retrievalPart;
}
