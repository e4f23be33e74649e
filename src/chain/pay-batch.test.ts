/** Several answers in one claim, with the contracts as they are deployed: paid, read back from their file, fetched by contributors. */
import { simulateContract } from 'viem/actions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ClaimedAnswer, answerFault, answersRoot } from '../protocol/answers.ts';
import { answerOfReceipt, answersOfBatch, parseBatchFile } from '../protocol/batch.ts';
import { type Hex, keccak256, toHex } from '../protocol/bytes.ts';
import { computeFee, payoutRoot } from '../protocol/fee.ts';
import { type Receipt, payoutsOf, receiptHash } from '../protocol/receipt.ts';
import { createDatanet } from './create-datanet.ts';
import { memoryEventStore } from './event-store.ts';
import { createEventFeed } from './events.ts';
import { finalizeClaim } from './finalize-claim.ts';
import { errorsAbi, settlementAbi } from './generated/abis.ts';
import { claimsOfBatch } from './claims-of-batch.ts';
import { listClaims } from './list-claims.ts';
import { payAnswer } from './pay-answer.ts';
import { payBatch } from './pay-batch.ts';
import { publishVersion } from './publish-version.ts';
import { readAccounting } from './read-balances.ts';
import { type Terms, readTerms } from './read-terms.ts';
import { registerAdapter } from './register-adapter.ts';
import { setPrices } from './set-prices.ts';
import { OPEN, type ScratchChain, startScratchChain, word } from './testing/scratch-chain.ts';
import type { Wallet } from './wallets.ts';
import { payoutItem, withdrawPayouts } from './withdraw-payouts.ts';

const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
let chain: ScratchChain;
let owner: Wallet, payer: Wallet, alice: Wallet, bob: Wallet;
let adapterId: bigint;
let terms: Terms;
const files = new Map<string, unknown>();
let made = 0;

beforeAll(async () => {
  chain = await startScratchChain({ window: 400 });
  const { connection } = chain;
  connection.publicClient.pollingInterval = 50;
  [owner, payer, alice, bob] = (await Promise.all(['owner', 'payer', 'alice', 'bob'].map((name) => chain.wallet(name)))) as [Wallet, Wallet, Wallet, Wallet];
  await createDatanet(connection, owner, { name: 'Batched', metadataCid: cid, minStakePerRecord: 0n });
  await publishVersion(connection, owner, { datanetId: 1n, root: word('01'), recordsRoot: word('02'), cid, count: 2 });
  ({ adapterId } = await registerAdapter(connection, owner, {
    datanetId: 1n, version: 1, baseRoot: word('03'), adapterRoot: word('04'), checkpointsRoot: word('05'), ledgerRoot: word('06'), programHash: word('07'), cid, name: 'Batched', rateIn: OPEN, rateOut: 10n * OPEN,
  }));
  terms = await readTerms(connection);
}, 60_000);
afterAll(() => chain?.stop());

/** A receipt of so many tokens whose payouts are given; what is no part of the claim is made up. */
function receipt(tokensIn: number, tokensOut: number, shares: [Wallet, bigint][]): { receipt: Receipt; cid: string } {
  const sorted = shares.map(([{ address }, amount]) => ({ contributor: address.toLowerCase() as Hex, amount: String(amount) })).sort((a, b) => (a.contributor < b.contributor ? -1 : 1));
  const prices = { rateIn: String(OPEN), rateOut: String(10n * OPEN), platformFee: String(terms.platformFee), split: terms.split, payout: terms.payoutRule };
  const tokens = (length: number) => Array.from({ length }, (_, i) => i);
  const one: Receipt = {
    openledger: 'receipt/4', arithmetic: 'rf32', method: 'curvature', nonce: `0x${(++made).toString(16).padStart(32, '0')}`, base: { cid, root: word('03') }, adapter: { id: String(adapterId), cid, root: word('04') },
    datanet: { id: '1', version: 1, cid, root: word('01') }, ledger: { checkpointsRoot: word('05'), root: word('06') }, trace: { program: word('07'), root: toHex(keccak256(Uint8Array.of(made & 255, made >> 8))), cid },
    prompt: { text: '?', tokens: tokens(tokensIn) }, answer: { text: '.', tokens: tokens(tokensOut) }, loss: '0x00000000', scores: [], noise: [], scoresRoot: word('08'), prices,
    fee: { total: '0', platform: '0', owner: '0', stakers: '0', contributors: '0' }, payouts: sorted, payoutRoot: payoutRoot(sorted.map(({ contributor, amount }) => ({ contributor, amount: BigInt(amount) }))), workingsRoot: word('09'),
  };
  return { receipt: one, cid };
}
const part = (tokensIn: number, tokensOut: number) => computeFee(tokensIn, tokensOut, { rateIn: OPEN, rateOut: 10n * OPEN, platformFee: 0n }, terms.split).contributors;
const publish = async (file: Uint8Array) => {
  const at = `bafkreibatch${files.size}`;
  files.set(at, JSON.parse(new TextDecoder().decode(file)));
  return Promise.resolve(at);
};
const pay = (receipts: { receipt: Receipt; cid: string }[]) => payBatch(chain.connection, payer, adapterId, receipts, publish);

