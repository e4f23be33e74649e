import { parseEventLogs, zeroAddress } from 'viem';
import type { AnswerOpening, ClaimedAnswer } from '../protocol/answers.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { Fee } from '../protocol/fee.ts';
import type { ChainConnection } from './client.ts';
import type { EventFeed } from './events.ts';
import { settlementAbi } from './generated/abis.ts';
import { readPages } from './read-pages.ts';
import { translated } from './translate-error.ts';

export const CLAIM_STATES = ['none', 'open', 'final', 'refuted'] as const;
export type ClaimStateName = (typeof CLAIM_STATES)[number];

/** A paid answer as the contract keeps it. Amounts in wei, times in Unix seconds. */
export interface ClaimOnChain {
  claimId: bigint;
  state: ClaimStateName;
  claimant: Hex;
  /** Who showed that it is false. */
  challenger: Hex | undefined;
  adapterId: bigint;
  adapterOwner: Hex;
  /** Answers in the claim; what follows sums over them. */
  answers: number;
  answersRoot: Hex;
  tokensIn: number;
  tokensOut: number;
  fee: Fee;
  bond: bigint;
  deadline: number;
  /** What the claim says about its one answer; undefined where there are several: the claim has only their root. */
  answer: ClaimedAnswer | undefined;
  /** Added to every payout from what false claims of the Datanet lost, basis points. */
  bonusBps: number;
  /** The payout rule that the claim follows; see readPayoutRule. */
  ruleVersion: number;
  /** What contributors have fetched so far, without the bonus. */
  paidOut: bigint;
}

/** With what only the events say. */
export interface ClaimRecord extends ClaimOnChain {
  /** Where the receipt lies; of a claim about several answers, where all of them lie. */
  receiptCid: string;
  transaction: Hex;
  blockNumber: bigint;
  /** Payouts that were fetched already: which of which answer. */
  withdrawn: { answer: number; index: number }[];
  /** Which of its claim's answers this is, where it is one of several: claimsOfBatch. */
  opening?: AnswerOpening;
}

/** The claim's one answer under its root. Throws RangeError for a claim about several that was not taken apart. */
export function openingOf({ claimId, answer, opening }: Pick<ClaimRecord, 'claimId' | 'answer' | 'opening'>): AnswerOpening {
  if (opening) return opening;
  if (answer) return { index: 0n, answer, proof: [] };
  throw new RangeError(`claim ${claimId} is about several answers`);
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
  const withdrawn = new Map<bigint, ClaimRecord['withdrawn']>();
  const events = feed.settlement();
  for (const event of events) {
    if (event.eventName !== 'PayoutWithdrawn') continue;
    const { claimId, answer, index } = event.args;
    const fetched = { answer: Number(answer), index: Number(index) };
    const before = withdrawn.get(claimId);
    if (before) before.push(fetched);
    else withdrawn.set(claimId, [fetched]);
  }
  const out: ClaimRecord[] = [];
  for (const event of events) {
    if (event.eventName !== 'AnswerPaid' && event.eventName !== 'BatchPaid') continue;
    const { claimId } = event.args;
    // A claim mined after the page was read is in the next listing.
    const raw = claims[Number(claimId) - 1];
    if (!raw) continue;
    const record = {
      ...fromContract(claimId, raw, 'answer' in event.args ? event.args.answer : undefined),
      receiptCid: 'answer' in event.args ? event.args.receiptCid : event.args.cid,
      transaction: event.transactionHash,
      blockNumber: event.blockNumber,
      withdrawn: withdrawn.get(claimId) ?? [],
    };
    if (fits(record, filter)) out.push(record);
  }
  return out.reverse();
}

/** One claim's state. What it says about its answer stands in the event of its payment. Errors: `contract/unknown-claim`, `chain/unreachable`. */
export async function readClaim(connection: ChainConnection, claimId: bigint): Promise<ClaimOnChain> {
  return translated('Reading the claim', async () => {
    const address = connection.contracts.settlement;
    const raw = await connection.publicClient.readContract({ address, abi: settlementAbi, functionName: 'claim', args: [claimId] });
    const block = BigInt(raw.paidInBlock);
    const logs = await connection.publicClient.getLogs({ address, fromBlock: block, toBlock: block });
    const event = parseEventLogs({ abi: settlementAbi, eventName: 'AnswerPaid', logs }).find(({ args }) => args.claimId === claimId);
    return fromContract(claimId, raw, event?.args.answer);
  });
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
  ruleVersion: number;
  adapterOwner: Hex;
  adapterId: bigint;
  challenger: Hex;
  answers: number;
  tokensIn: number;
  tokensOut: number;
  total: bigint;
  bond: bigint;
  ownerPart: bigint;
  stakersPart: bigint;
  contributorsPart: bigint;
  paidOut: bigint;
  bonusBps: number;
  answersRoot: Hex;
}

function fromContract(claimId: bigint, raw: RawClaim, answer: ClaimedAnswer | undefined): ClaimOnChain {
  const { total, ownerPart: owner, stakersPart: stakers, contributorsPart: contributors } = raw;
  return {
    claimId,
    state: CLAIM_STATES[raw.state] ?? 'none',
    claimant: raw.claimant,
    challenger: raw.challenger === zeroAddress ? undefined : raw.challenger,
    adapterId: raw.adapterId,
    adapterOwner: raw.adapterOwner,
    answers: raw.answers,
    answersRoot: raw.answersRoot,
    tokensIn: raw.tokensIn,
    tokensOut: raw.tokensOut,
    fee: { total, owner, stakers, contributors, platform: total - owner - stakers - contributors },
    bond: raw.bond,
    deadline: raw.deadline,
    answer,
    ruleVersion: raw.ruleVersion,
    paidOut: raw.paidOut,
    bonusBps: raw.bonusBps,
  };
}

function fits(claim: ClaimOnChain, filter: ClaimFilter): boolean {
  if (filter.adapterId !== undefined && claim.adapterId !== filter.adapterId) return false;
  if (filter.claimant !== undefined && claim.claimant.toLowerCase() !== filter.claimant.toLowerCase()) return false;
  return filter.state === undefined || claim.state === filter.state;
}
