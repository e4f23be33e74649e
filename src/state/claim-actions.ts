import { finalizeClaim } from '../chain/finalize-claim.ts';
import type { SendOptions } from '../chain/send-transaction.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { Session } from './session.svelte.ts';

/** Makes a claim final after its window, with the wallet in use. Errors: those of finalizeClaim, `wallet/none`. */
export async function finalize({ chain, wallet }: Session, claimId: bigint, options: SendOptions): Promise<Hex> {
  const hash = await finalizeClaim(chain.connection, wallet.require(), claimId, options);
  void wallet.refresh();
  return hash;
}