test('three answers are paid with one claim; each payout is fetched once, to the wei', async () => {
  const { connection } = chain;
  const receipts = [receipt(7, 5, [[alice, part(7, 5) / 2n], [bob, part(7, 5) / 3n]]), receipt(3, 2, []), receipt(11, 1, [[bob, part(11, 1)]])];
  const paid = await pay(receipts);
  const feed = createEventFeed(connection, memoryEventStore());
  const [claim] = await listClaims(connection, feed);
  expect(claim).toMatchObject({ claimId: paid.claimId, answers: 3, tokensIn: 21, tokensOut: 8, answer: undefined, receiptCid: paid.cid, withdrawn: [] });
  // One usage fee for all, the platform's for each.
  expect(paid.fee.total).toBe(computeFee(21, 8, { rateIn: OPEN, rateOut: 10n * OPEN, platformFee: 3n * terms.platformFee }, terms.split).total);
  const answers = answersOfBatch(parseBatchFile(files.get(paid.cid)), claim!)!;
  expect(answers.map(({ answer }) => answer.receiptHash)).toEqual(receipts.map((one) => receiptHash(one.receipt)));
  expect(answersRoot(adapterId, answers.map(({ answer }) => answer))).toBe(claim!.answersRoot);

  const claims = claimsOfBatch(claim!, answers);
  const items = (who: Wallet) => claims.flatMap((one, k) => payoutItem(one, payoutsOf(receipts[k]!.receipt), who.address) ?? []);
  expect([items(alice).length, items(bob).length, items(payer).length]).toEqual([1, 2, 0]);
  // The receipt of one answer opens no other.
  expect(() => payoutItem(claims[0]!, payoutsOf(receipts[2]!.receipt), bob.address)).toThrow(expect.objectContaining({ code: 'payout/root-mismatch' }));
  expect(() => payoutItem(claim!, payoutsOf(receipts[0]!.receipt), bob.address)).toThrow(expect.objectContaining({ code: 'payout/root-mismatch' }));
  await chain.pass(401);
  await finalizeClaim(connection, owner, paid.claimId);
  await expect(withdrawPayouts(connection, alice, items(bob))).rejects.toMatchObject({ code: 'contract/wrong-proof' });
  expect((await withdrawPayouts(connection, bob, items(bob))).amount).toBe(part(7, 5) / 3n + part(11, 1));
  expect((await withdrawPayouts(connection, alice, items(alice))).amount).toBe(part(7, 5) / 2n);
  await expect(withdrawPayouts(connection, bob, items(bob).slice(1))).rejects.toMatchObject({ code: 'contract/payout-already-withdrawn' });
  const [after] = await listClaims(connection, feed);
  expect(after!.withdrawn).toHaveLength(3);
  expect(after!.withdrawn.map(({ answer }) => answer).sort()).toEqual([0, 0, 2]);
  const books = await readAccounting(connection);
  expect(books.fees + books.bonds + books.pools).toBe(0n);
});

