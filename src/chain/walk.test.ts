import { afterAll, beforeAll, expect, test } from 'vitest';
import { payoutsByContributor, withAllocated } from '../protocol/fee.ts';
import { DEFAULT_PAYOUT_RULE, describePayout } from '../protocol/payout-rule.ts';
import type { Hex } from '../protocol/bytes.ts';
import { createDatanet } from './create-datanet.ts';
import { memoryEventStore } from './event-store.ts';
import { type EventFeed, createEventFeed } from './events.ts';
import { finalizeClaim } from './finalize-claim.ts';
import { settlementAbi } from './generated/abis.ts';
import { listAdapters } from './list-adapters.ts';
import { claimOfReceipt, listClaims, readClaim } from './list-claims.ts';
import { listContributions } from './list-contributions.ts';
import { listDatanets } from './list-datanets.ts';
import { payAnswer } from './pay-answer.ts';
import { publishVersion } from './publish-version.ts';
import { quoteFee } from './quote-fee.ts';
import { readAccounting, readBalances } from './read-balances.ts';
import { readPayoutRule } from './read-payout-rule.ts';
import { readTerms } from './read-terms.ts';
import { reclaimContribution } from './reclaim-contribution.ts';
import { registerAdapter } from './register-adapter.ts';
import { reviewContribution } from './review-contribution.ts';
import { sendTransaction } from './send-transaction.ts';
import { setPrices } from './set-prices.ts';
import { submitContribution } from './submit-contribution.ts';
import { OPEN, type ScratchChain, startScratchChain, word } from './testing/scratch-chain.ts';
import { type Wallet, demoWallet } from './wallets.ts';
import { withdrawBalance } from './withdraw-balance.ts';
import { payoutItem, withdrawPayouts } from './withdraw-payouts.ts';

let chain: ScratchChain;
let feed: EventFeed;
let curator: Wallet, alice: Wallet, bob: Wallet, user: Wallet;
let adapterId: bigint;
const traced = { inputsHash: word('a1'), traceRoot: word('a2'), workingsRoot: word('a3') };
const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';

beforeAll(async () => {
  chain = await startScratchChain({ window: 20 });
  feed = createEventFeed(chain.connection, memoryEventStore());
  [curator, alice, bob, user] = (await Promise.all(
    ['curator', 'alice', 'bob', 'user'].map((name) => chain.wallet(name)),
  )) as [Wallet, Wallet, Wallet, Wallet];
}, 60_000);
afterAll(() => chain?.stop());

