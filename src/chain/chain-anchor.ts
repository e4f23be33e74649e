import { OpenLedgerError } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { translated } from './translate-error.ts';

/**
 * What tells this chain from a restarted one with the same number: the hash of the block that holds the first contract.
 * Errors: `chain/restarted` where that block or the settlement contract is missing; `chain/unreachable`.
 */
export async function readChainAnchor(connection: ChainConnection): Promise<Hex> {
  return translated('Reading the chain', async () => {
    const { publicClient, contracts, deployment } = connection;
    const [block, code, chainId] = await Promise.all([
      publicClient.getBlock({ blockNumber: BigInt(deployment.chain.deploymentBlock) }).catch((error: Error) => {
        if (error.name === 'BlockNotFoundError') return undefined;
        throw error;
      }),
      publicClient.getCode({ address: contracts.settlement }),
      publicClient.getChainId(),
    ]);
    if (chainId !== connection.chain.id) {
      throw new OpenLedgerError({
        code: 'chain/wrong-node',
        what: 'The node belongs to another chain.',
        why: `It says ${chainId}; this deployment is on ${connection.chain.id}.`,
        next: 'Ask whoever runs this page for a correct deployment file.',
      });
    }
    if (!block?.hash || !code || code === '0x') throw chainRestarted('The contracts of this deployment are not on it.');
    return block.hash;
  });
}

export function chainRestarted(why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'chain/restarted',
    what: 'The chain was restarted.',
    why,
    next: 'Reload the page; answers and payments of the earlier chain are gone from it.',
  });
}
