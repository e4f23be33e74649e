import type { Hex } from '../protocol/bytes.ts';
import type { Split } from '../protocol/fee.ts';
import type { PayoutRule } from '../protocol/payout-rule.ts';
import type { ChainConnection } from './client.ts';
import { type DemandPrice, readDemandPrice } from './demand-price.ts';
import { contributionsViewsAbi, disputesViewsAbi, settlementAbi, treasuryViewsAbi } from './generated/abis.ts';
import { readPayoutRule } from './read-payout-rule.ts';
import { translated } from './translate-error.ts';

/** The governed and fixed numbers of a deployment. Amounts in wei, times in seconds. */
export interface Terms {
  split: Split;
  /** How the contributors' part is divided, and the version of that rule. */
  payoutRule: PayoutRule;
  payoutRuleVersion: number;
  platformFee: bigint;
  /** Challenge window. */
  window: number;
  /** Least bond of a claim, returned when it is final; it is as much as the claim's payouts where they are more. */
  bond: bigint;
  platform: Hex;
  treasury: Hex;
  /** What the treasury contract says about itself. */
  treasuryLabel: string;
  governance: Hex;
  /** Where claims are disproved. */
  disputes: Hex;
  /** How long a proof can come after its commitment. */
  proveTime: number;
  /** How long a claimant has to show what is demanded. */
  replyTime: number;
  /** What a demand's bond is made of; it pays for the reply. */
  demandPrice: DemandPrice;
  /** After this an unreviewed contribution can be taken back. */
  reviewTimeout: number;
}

/** Errors: `chain/unreachable`, `chain/restarted`. */
export function readTerms(connection: ChainConnection): Promise<Terms> {
  const { publicClient, contracts } = connection;
  const settlement = { address: contracts.settlement, abi: settlementAbi } as const;
  const disputes = { address: contracts.disputes, abi: disputesViewsAbi } as const;
  return translated('Reading the terms', async () => {
    const [split, { rule: payoutRule, version: payoutRuleVersion }, platformFee, window, bond, platform, treasury, governance, proveTime, replyTime, demandPrice, treasuryLabel, reviewTimeout] =
      await Promise.all([
        publicClient.readContract({ ...settlement, functionName: 'split' }),
        readPayoutRule(connection),
        publicClient.readContract({ ...settlement, functionName: 'platformFee' }),
        publicClient.readContract({ ...settlement, functionName: 'window' }),
        publicClient.readContract({ ...settlement, functionName: 'bond' }),
        publicClient.readContract({ ...settlement, functionName: 'platform' }),
        publicClient.readContract({ ...settlement, functionName: 'treasury' }),
        publicClient.readContract({ ...settlement, functionName: 'owner' }),
        publicClient.readContract({ ...disputes, functionName: 'proveTime' }),
        publicClient.readContract({ ...disputes, functionName: 'replyTime' }),
        readDemandPrice(connection),
        publicClient.readContract({ address: contracts.treasury, abi: treasuryViewsAbi, functionName: 'LABEL' }),
        publicClient.readContract({
          address: contracts.contributions,
          abi: contributionsViewsAbi,
          functionName: 'reviewTimeout',
        }),
      ]);
    return {
      split,
      payoutRule,
      payoutRuleVersion,
      platformFee,
      window,
      bond,
      platform,
      treasury,
      treasuryLabel,
      governance,
      disputes: contracts.disputes,
      proveTime,
      replyTime,
      demandPrice,
      reviewTimeout,
    };
  });
}
