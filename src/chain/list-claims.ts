import { zeroAddress } from 'viem';
import type { Hex } from '../protocol/bytes.ts';
import type { Fee } from '../protocol/fee.ts';
import type { ChainConnection } from './client.ts';
import type { EventFeed } from './events.ts';
import { settlementAbi } from './generated/abis.ts';
import { readPages } from './read-pages.ts';
import { translated } from './translate-error.ts';

export const CLAIM_STATES = ['none', 'open', 'challenged', 'final', 'refuted'] as const;
export type ClaimStateName = (typeof CLAIM_STATES)[number];

/** A paid answer as the contract keeps it. Amounts in wei, times in Unix seconds. */
export interface ClaimOnChain {
  claimId: bigint;
  state: ClaimStateName;
  claimant: Hex;
  challenger: Hex | undefined;
  adapterId: bigint;
  adapterOwner: Hex;
  tokensIn: number;
  tokensOut: number;
  fee: Fee;
  bond: bigint;
  deadline: number;
  receiptHash: Hex;
  payoutRoot: Hex;
  payoutCount: number;
  /** The payout rule that the claim follows; see readPayoutRule. */
  ruleVersion: number;
  /** What contributors have fetched so far. */
  paidOut: bigint;
}

/** With what only the events say. */
export interface ClaimRecord extends ClaimOnChain {
  receiptCid: string;
  transaction: Hex;
  blockNumber: bigint;
  /** Indices of payouts fetched already. */
  withdrawn: number[];
}

export interface ClaimFilter {
  adapterId?: bigint;
  claimant?: Hex;
  state?: ClaimStateName;
}

/** All claims that fit, newest first. Errors: `chain/unreachable`, `chain/restarted`. */
export async function listClaims(
  connection: ChainConnection,
  feed: EventFeed,
  filter: ClaimFilter = {},
): Promise<ClaimRecord[]> {
  await feed.refresh();
  const claims = await translated('Reading the claims', () =>
    readPages((first, limit) =>
      connection.publicClient.readContract({
        address: connection.contracts.settlement,
        abi: settlementAbi,
        functionName: 'page',
        args: [first, limit],
      }),
    ),
  );
  const withdrawn = new Map<bigint, number[]>();
  const events = feed.settlement();
  for (const event of events) {
    if (event.eventName !== 'PayoutWithdrawn') continue;
    const { claimId, index } = event.args;
    withdrawn.set(claimId, [...(withdrawn.get(claimId) ?? []), Number(index)]);
  }
  const out: ClaimRecord[] = [];
  for (const event of events) {
    if (event.eventName !== 'AnswerPaid') continue;
    const { claimId, receiptCid } = event.args;
    // A claim mined after the page was read is in the next listing.
    const raw = claims[Number(claimId) - 1];
    if (!raw) continue;
    const record = {
      ...fromContract(claimId, raw),
      receiptCid,
      transaction: event.transactionHash,
      blockNumber: event.blockNumber,
      withdrawn: withdrawn.get(claimId) ?? [],
    };
    if (fits(record, filter)) out.push(record);
  }
  return out.reverse();
}

/** One claim's state. Errors: `contract/unknown-claim`, `chain/unreachable`. */
export async function readClaim(connection: ChainConnection, claimId: bigint): Promise<ClaimOnChain> {
  const raw = await translated('Reading the claim', () =>
    connection.publicClient.readContract({
      address: connection.contracts.settlement,
      abi: settlementAbi,
      functionName: 'claim',
      args: [claimId],
    }),
  );
  return fromContract(claimId, raw);
}

/** The claim that paid a receipt; undefined where none did. */
export async function claimOfReceipt(connection: ChainConnection, receiptHash: Hex): Promise<bigint | undefined> {
  const id = await translated('Looking for the claim', () =>
    connection.publicClient.readContract({
      address: connection.contracts.settlement,
      abi: settlementAbi,
      functionName: 'claimOfReceipt',
      args: [receiptHash],
    }),
  );
  return id === 0n ? undefined : id;
}

interface RawClaim {
  claimant: Hex;
  deadline: number;
  state: number;
  payoutCount: number;
  ruleVersion: number;
  adapterOwner: Hex;
  adapterId: bigint;
  challenger: Hex;
  tokensIn: number;
  tokensOut: number;
  total: bigint;
  bond: bigint;
  ownerPart: bigint;
  stakersPart: bigint;
  contributorsPart: bigint;
  paidOut: bigint;
  receiptHash: Hex;
  payoutRoot: Hex;
}

function fromContract(claimId: bigint, raw: RawClaim): ClaimOnChain {
  const { total, ownerPart: owner, stakersPart: stakers, contributorsPart: contributors } = raw;
  return {
    claimId,
    state: CLAIM_STATES[raw.state] ?? 'none',
    claimant: raw.claimant,
    challenger: raw.challenger === zeroAddress ? undefined : raw.challenger,
    adapterId: raw.adapterId,
    adapterOwner: raw.adapterOwner,
    tokensIn: raw.tokensIn,
    tokensOut: raw.tokensOut,
    fee: { total, owner, stakers, contributors, platform: total - owner - stakers - contributors },
    bond: raw.bond,
    deadline: raw.deadline,
    receiptHash: raw.receiptHash,
    payoutRoot: raw.payoutRoot,
    payoutCount: raw.payoutCount,
    ruleVersion: raw.ruleVersion,
    paidOut: raw.paidOut,
  };
}

function fits(claim: ClaimOnChain, filter: ClaimFilter): boolean {
  if (filter.adapterId !== undefined && claim.adapterId !== filter.adapterId) return false;
  if (filter.claimant !== undefined && claim.claimant.toLowerCase() !== filter.claimant.toLowerCase()) return false;
  return filter.state === undefined || claim.state === filter.state;
}
