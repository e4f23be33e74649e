import type { SeenRun } from '../chain/run-facts.ts';

type Timed = Pick<SeenRun, 'deadline' | 'demands' | 'commitments'>;

/** Times of a deployment, seconds. */
export interface RunTimes {
  window: number;
  proveTime: number;
  replyTime: number;
}

/** Unix seconds. */
export interface RunClock {
  /** Last moment of a demand, and of a commitment. */
  demandUntil: number;
  commitUntil: number;
  /** When the statement can stand; undefined while a demand waits for its answer. */
  standsFrom: number | undefined;
}

/** The clock of a statement, as contracts/src/Games.sol keeps it. */
export function clockOf({ deadline, demands, commitments }: Timed, { window, proveTime, replyTime }: RunTimes): RunClock {
  // After a reply there is time to compute with it, and to commit.
  const shown = Math.max(deadline, ...demands.map(({ due }) => due + proveTime));
  return {
    commitUntil: shown,
    demandUntil: Math.min(shown, deadline + Math.floor(window / 2) - replyTime),
    standsFrom: demands.some(({ state }) => state === 'open') ? undefined : Math.max(shown, ...commitments.map(({ proveBy }) => proveBy)),
  };
}
