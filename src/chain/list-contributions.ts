import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import type { EventFeed } from './events.ts';
import { contributionsViewsAbi } from './generated/abis.ts';
import { readPages } from './read-pages.ts';
import { translated } from './translate-error.ts';

export const CONTRIBUTION_STATES = ['none', 'pending', 'accepted', 'rejected', 'reclaimed'] as const;
export type ContributionStateName = (typeof CONTRIBUTION_STATES)[number];

/** A batch of records. Amounts in wei, times in Unix seconds. */
export interface ContributionRecord {
  contributionId: bigint;
  datanetId: bigint;
  contributor: Hex;
  state: ContributionStateName;
  submittedAt: number;
  count: number;
  stake: bigint;
  slashed: bigint;
  recordsRoot: Hex;
  acceptedRoot: Hex;
  acceptedCount: number;
  cid: string;
  /** The curator's word; empty where there is none. Written by a stranger: show as text only. */
  reason: string;
  transaction: Hex;
  blockNumber: bigint;
}

export interface ContributionFilter {
  datanetId?: bigint;
  contributor?: Hex;
  state?: ContributionStateName;
}

/** All contributions that fit, newest first. Errors: `chain/unreachable`, `chain/restarted`. */
export async function listContributions(
  connection: ChainConnection,
  feed: EventFeed,
  filter: ContributionFilter = {},
): Promise<ContributionRecord[]> {
  await feed.refresh();
  const states = await translated('Reading the contributions', () =>
    readPages((first, limit) =>
      connection.publicClient.readContract({
        address: connection.contracts.contributions,
        abi: contributionsViewsAbi,
        functionName: 'page',
        args: [first, limit],
      }),
    ),
  );
  const events = feed.contributions();
  const reasons = new Map<bigint, string>();
  for (const event of events) {
    if (event.eventName === 'ContributionAccepted' || event.eventName === 'ContributionRejected') {
      reasons.set(event.args.id, event.args.reason);
    }
  }
  const out: ContributionRecord[] = [];
  for (const event of events) {
    if (event.eventName !== 'ContributionSubmitted') continue;
    const state = states[Number(event.args.id) - 1];
    if (!state) continue;
    const record: ContributionRecord = {
      contributionId: event.args.id,
      datanetId: state.datanet,
      contributor: state.contributor,
      state: CONTRIBUTION_STATES[state.state] ?? 'none',
      submittedAt: state.submittedAt,
      count: state.count,
      stake: state.stake,
      slashed: state.slashed,
      recordsRoot: state.recordsRoot,
      acceptedRoot: state.acceptedRoot,
      acceptedCount: state.acceptedCount,
      cid: event.args.cid,
      reason: reasons.get(event.args.id) ?? '',
      transaction: event.transactionHash,
      blockNumber: event.blockNumber,
    };
    if (fits(record, filter)) out.push(record);
  }
  return out.reverse();
}

function fits(record: ContributionRecord, filter: ContributionFilter): boolean {
  if (filter.datanetId !== undefined && record.datanetId !== filter.datanetId) return false;
  if (filter.contributor && record.contributor.toLowerCase() !== filter.contributor.toLowerCase()) return false;
  return filter.state === undefined || record.state === filter.state;
}
