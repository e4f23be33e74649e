import { describe, expect, it } from 'vitest';
import type { ClaimOnChain } from '../chain/list-claims.ts';
import type { Receipt } from '../protocol/receipt.ts';
import type { KnownAdapter } from './chain.svelte.ts';
import { cidIn } from './check.svelte.ts';
import { compareWithClaim, compareWithRegistry } from './compare-with-chain.ts';

const root = (digit: string) => `0x${digit.repeat(64)}` as const;
const receipt = {
  adapter: { id: '3', cid: 'bafyadapter', root: root('a') },
  base: { cid: 'bafybase', root: root('b') },
  ledger: { checkpointsRoot: root('c'), root: root('d') },
  datanet: { id: '2', version: 1, cid: 'bafydatanet', root: root('e') },
  prompt: { text: 'q', tokens: [1, 2, 3] },
  answer: { text: 'a', tokens: [4] },
  fee: { total: '100', platform: '20', owner: '20', stakers: '20', contributors: '40' },
  payouts: [{ contributor: `0x${'1'.repeat(40)}`, amount: '40' }],
  payoutRoot: root('f'),
  workingsRoot: root('9'),
} as Receipt;
const known = {
  adapter: { cid: 'bafyadapter', adapterRoot: root('a'), baseRoot: root('b').toUpperCase().replace('0X', '0x'), checkpointsRoot: root('c'), ledgerRoot: root('d') },
  datanet: { id: 2n },
  version: { version: 1, cid: 'bafydatanet', root: root('e') },
} as KnownAdapter;
const claim = {
  claimId: 9n,
  adapterId: 3n,
  tokensIn: 3,
  tokensOut: 1,
  answer: { payoutCount: 1, payoutRoot: root('f'), workingsRoot: root('9') },
  fee: { total: 100n, platform: 20n, owner: 20n, stakers: 20n, contributors: 40n },
} as ClaimOnChain;

describe('a receipt against the registries', () => {
  it('is equal where everything is what is registered', () => expect(compareWithRegistry(receipt, known).difference).toBeUndefined());
  it('names an adapter that is not there', () => expect(compareWithRegistry(receipt, undefined).difference?.where).toBe('adapter'));
  it.each([
    ['root of the checkpoints', { ...receipt, ledger: { ...receipt.ledger, checkpointsRoot: root('0') } }],
    ['root of the Datanet version', { ...receipt, datanet: { ...receipt.datanet, root: root('0') } }],
    ['version of the Datanet', { ...receipt, datanet: { ...receipt.datanet, version: 2 } }],
    ['root of the adapter’s weights', { ...receipt, adapter: { ...receipt.adapter, root: root('0') } }],
  ])('finds another %s', (where, altered) => expect(compareWithRegistry(altered as Receipt, known).difference?.where).toBe(where));
});

describe('a receipt against its claim', () => {
  it('is equal where the chain booked the same', () => expect(compareWithClaim(receipt, claim).difference).toBeUndefined());
  it('has nothing to compare where nothing was paid', () => expect(compareWithClaim(receipt, undefined).difference).toBeUndefined());
  it('finds a fee altered by one wei', () => {
    const altered = { ...receipt, fee: { ...receipt.fee, owner: '21' } };
    expect(compareWithClaim(altered, claim).difference).toEqual({ where: 'the fee’s part “owner” in wei', claimed: '21', computed: '20' });
  });
  it('finds other workings of the payouts', () => expect(compareWithClaim({ ...receipt, workingsRoot: root('8') }, claim).difference?.where).toBe('root of the payouts’ workings'));
});

describe('the CID in what people paste', () => {
  const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
  it.each([cid, `http://127.0.0.1:4173/#/check/${cid}`, `https://example.org/x/ipfs/${cid}?format=raw`, `ipfs://${cid}`])('%s', (text) =>
    expect(cidIn(text)).toBe(cid),
  );
  it.each(['', 'hello', '<script>', `${cid} and more`, 'https://example.org/'])('is not in %s', (text) => expect(cidIn(text)).toBeUndefined());
});