test('a Datanet takes contributions, in whole, in part and not at all, and stakes come back', async () => {
  const { connection } = chain;
  const { datanetId } = await createDatanet(connection, curator, {
    name: 'DeFi exploits',
    metadataCid: cid,
    minStakePerRecord: OPEN / 100n,
  });
  const submit = (wallet: Wallet, count: number, root: Hex) =>
    submitContribution(connection, wallet, {
      datanetId,
      recordsRoot: root,
      cid,
      count,
      stake: (OPEN / 100n) * BigInt(count),
    });

  const whole = await submit(alice, 4, word('a1'));
  const part = await submit(bob, 6, word('b1'));
  const none = await submit(bob, 10, word('b2'));
  expect((await listContributions(connection, feed, { state: 'pending' })).map((c) => c.contributionId)).toEqual([
    none.contributionId,
    part.contributionId,
    whole.contributionId,
  ]);
  await reviewContribution(connection, curator, whole.contributionId, {
    decision: 'accept',
    acceptedRoot: word('a1'),
    acceptedCount: 4,
    reason: '',
  });
  await reviewContribution(connection, curator, part.contributionId, {
    decision: 'accept',
    acceptedRoot: word('b9'),
    acceptedCount: 2,
    reason: 'The rest are not exploits.',
  });
  await reviewContribution(connection, curator, none.contributionId, {
    decision: 'reject',
    reason: 'Made up.',
    slashBps: 5000,
  });
  await expect(
    reviewContribution(connection, curator, none.contributionId, { decision: 'reject', reason: 'Again.', slashBps: 0 }),
  ).rejects.toMatchObject({ code: 'contract/already-decided' });

  const [rejected, taken] = await listContributions(connection, feed, { contributor: bob.address });
  expect(rejected).toMatchObject({ state: 'rejected', reason: 'Made up.', slashed: OPEN / 20n, cid });
  expect(taken).toMatchObject({ state: 'accepted', acceptedCount: 2, acceptedRoot: word('b9') });

  // Bob: 0.06 returned, 0.10 staked of which half was slashed.
  expect((await readBalances(connection, bob.address)).contributions).toBe((OPEN * 11n) / 100n);
  const { treasury } = await readTerms(connection);
  expect((await readBalances(connection, treasury)).contributions).toBe(OPEN / 20n);
  const before = (await readBalances(connection, bob.address)).account;
  const got = await withdrawBalance(connection, bob, 'contributions');
  expect((await readBalances(connection, bob.address)).account).toBe(before + got.amount - got.gasPaid);
  await withdrawBalance(connection, bob, 'contributions', treasury);
  expect((await readBalances(connection, treasury)).account).toBe(OPEN / 20n);
  await expect(withdrawBalance(connection, bob, 'contributions')).rejects.toMatchObject({
    code: 'contract/nothing-to-withdraw',
  });
});

test('versions and adapters are listed as they were published', async () => {
  const { connection } = chain;
  const published = await publishVersion(connection, curator, {
    datanetId: 1n,
    root: word('d1'),
    recordsRoot: word('d2'),
    cid,
    count: 6,
  });
  expect(published.version).toBe(1);
  const [datanet] = await listDatanets(connection);
  expect(datanet).toMatchObject({
    id: 1n,
    owner: curator.address,
    name: 'DeFi exploits',
    minStakePerRecord: OPEN / 100n,
  });
  expect(datanet!.versions).toMatchObject([{ version: 1, root: word('d1'), recordsRoot: word('d2'), count: 6, cid }]);

  const draft = {
    datanetId: 1n,
    version: 1,
    baseRoot: word('01'),
    adapterRoot: word('02'),
    checkpointsRoot: word('03'),
    ledgerRoot: word('04'),
    programHash: word('05'),
    cid,
    name: 'Exploits',
    rateIn: OPEN / 10n,
    rateOut: OPEN,
  };
  ({ adapterId } = await registerAdapter(connection, curator, draft));
  await expect(registerAdapter(connection, curator, { ...draft, version: 2 })).rejects.toMatchObject({
    code: 'contract/unknown-version',
  });
  await expect(
    publishVersion(connection, bob, { datanetId: 1n, root: word('d1'), recordsRoot: word('d2'), cid, count: 6 }),
  ).rejects.toMatchObject({
    code: 'contract/not-curator',
  });
  await setPrices(connection, curator, { adapterId, rateIn: OPEN / 5n, rateOut: 2n * OPEN });
  expect(await listAdapters(connection)).toMatchObject([
    { ...draft, id: adapterId, owner: curator.address, maker: curator.address, rateIn: OPEN / 5n, rateOut: 2n * OPEN },
  ]);
});

