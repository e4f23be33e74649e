import type { SeenRun } from '../chain/run-facts.ts';
import type { Pursuit } from './disputes-kept.ts';
import type { Looker, PathStep } from './disputes-path.ts';
import type { RunClock } from './runs-clock.ts';

const same = (a: string | undefined, b: string | undefined) => a !== undefined && a.toLowerCase() === b?.toLowerCase();

/** Whether there is a way to show: somebody has demanded, committed, or means to. */
export const isDisputed = ({ state, demands, commitments }: SeenRun, pursuit: Pursuit | undefined) => state === 'refuted' || demands.length + commitments.length > 0 || pursuit !== undefined;

/**
 * The way of a disputed statement to its end; `claimant` is its owner. What happened on the chain is done, whoever did it; of what is
 * still to come, the first is now. `pursuit`: the looker's own challenge.
 */
export function runPath(run: SeenRun, { commitUntil, demandUntil, standsFrom }: RunClock, pursuit: Pursuit | undefined, { account, now }: Looker): PathStep[] {
  const owner: PathStep['who'] = same(account, run.maker) ? 'you' : 'claimant';
  const mine = pursuit !== undefined || same(account, run.refuted?.challenger);
  const challenger: PathStep['who'] = mine ? 'you' : 'challenger';
  const over = run.state !== 'open';
  const steps: PathStep[] = [{ label: 'Vouched for, with a bond', who: owner, state: 'done' }];
  if (pursuit) steps.push({ label: pursuit.where.replace(/\.$/, ''), who: 'you', state: 'done' });

  const waiting = over ? undefined : run.demands.filter(({ state }) => state === 'open').sort((a, b) => a.due - b.due)[0];
  const silent = run.refuted?.what === 'silence' || (waiting !== undefined && now > waiting.due);
  const count = run.demands.length;
  if (count > 0) {
    steps.push({ label: count === 1 ? 'One part demanded' : `${count} parts demanded`, who: challenger, state: 'done' });
    if (silent) steps.push({ label: 'Not shown in time', who: owner, state: 'failed' });
    else if (waiting) steps.push({ label: 'Shows what is demanded', who: owner, state: 'now', until: waiting.due });
    else steps.push({ label: count === 1 ? 'Part shown' : 'Parts shown', who: owner, state: 'done' });
  } else if (pursuit && !pursuit.proof && !over) {
    steps.push({ label: 'Demands what is false', who: 'you', state: 'now', until: demandUntil });
    steps.push({ label: 'Shows what is demanded', who: owner, state: 'later' });
  }
  const committed = over || run.commitments.some(({ challenger: by }) => !pursuit || same(by, account));
  const lastProof = Math.max(0, ...run.commitments.map(({ proveBy }) => proveBy));
  // Nobody began in time, or nobody proved in time: it stands.
  const ends = run.state === 'stands' || (!over && !silent && standsFrom !== undefined && now > standsFrom);
  if (ends) return [...steps, { label: 'Stands: the bond goes back', who: 'anyone', state: run.state === 'stands' ? 'done' : 'now' }];
  if (!silent) {
    const ready = !waiting && (count > 0 || pursuit?.proof !== undefined);
    steps.push({ label: pursuit || committed ? 'Commits to the proof, unseen' : 'Can commit to a proof', who: challenger, state: committed ? 'done' : ready ? 'now' : 'later', ...(ready && !committed && { until: commitUntil }) });
    steps.push({ label: 'Proves it to the contract', who: challenger, state: over ? 'done' : committed ? 'now' : 'later', ...(committed && !over && { until: lastProof }) });
  }
  if (!over && !pursuit && !silent) return [...steps, { label: 'Refuted if it is proved false, else it stands', who: 'anyone', state: 'later' }];
  steps.push({
    label: 'Refuted: half of the bond to the challenger, half to the Datanet’s contributors', who: silent && !over ? 'anyone' : challenger,
    state: over ? 'done' : silent ? 'now' : 'later',
  });
  return steps;
}
