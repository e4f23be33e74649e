import type { ClaimOnChain } from '../chain/list-claims.ts';
import { isOfWorkings } from '../protocol/workings-places.ts';
import { type DemandSeen, type Dispute, kindOf } from './disputes-events.ts';
import type { Pursuit } from './disputes-kept.ts';

/** One station on the way of a claim, for people. */
export interface PathStep {
  label: string;
  /** Whose move it is or was. */
  who: 'claimant' | 'challenger' | 'you' | 'anyone';
  state: 'done' | 'now' | 'later' | 'failed';
  /** Until when the move has to come, Unix seconds. */
  until?: number;
}

/** Who looks, and when: `now` is the chain's clock, Unix seconds. */
export interface Looker {
  account: string | undefined;
  now: number;
}

const same = (a: string | undefined, b: string | undefined) => a !== undefined && a.toLowerCase() === b?.toLowerCase();

/** When a claim can become final; undefined while a demand waits for its answer. Unix seconds. */
export function finalFrom({ deadline }: Pick<ClaimOnChain, 'deadline'>, { heldUntil, open }: Dispute): number | undefined {
  return open > 0 ? undefined : Math.max(deadline, heldUntil);
}

/** When the last commitment or demand can be made. Unix seconds. */
export const beginUntil = ({ deadline }: Pick<ClaimOnChain, 'deadline'>, { commitUntil }: Dispute) => Math.max(deadline, commitUntil);

/** When the last demand can be made, as Games.demandUntil: who was shown something goes on, while there is the whole time for a reply. Unix seconds. */
export function demandUntil(claim: Pick<ClaimOnChain, 'deadline'>, dispute: Dispute, { window, replyTime }: { window: number; replyTime: number }): number {
  return Math.min(beginUntil(claim, dispute), claim.deadline + Math.floor(window / 2) - replyTime);
}

/** What is said of a move and its answer. */
interface MoveWords {
  asked: string;
  answers: string;
  answered: string;
  missed: string;
}

function partsWords(parts: readonly DemandSeen[]): MoveWords {
  const ofWorkings = parts.filter(({ place }) => isOfWorkings(place)).length;
  const tree = ofWorkings === parts.length ? 'the payouts’ workings' : ofWorkings > 0 ? 'trace and workings' : 'the trace';
  const one = parts.length === 1;
  return { asked: one ? `One piece of ${tree} demanded` : `${parts.length} pieces of ${tree} demanded`, answers: one ? 'Shows the piece' : 'Shows the pieces', answered: one ? 'Piece shown' : 'Pieces shown', missed: 'Not shown in time' };
}

/**
 * The way of a claim from its payment to its end. What happened on the chain is done, whoever did it; of what is still to come,
 * the first is now. `pursuit`: the looker's own challenge.
 */