test('an answer is paid, made final, and everyone gets their part to the wei', async () => {
  const { connection } = chain;
  const fee = await quoteFee(connection, { adapterId, tokensIn: 13, tokensOut: 37 });
  expect(fee.platform + fee.owner + fee.stakers + fee.contributors).toBe(fee.total);
  const contributors = [alice.address, bob.address, bob.address, alice.address];
  const { payoutRule: rule, payoutRuleVersion } = await readTerms(connection);
  expect([rule, payoutRuleVersion]).toEqual([DEFAULT_PAYOUT_RULE, 1]);
  const scores = [5, -4, 7.5, 3];
  const { records, allocated } = describePayout({ amount: fee.contributors, scores, noise: [1, 1, 1, 1], contributors, rule });
  const payouts = payoutsByContributor(records.map(({ part }) => part), contributors);
  expect(payouts).toHaveLength(2);
  expect(allocated).toBeLessThan(fee.contributors);
  const contributorsPart = fee.contributors;
  const request = { adapterId, tokensIn: 13, tokensOut: 37, receiptHash: word('e1'), receiptCid: cid, ...traced, payouts, contributorsPart, rule };

  const before = (await readBalances(connection, user.address)).account;
  const stages: string[] = [];
  const paid = await payAnswer(connection, user, request, { onStage: ({ stage }) => stages.push(stage) });
  expect(stages).toEqual(['checking', 'signing', 'sent', 'mined']);
  const booked = withAllocated(fee, allocated);
  expect(paid.fee).toEqual(booked);
  expect((await readBalances(connection, user.address)).account).toBe(before - fee.total - paid.bond - paid.gasPaid);
  await expect(payAnswer(connection, user, request)).rejects.toMatchObject({ code: 'contract/receipt-already-paid' });
  expect(await claimOfReceipt(connection, word('e1'))).toBe(paid.claimId);
  expect(await claimOfReceipt(connection, word('e9'))).toBeUndefined();

  const open = await readClaim(connection, paid.claimId);
  const forAlice = payoutItem(open, payouts, alice.address)!;
  await expect(withdrawPayouts(connection, alice, [forAlice])).rejects.toMatchObject({ code: 'contract/wrong-state' });
  await expect(finalizeClaim(connection, bob, paid.claimId)).rejects.toMatchObject({ code: 'contract/window-open' });
  await chain.pass(21);
  await finalizeClaim(connection, bob, paid.claimId);

  await expect(withdrawPayouts(connection, bob, [forAlice])).rejects.toMatchObject({ code: 'contract/wrong-proof' });
  await expect(
    withdrawPayouts(connection, alice, [{ ...forAlice, amount: forAlice.amount + 1n }]),
  ).rejects.toMatchObject({ code: 'contract/wrong-proof' });
  const aliceBefore = (await readBalances(connection, alice.address)).account;
  const got = await withdrawPayouts(connection, alice, [forAlice]);
  expect((await readBalances(connection, alice.address)).account).toBe(aliceBefore + forAlice.amount - got.gasPaid);
  await expect(withdrawPayouts(connection, alice, [forAlice])).rejects.toMatchObject({
    code: 'contract/payout-already-withdrawn',
  });
  await withdrawPayouts(connection, bob, [payoutItem(open, payouts, bob.address)!]);
  expect(payoutItem(open, payouts, user.address)).toBeUndefined();

  const [claim] = await listClaims(connection, feed, { adapterId });
  expect(claim).toMatchObject({
    state: 'final',
    answer: { receiptHash: word('e1'), traceRoot: word('a2'), workingsRoot: word('a3') },
    receiptCid: cid,
    claimant: user.address,
    paidOut: allocated,
    ruleVersion: 1,
  });
  expect(claim!.withdrawn.sort((a, b) => a.index - b.index)).toEqual([{ answer: 0, index: 0 }, { answer: 0, index: 1 }]);
  const { platform, treasury } = await readTerms(connection);
  expect((await readBalances(connection, platform)).settlement).toBe(fee.platform);
  expect((await readBalances(connection, treasury)).settlement).toBe(booked.stakers);
  expect((await readBalances(connection, curator.address)).settlement).toBe(fee.owner);
  expect((await readBalances(connection, user.address)).settlement).toBe(paid.bond);
  const books = await readAccounting(connection);
  expect(books.fees + books.bonds + books.pools).toBe(0n);
  expect(books.deposited).toBe(books.claimable + books.withdrawn);
  expect(books.balance).toBe(books.claimable);
});

