import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { contributionsViewsAbi, settlementAbi } from './generated/abis.ts';
import { translated } from './translate-error.ts';

/** Wei. */
export interface Balances {
  /** In the account itself. */
  account: bigint;
  /** Credited in the settlement: bonds, platform and owner parts. */
  settlement: bigint;
  /** Credited in the contributions: stakes that came back. */
  contributions: bigint;
  /** Credited in the disputes: bonds of demands. */
  disputes: bigint;
  /** Credited in the runs: bonds of statements and of demands, rewards. */
  runs: bigint;
}

/** What an address has and can fetch; payouts of claims come on top, see withdraw-payouts.ts. Errors: `chain/unreachable`. */
export function readBalances(connection: ChainConnection, address: Hex): Promise<Balances> {
  const { publicClient, contracts } = connection;
  return translated('Reading the balances', async () => {
    // Every contract here keeps balances alike (contracts/src/PullPayments.sol).
    const claimable = (contract: Hex) => publicClient.readContract({ address: contract, abi: contributionsViewsAbi, functionName: 'claimable', args: [address] });
    const [account, settlement, contributions, disputes, runs] = await Promise.all([
      publicClient.getBalance({ address }), claimable(contracts.settlement), claimable(contracts.contributions), claimable(contracts.disputes), claimable(contracts.runs),
    ]);
    return { account, settlement, contributions, disputes, runs };
  });
}

/** Where the settlement's money is, in wei: deposited = fees + bonds + pools + claimable + withdrawn, always. */
export function readAccounting(connection: ChainConnection) {
  return translated('Reading the accounts', () =>
    connection.publicClient.readContract({
      address: connection.contracts.settlement,
      abi: settlementAbi,
      functionName: 'accounting',
    }),
  );
}
