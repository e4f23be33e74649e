import { parseEventLogs } from 'viem';
import type { EventFeed } from './events.ts';
import { disputesEventsAbi, runsEventsAbi } from './generated/abis.ts';

/** Everything that Disputes ever said, oldest first. */
export const disputeEvents = (feed: Pick<EventFeed, 'logs'>) => parseEventLogs({ abi: disputesEventsAbi, logs: feed.logs('disputes') });
export type DisputeEvents = ReturnType<typeof disputeEvents>;

/** Everything that Runs ever said, oldest first. */
export const runEvents = (feed: Pick<EventFeed, 'logs'>) => parseEventLogs({ abi: runsEventsAbi, logs: feed.logs('runs') });
export type RunEvents = ReturnType<typeof runEvents>;