test('where no record helped, the contributors’ part goes to the stakers', async () => {
  const { connection } = chain;
  const request = { adapterId, tokensIn: 5, tokensOut: 9, receiptHash: word('e2'), receiptCid: cid, ...traced, payouts: [] };
  const { fee } = await payAnswer(connection, user, request);
  const other = await quoteFee(connection, { adapterId, tokensIn: 5, tokensOut: 9 });
  expect(fee.contributors).toBe(0n);
  expect(fee).toEqual(withAllocated(other, 0n));
});

test('payouts that do not sum to the part are refused before anything is signed', async () => {
  const payouts = [{ contributor: alice.address, amount: 1n }];
  const request = { adapterId, tokensIn: 1, tokensOut: 1, receiptHash: word('e4'), receiptCid: cid, ...traced, payouts };
  await expect(payAnswer(chain.connection, user, request)).rejects.toMatchObject({ code: 'pay/fee-changed' });
  const { contributors } = await quoteFee(chain.connection, request);
  await expect(payAnswer(chain.connection, user, { ...request, contributorsPart: contributors - 1n })).rejects.toMatchObject({ code: 'pay/fee-changed' });
  const tooMuch = [{ contributor: alice.address, amount: contributors + 1n }];
  await expect(payAnswer(chain.connection, user, { ...request, payouts: tooMuch, contributorsPart: contributors })).rejects.toMatchObject({ code: 'pay/fee-changed' });
});

test('a rule that governance changed is noticed, and both stay known', async () => {
  const { connection } = chain;
  const governance = demoWallet(connection, chain.deployer);
  const rule = { nullMultiple: 3000, reserve: 500, clusterCap: 2500, retrievalPart: 1000 };
  const target = { address: connection.contracts.settlement, abi: settlementAbi } as const;
  const set = (args: readonly [typeof rule]) => sendTransaction(connection, governance, 'Governing', { ...target, functionName: 'setPayoutRule', args });
  await set([rule]);
  expect(await readPayoutRule(connection)).toEqual({ version: 2, rule });
  expect(await readPayoutRule(connection, 1)).toEqual({ version: 1, rule: DEFAULT_PAYOUT_RULE });
  await expect(readPayoutRule(connection, 3)).rejects.toMatchObject({ code: 'contract/unknown-rule' });
  await expect(set([{ ...rule, clusterCap: 10_001 }])).rejects.toMatchObject({ code: 'contract/out-of-bounds' });
  const { contributors } = await quoteFee(connection, { adapterId, tokensIn: 1, tokensOut: 1 });
  const request = { adapterId, tokensIn: 1, tokensOut: 1, receiptHash: word('e5'), receiptCid: cid, ...traced, payouts: [], contributorsPart: contributors };
  await expect(payAnswer(connection, user, { ...request, rule: DEFAULT_PAYOUT_RULE })).rejects.toMatchObject({ code: 'pay/rule-changed' });
  const { claimId } = await payAnswer(connection, user, { ...request, rule });
  expect(await readClaim(connection, claimId)).toMatchObject({ ruleVersion: 2, fee: { contributors: 0n } });
});

test('an unreviewed contribution can be taken back after the review time, not before', async () => {
  const { connection } = chain;
  const { contributionId } = await submitContribution(connection, alice, {
    datanetId: 1n,
    recordsRoot: word('a7'),
    cid,
    count: 1,
    stake: OPEN / 100n,
  });
  await expect(reclaimContribution(connection, alice, contributionId)).rejects.toMatchObject({
    code: 'contract/still-in-review',
  });
  await chain.pass(14 * 24 * 3600);
  await expect(reclaimContribution(connection, bob, contributionId)).rejects.toMatchObject({
    code: 'contract/not-contributor',
  });
  await reclaimContribution(connection, alice, contributionId);
  expect((await listContributions(connection, feed, { state: 'reclaimed' })).map((c) => c.contributionId)).toEqual([
    contributionId,
  ]);
});
