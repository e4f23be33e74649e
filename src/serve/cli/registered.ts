import type { ChainConnection } from '../../chain/client.ts';
import { type Adapter, listAdapters } from '../../chain/list-adapters.ts';
import { type DatanetVersion, listDatanets } from '../../chain/list-datanets.ts';
import { readTerms } from '../../chain/read-terms.ts';
import { OpenLedgerError } from '../../errors.ts';
import type { ReceiptPrices } from '../../protocol/divide-fee.ts';

/** An adapter of the chain, the records that it was trained on, and what an answer of it costs now. */
export interface Registered {
  adapter: Adapter;
  version: DatanetVersion;
  prices: ReceiptPrices;
}

/** Throws `cli/no-adapter`, `chain/…`. */
export async function readRegistered(connection: ChainConnection, id: string): Promise<Registered> {
  const [adapters, datanets, terms] = await Promise.all([listAdapters(connection), listDatanets(connection), readTerms(connection)]);
  const adapter = adapters.find((one) => String(one.id) === id);
  const version = datanets.find((one) => one.id === adapter?.datanetId)?.versions[(adapter?.version ?? 0) - 1];
  if (!adapter || !version) {
    throw new OpenLedgerError({ code: 'cli/no-adapter', what: `There is no adapter ${id} on this chain.`, why: `It has ${adapters.map((one) => `${one.id} (${one.name})`).join(', ') || 'none'}.`, next: 'Name one of them with --id.' });
  }
  const { split, payoutRule, platformFee } = terms;
  return { adapter, version, prices: { rateIn: String(adapter.rateIn), rateOut: String(adapter.rateOut), platformFee: String(platformFee), split, payout: payoutRule } };
}
