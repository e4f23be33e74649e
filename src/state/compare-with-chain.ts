import { type ClaimOnChain, claimOfReceipt, readClaim } from '../chain/list-claims.ts';
import { fromWire } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { Receipt } from '../protocol/receipt.ts';
import type { KnownAdapter } from './chain.svelte.ts';
import type { Loadable } from './loadable.svelte.ts';

export interface Compared {
  detail: string;
  difference: { where: string; claimed: string; computed: string } | undefined;
}

/** What of ChainState the comparison needs. */
interface ChainView {
  connection: Parameters<typeof readClaim>[0];
  adapters: Pick<Loadable<unknown>, 'load' | 'error'>;
  datanets: Pick<Loadable<unknown>, 'load' | 'error'>;
  knownAdapter(id: string): KnownAdapter | undefined;
}

/** Holds a receipt against the registries, or against the claim that paid it. Errors: `chain/unreachable` and alike. */
export async function compareWithChain(step: 'registry' | 'claim', receipt: Receipt, hash: Hex, chain: ChainView): Promise<Compared> {
  if (step === 'registry') {
    if (receipt.adapter.id === '') return { detail: 'made with an adapter that is in no registry', difference: undefined };
    await Promise.all([chain.adapters.load(), chain.datanets.load()]);
    const error = chain.adapters.error ?? chain.datanets.error;
    if (error) throw fromWire(error);
    return compareWithRegistry(receipt, chain.knownAdapter(receipt.adapter.id));
  }
  const id = await claimOfReceipt(chain.connection, hash);
  return compareWithClaim(receipt, id === undefined ? undefined : await readClaim(chain.connection, id));
}

export function compareWithRegistry(receipt: Receipt, known: KnownAdapter | undefined): Compared {
  const { id } = receipt.adapter;
  if (!known) return { detail: '', difference: { where: 'adapter', claimed: `adapter ${id}`, computed: 'no such adapter on this chain' } };
  const { adapter, datanet, version } = known;
  const difference = firstDifference([
    ['address of the adapter’s files', receipt.adapter.cid, adapter.cid],
    ['root of the adapter’s weights', receipt.adapter.root, adapter.adapterRoot.toLowerCase()],
    ['root of the base’s weights', receipt.base.root, adapter.baseRoot.toLowerCase()],
    ['root of the checkpoints', receipt.ledger.checkpointsRoot, adapter.checkpointsRoot.toLowerCase()],
    ['root of the ledger', receipt.ledger.root, adapter.ledgerRoot.toLowerCase()],
    ['Datanet', receipt.datanet.id, String(datanet.id)],
    ['version of the Datanet', String(receipt.datanet.version), String(version.version)],
    ['address of the Datanet version', receipt.datanet.cid, version.cid],
    ['root of the Datanet version', receipt.datanet.root, version.root.toLowerCase()],
  ]);
  return { detail: `adapter ${id}, Datanet ${datanet.id} version ${version.version}`, difference };
}

export function compareWithClaim(receipt: Receipt, claim: ClaimOnChain | undefined): Compared {
  if (!claim) return { detail: 'not paid: nothing on the chain to compare', difference: undefined };
  const fee = (part: keyof Receipt['fee']): [string, string, string] => [
    `${part === 'total' ? 'the fee' : `the fee’s part “${part}”`} in wei`,
    receipt.fee[part],
    String(claim.fee[part]),
  ];
  const difference = firstDifference([
    ['adapter that was paid', receipt.adapter.id, String(claim.adapterId)],
    ['tokens of the question', String(receipt.prompt.tokens.length), String(claim.tokensIn)],
    ['tokens of the answer', String(receipt.answer.tokens.length), String(claim.tokensOut)],
    fee('total'),
    fee('contributors'),
    fee('owner'),
    fee('stakers'),
    fee('platform'),
    ['contributors paid', String(receipt.payouts.length), String(claim.answer?.payoutCount)],
    ['root of the payouts', receipt.payoutRoot, claim.answer?.payoutRoot.toLowerCase() ?? ''],
    ['root of the payouts’ workings', receipt.workingsRoot, claim.answer?.workingsRoot.toLowerCase() ?? ''],
  ]);
  return { detail: `claim ${claim.claimId}`, difference };
}

function firstDifference(pairs: [where: string, claimed: string, computed: string][]): Compared['difference'] {
  const found = pairs.find(([, claimed, computed]) => claimed !== computed);
  return found && { where: found[0], claimed: found[1], computed: found[2] };
}
