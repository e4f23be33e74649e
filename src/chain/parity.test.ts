/** TypeScript and Solidity agree on Merkle trees and fees, wei by wei, for random input; of the payout rule see payout-judge.test.ts. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fromHex, toHex } from '../protocol/bytes.ts';
import {
  type Payout,
  type Prices,
  computeFee,
  payoutRoot,
  payoutsByContributor,
} from '../protocol/fee.ts';
import type { Hex } from '../protocol/bytes.ts';
import { createDatanet } from './create-datanet.ts';
import { finalizeClaim } from './finalize-claim.ts';
import { settlementAbi } from './generated/abis.ts';
import { readClaim } from './list-claims.ts';
import { payAnswer } from './pay-answer.ts';
import { publishVersion } from './publish-version.ts';
import { quoteFee } from './quote-fee.ts';
import { readBalances } from './read-balances.ts';
import { readTerms } from './read-terms.ts';
import { registerAdapter } from './register-adapter.ts';
import { sendTransaction } from './send-transaction.ts';
import { setPrices } from './set-prices.ts';
import { OPEN, type ScratchChain, startScratchChain, word } from './testing/scratch-chain.ts';
import { type Wallet, demoWallet } from './wallets.ts';
import { payoutItem, withdrawPayouts } from './withdraw-payouts.ts';

/** Numbers that are the same on every run (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const next = random(20_251_121);
const integer = (below: number) => Math.floor(next() * below);
const wei = (bits: number) => {
  let value = 0n;
  for (let k = 0; k < bits; k += 16) value = (value << 16n) | BigInt(integer(65_536));
  return value & ((1n << BigInt(bits)) - 1n);
};

let chain: ScratchChain;
let owner: Wallet, user: Wallet, governance: Wallet;
let adapterId: bigint;
const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';

beforeAll(async () => {
  chain = await startScratchChain({ window: 5, gasPrice: 1n });
  governance = demoWallet(chain.connection, chain.deployer);
  owner = await chain.wallet('owner');
  user = await chain.wallet('user', 10n ** 40n);
  const { connection } = chain;
  await createDatanet(connection, owner, { name: 'Parity', metadataCid: cid, minStakePerRecord: 0n });
  await publishVersion(connection, owner, { datanetId: 1n, root: word('01'), recordsRoot: word('02'), cid, count: 1 });
  ({ adapterId } = await registerAdapter(connection, owner, {
    datanetId: 1n,
    version: 1,
    baseRoot: word('03'),
    adapterRoot: word('04'),
    checkpointsRoot: word('05'),
    ledgerRoot: word('06'),
    programHash: word('07'),
    cid,
    name: 'Parity',
    rateIn: OPEN / 10n,
    rateOut: OPEN,
  }));
}, 60_000);
afterAll(() => chain?.stop());

test('quote and computeFee give the same integers for random prices, splits and token counts', async () => {
  const { connection } = chain;
  for (let round = 0; round < 12; round++) {
    const rateIn = wei(round % 2 ? 60 : 12);
    const rateOut = wei(round % 3 ? 69 : 9);
    await setPrices(connection, owner, { adapterId, rateIn, rateOut });
    const platform = integer(3001);
    const contributors = 3000 + integer(7001 - platform);
    const ownerPart = integer(10_001 - platform - contributors);
    const split = { platform, owner: ownerPart, stakers: 10_000 - platform - contributors - ownerPart, contributors };
    const target = { address: connection.contracts.settlement, abi: settlementAbi } as const;
    const platformFee = wei(50);
    await sendTransaction(connection, governance, 'Governing', { ...target, functionName: 'setSplit', args: [split] });
    await sendTransaction(connection, governance, 'Governing', {
      ...target,
      functionName: 'setPlatformFee',
      args: [platformFee],
    });
    expect((await readTerms(connection)).split).toEqual(split);
    const prices: Prices = { rateIn, rateOut, platformFee };
    for (let k = 0; k < 20; k++) {
      const tokensIn = k === 0 ? 0 : integer(k % 4 ? 3000 : 2 ** 32);
      const tokensOut = k === 1 ? 0 : integer(k % 5 ? 3000 : 2 ** 32);
      const there = await quoteFee(connection, { adapterId, tokensIn, tokensOut });
      expect(there, JSON.stringify({ tokensIn, tokensOut })).toEqual(computeFee(tokensIn, tokensOut, prices, split));
    }
  }
}, 60_000);

test('payout trees of every size from 1 to 17, and 100, pay out on chain to the last wei', async () => {
  const { connection } = chain;
  const contributors = await Promise.all(Array.from({ length: 3 }, (_, k) => chain.wallet(`contributor ${k}`)));
  const stranger = () => toHex(Uint8Array.from({ length: 20 }, () => integer(256)));
  for (const size of [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 100]) {
    const { contributors: part } = await quoteFee(connection, {
      adapterId,
      tokensIn: 11,
      tokensOut: 200 + size,
    });
    const scores = Array.from({ length: size }, (_, k) =>
      Math.fround(k < 3 ? 0.5 + next() : next() * 10 ** (k % 7) - 0.2),
    );
    const addresses = scores.map((_, k) => (k < 3 ? contributors[k]!.address : stranger()));
    const weights = scores.map((score) => BigInt(Math.max(0, Math.floor(score * 1e6))));
    const sum = weights.reduce((a, b) => a + b, 0n);
    const parts = weights.map((weight) => (part * weight) / sum);
    parts[0]! += part - parts.reduce((a, b) => a + b, 0n);
    const payouts: Payout[] = payoutsByContributor(parts, addresses);
    const receiptHash = toHex(Uint8Array.from({ length: 32 }, () => integer(256)));
    const { claimId } = await payAnswer(connection, user, {
      inputsHash: word('08'),
      traceRoot: word('09'),
      workingsRoot: word('0a'),
      adapterId,
      tokensIn: 11,
      tokensOut: 200 + size,
      receiptHash,
      receiptCid: cid,
      payouts,
    });
    await chain.pass(6);
    await finalizeClaim(connection, user, claimId);
    const claim = await readClaim(connection, claimId);
    expect(claim.answer!.payoutRoot).toBe(payoutRoot(payouts));
    for (const wallet of contributors.slice(0, size)) {
      const item = payoutItem(claim, payouts, wallet.address)!;
      const before = (await readBalances(connection, wallet.address)).account;
      const { gasPaid } = await withdrawPayouts(connection, wallet, [item]);
      expect((await readBalances(connection, wallet.address)).account).toBe(before + item.amount - gasPaid);
      const altered = item.proof.map((hash, k) => (k === 0 ? flipped(hash) : hash));
      if (altered.length > 0) {
        await expect(withdrawPayouts(connection, wallet, [{ ...item, proof: altered }])).rejects.toMatchObject({
          code: 'contract/wrong-proof',
        });
      }
    }
  }
}, 120_000);

function flipped(hash: Hex): Hex {
  const bytes = fromHex(hash);
  bytes[31]! ^= 1;
  return toHex(bytes);
}