export function pathOf(claim: ClaimOnChain, dispute: Dispute, pursuit: Pursuit | undefined, { account, now }: Looker): PathStep[] {
  const claimant: PathStep['who'] = same(account, claim.claimant) ? 'you' : 'claimant';
  const paid: PathStep = { label: 'Paid, with a bond', who: claimant, state: 'done' };
  const disputed = dispute.demands.length > 0 || dispute.commitments.length > 0 || pursuit !== undefined || claim.state === 'refuted';
  const free = finalFrom(claim, dispute);
  const final: PathStep = claim.state === 'final'
    ? { label: 'Final: everyone can fetch their part', who: 'anyone', state: 'done' }
    : { label: 'Made final', who: 'anyone', state: free !== undefined && now > free ? 'now' : 'later' };
  if (!disputed) {
    const open = claim.state === 'open' && now <= claim.deadline;
    return [paid, { label: 'Open to challenge', who: 'anyone', state: open ? 'now' : 'done', ...(open && { until: claim.deadline }) }, final];
  }

  const over = claim.state !== 'open';
  const mine = pursuit !== undefined || same(account, claim.challenger);
  const challenger: PathStep['who'] = mine ? 'you' : 'challenger';
  const steps: PathStep[] = [paid];
  if (pursuit) steps.push({ label: pursuit.where.replace(/\.$/, ''), who: 'you', state: 'done' });

  const waiting = dispute.demands.filter(({ state }) => state === 'open').sort((a, b) => a.due - b.due)[0];
  const silent = dispute.convicted?.what === 'silence' || (waiting !== undefined && now > waiting.due);
  const [files, parts, assertions] = (['file', 'parts', 'assertion'] as const).map((kind) => dispute.demands.filter(({ place }) => kindOf(place) === kind)) as [DemandSeen[], DemandSeen[], DemandSeen[]];
  const move = (demands: readonly DemandSeen[], words: MoveWords, last: boolean) => {
    if (demands.length === 0) return;
    const open = demands.filter(({ state }) => state === 'open').sort((a, b) => a.due - b.due)[0];
    const missed = silent && demands.some(({ state, due }) => state === 'closed' || (state === 'open' && now > due));
    // What went on is said in one step.
    if (last || open || missed) steps.push({ label: words.asked, who: challenger, state: 'done' });
    steps.push(open || missed
      ? { label: missed ? words.missed : words.answers, who: claimant, state: missed ? 'failed' : over ? 'later' : 'now', ...(open && !over && { until: open.due }) }
      : { label: words.answered, who: claimant, state: 'done' });
  };
  move(files, { asked: 'Its questions and answers demanded', answers: 'Shows them', answered: 'Questions and answers shown', missed: 'Not shown in time' }, parts.length + assertions.length === 0);
  move(parts, partsWords(parts), assertions.length === 0 && !(files.length > 0 && (over || pursuit?.proof !== undefined)));
  move(assertions, { asked: pursuit ? 'The right values asserted' : 'Other values asserted', answers: 'Has to refute them', answered: 'Assertion refuted', missed: 'Not refuted in time' }, true);
  if (dispute.demands.length === 0 && pursuit && !pursuit.proof && !pursuit.asserts && !over) {
    steps.push({ label: 'Demands the piece that is false', who: 'you', state: 'now', until: claim.deadline });
    steps.push({ label: 'Shows the piece', who: claimant, state: 'later' });
  }

  // Whoever asserts has committed to that.
  const commitments = dispute.commitments.filter(({ challenger: who }) => !assertions.some(({ demander }) => same(demander, who)));
  const committed = pursuit ? pursuit.committedIn !== undefined : commitments.length > 0;
  // Nobody began in time: what could have followed is no part of the way.
  const lapsed = !committed && !waiting && (claim.state === 'final' || (!over && now > beginUntil(claim, dispute)));
  const asserted = assertions.some(({ state }) => state === 'open');
  const proven = dispute.convicted !== undefined && dispute.convicted.what !== 'silence';
  // After an assertion that was refuted its challenger stops; of others nothing is known before they commit.
  const stopped = assertions.length > 0 && assertions.every(({ state }) => state === 'disproved') && !committed && !pursuit?.proof && !proven;
  const searched = pursuit !== undefined && !pursuit.proof && !over;
  if (silent || lapsed || stopped || (asserted && !proven)) {
    // What could have followed is no part of the way.
  } else if (searched && files.length > 0 && parts.length === 0) {
    steps.push({ label: 'Searches the first false answer', who: 'you', state: waiting ? 'later' : 'now', ...(!waiting && { until: beginUntil(claim, dispute) }) });
  } else if (searched && (pursuit.asserts || parts.some(({ place }) => place.depth > 0 && !isOfWorkings(place)))) {
    steps.push({ label: 'Commits to the right values, unseen', who: 'you', state: waiting ? 'later' : 'now', ...(!waiting && { until: beginUntil(claim, dispute) }) });
    steps.push({ label: pursuit.asserts ? 'Asserts them, for the claimant to refute' : 'Asserts them, or proves one false', who: 'you', state: 'later' });
  } else {
    const lastProof = pursuit?.proveBy ?? Math.max(0, ...commitments.map(({ proveBy }) => proveBy));
    const ready = !over && !waiting && (pursuit ? pursuit.proof !== undefined || dispute.demands.length > 0 : true);
    const missed = committed && !over && now > lastProof;
    steps.push({ label: pursuit || committed || over ? 'Commits to the proof, unseen' : 'Can commit to a proof', who: challenger, state: committed || over ? 'done' : ready ? 'now' : 'later', ...(ready && !committed && { until: beginUntil(claim, dispute) }) });
    steps.push({
      label: missed ? 'No proof came in time' : 'Proves it to the contract', who: challenger,
      state: claim.state === 'refuted' ? 'done' : missed || over ? 'failed' : committed ? 'now' : 'later',
      ...(committed && !over && !missed && { until: lastProof }),
    });
  }
  if (claim.state === 'final' || (!over && !pursuit?.proof && free !== undefined && now > free) || (stopped && pursuit)) steps.push(final);
  else if (claim.state === 'open' && !pursuit && !silent) steps.push({ label: 'Refuted if it is proved false, else made final', who: 'anyone', state: 'later' });
  else steps.push({
    label: 'Refuted: half of the bond to the challenger, half to the Datanet’s contributors', who: silent && !over ? 'anyone' : challenger,
    state: claim.state === 'refuted' ? 'done' : silent ? 'now' : 'later',
  });
  return steps;
}