test('what would lose the bond or pay twice is refused before anything is signed', async () => {
  const { connection } = chain;
  const whole = receipt(7, 5, [[alice, 5n]]);
  const refused = (receipts: { receipt: Receipt; cid: string }[], code: string) => expect(pay(receipts)).rejects.toMatchObject({ code });
  const changed = (change: Partial<Receipt>) => ({ cid, receipt: { ...receipt(7, 5, [[alice, 5n]]).receipt, ...change } });
  const { prices } = whole.receipt;
  await refused([], 'pay/batch-size');
  await refused(Array.from({ length: 257 }, () => whole), 'pay/batch-size');
  await refused([whole, whole], 'pay/receipt-twice');
  // All of them must fit into one transaction, and a dispute about one into five million gas.
  await refused(Array.from({ length: 17 }, () => receipt(495, 5, [])), 'pay/batch-size');
  await refused([whole, changed({ adapter: { id: '99', cid, root: word('04') } })], 'pay/other-adapter');
  await refused([whole, changed({ trace: { program: word('99'), root: word('01'), cid } })], 'pay/other-adapter');
  await refused([receipt(1020, 5, [])], 'pay/bad-answer');
  await refused([receipt(3, 0, [])], 'pay/bad-answer');
  await refused([receipt(1, 1, [[alice, part(1, 1) + 1n]])], 'pay/bad-answer');
  await refused([whole, changed({ prices: { ...prices, rateIn: '1' } })], 'pay/fee-changed');
  await refused([whole, changed({ prices: { ...prices, split: { ...prices.split, owner: 1999, stakers: 2001 } } })], 'pay/fee-changed');
  await refused([whole, changed({ prices: { ...prices, payout: { ...prices.payout, reserve: 7 } } })], 'pay/rule-changed');
  const alone = receipt(7, 5, [[alice, 5n]]);
  await payAnswer(connection, payer, {
    adapterId, tokensIn: 7, tokensOut: 5, receiptHash: receiptHash(alone.receipt), receiptCid: cid, inputsHash: word('0a'), traceRoot: word('0b'), workingsRoot: word('0c'), payouts: payoutsOf(alone.receipt), contributorsPart: part(7, 5),
  });
  const before = files.size;
  await refused([whole, alone], 'contract/receipt-already-paid');
  expect(files.size).toBe(before);
  await setPrices(connection, owner, { adapterId, rateIn: OPEN + 1n, rateOut: 10n * OPEN });
  await refused([whole], 'pay/fee-changed');
  await setPrices(connection, owner, { adapterId, rateIn: OPEN, rateOut: 10n * OPEN });
});

test('what is no whole answer is none on chain either', async () => {
  const { connection } = chain;
  const answer = answerOfReceipt(receipt(7, 5, [[alice, 5n]]).receipt);
  const nobody = payoutRoot([]);
  const changes: Partial<ClaimedAnswer>[] = [
    {}, { receiptHash: word('00') }, { inputsHash: word('00') }, { traceRoot: word('00') }, { workingsRoot: word('00') }, { tokensOut: 0 }, { tokensIn: 0 }, { tokensIn: 1019 }, { tokensIn: 1020 }, { read: Array.from({ length: 16 }, (_, k) => k) },
    { read: Array.from({ length: 17 }, (_, k) => k) }, { payoutRoot: word('00') }, { payoutRoot: nobody }, { payoutCount: 0 }, { allocated: 0n }, { payoutCount: 0, payoutRoot: nobody }, { payoutCount: 0, payoutRoot: nobody, allocated: 0n },
  ];
  const faults = changes.map((change) => answerFault({ ...answer, ...change }));
  for (const [k, change] of changes.entries()) {
    const one = { ...answer, ...change, read: [...(change.read ?? [])] };
    const request = { adapterId, answer: one, receiptCid: cid, contributorsPart: part(one.tokensIn, one.tokensOut), ruleVersion: terms.payoutRuleVersion };
    const fee = computeFee(one.tokensIn, one.tokensOut, { rateIn: OPEN, rateOut: 10n * OPEN, platformFee: terms.platformFee }, terms.split);
    const asked = simulateContract(connection.publicClient, { address: connection.contracts.settlement, abi: [...settlementAbi, ...errorsAbi], functionName: 'pay', args: [request], value: fee.total + terms.bond, account: payer.address });
    if (faults[k] === undefined) await asked;
    else await expect(asked, JSON.stringify(change, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).rejects.toThrow(/BadRequest/);
  }
  expect(faults.filter((fault) => fault === undefined)).toHaveLength(5);
});

test('256 answers cost at most 3,000 gas each', async () => {
  const { gasUsed, answers } = await pay(Array.from({ length: 256 }, (_, k) => receipt(10 + (k % 5), 19, [[alice, 3n]])));
  expect(answers).toBe(256);
  expect(gasUsed).toBeLessThanOrEqual(256n * 3000n);
  console.info(`gas: batch of 256 ${gasUsed}, ${gasUsed / 256n} an answer`);
});
