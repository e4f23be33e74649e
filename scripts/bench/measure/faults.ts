import { FaultyLedgers, LEDGER_FAULTS, LEDGER_RUNS, type PlantedLedgerFault } from '../../../tests/referee/ledger-faults.ts';
import { FaultyPayouts, PAYOUT_FAULTS, type PayoutFault } from '../../../tests/referee/payout-faults.ts';
import { FAULTS, FaultyClaims, MODELS } from '../../../tests/referee/planted-faults.ts';
import { startJudge } from '../../../tests/referee/scratch-judge.ts';
import { type ScratchReferee, type UnitQuestion, startReferee } from '../../../tests/referee/scratch-referee.ts';
import { TAMPERINGS, tamper } from '../../../tests/referee/tampering.ts';
import type { Report } from '../report.ts';

const WHERE = 'contracts on anvil, CPU backend';
/** Other faults than `npm test` plants. */
const STREAM = 3;

/** Of the faults in claims, as many are planted in units between a run's gradients and its ledger. */
const LEDGER_SHARE = 0.2;

const isPayoutFault = (kind: string): kind is PayoutFault => (PAYOUT_FAULTS as readonly string[]).includes(kind);

/** Times each kind was planted, shown false, and shown in its place. */
type Tally = Map<string, { planted: number; convicted: number; inPlace: number }>;

/**
 * Plants `count` faults of all kinds in claims of small models, and brings `count` challenges against right claims: true evidence,
 * evidence changed in every way, stolen proofs. The referee and the judge of payouts are asked as Disputes asks them. Every miss is printed.
 */
export async function reportFaults(report: Report, count: number, progress: (text: string) => void): Promise<void> {
  const referee = await startReferee();
  const judge = await startJudge();
  const tally: Tally = new Map();
  const note = (kind: string, convicted: boolean, inPlace: boolean, where: string) => {
    const one = tally.get(kind) ?? { planted: 0, convicted: 0, inPlace: 0 };
    tally.set(kind, { planted: one.planted + 1, convicted: one.convicted + Number(convicted), inPlace: one.inPlace + Number(convicted && inPlace) });
    if (!convicted || !inPlace) progress(`MISSED ${kind}: ${where}`);
  };
  let survived = 0;
  let challenges = 0;
  const challenge = (refused: boolean, where: string) => {
    challenges++;
    if (refused) survived++;
    else progress(`FELL: ${where}`);
  };
  try {
    // A part of both counts with each model.
    const share = (model: number) => Math.floor((count * (model + 1)) / MODELS.length) - Math.floor((count * model) / MODELS.length);
    for (const [number, [name, options, tokens, answer]] of MODELS.entries()) {
      const claims = await FaultyClaims.of(options, tokens, answer, STREAM);
      const payouts = await FaultyPayouts.of(judge, options, tokens, answer, STREAM);
      const kinds = [...FAULTS, ...PAYOUT_FAULTS];
      let planted = 0;
      const before = challenges;
      for (let k = 0; planted < share(number); k++) {
        const kind = kinds[k % kinds.length]!;
        if (isPayoutFault(kind)) {
          const judged = await payouts.plant(kind);
          if (!judged) continue;
          planted++;
          note(kind, judged.convicted, judged.inPlace, judged.where);
          if (k % 2) {
            const { stands, where } = await payouts.challenge();
            challenge(stands, `${name}: ${where}`);
          }
          continue;
        }
        // A fault that rounding hides, or that swaps like with like, is none: another is drawn.
        const fault = await claims.plant(kind);
        if (!fault) continue;
        planted++;
        note(kind, (await referee.isFalse(fault.question)) === true, fault.inPlace, fault.where);
        if (k % 2) challenge((await referee.isFalse(fault.honest)) === false, `${name}: the true element where ${fault.where}`);
        else if (k % 4) challenge((await referee.isFalse(claims.stolen(fault))) !== true, `${name}: the proof of another claim, ${fault.where}`);
        if (planted % 25 === 0) progress(`${name}: ${planted} of ${share(number)} faults`);
      }
      for (let k = 0; challenges - before < share(number); k++) {
        const right = claims.honest();
        if (k % 3 === 0) challenge((await referee.isFalse(right)) === false, `${name}: any element`);
        else {
          const how = TAMPERINGS[k % TAMPERINGS.length]!;
          challenge((await referee.isFalse(tamper(right, claims.honest(), how, (end) => claims.below(end)))) !== true, `${name}: ${how}`);
        }
      }
    }
    await reportLedgerFaults(report, referee, Math.ceil(count * LEDGER_SHARE), progress);
  } finally {
    await Promise.all([referee.stop(), judge.stop()]);
  }
  const sum = (of: 'planted' | 'convicted' | 'inPlace') => [...tally.values()].reduce((total, one) => total + one[of], 0);
  const byKind = [...tally].map(([kind, { convicted, planted }]) => `${kind} ${convicted}/${planted}`).join(', ');
  report.add(`planted faults, of ${count}: convicted`, sum('convicted'), 'claims', WHERE, { atLeast: count }, byKind);
  report.add(`planted faults, of ${count}: in the right place`, sum('inPlace'), 'claims', WHERE, { atLeast: count });
  report.add(`right claims challenged at random and with changed evidence, of ${challenges}: stand`, survived, 'claims', WHERE, { atLeast: count });
}

/** A flipped bit anywhere in a unit between gradients and ledger, found by the challenger's own search; the same element of the right unit, and evidence that was changed. */
async function reportLedgerFaults(report: Report, referee: ScratchReferee, count: number, progress: (text: string) => void): Promise<void> {
  const tally = new Map<string, number>(LEDGER_FAULTS.map((fault) => [fault, 0]));
  let [kinds, planted, convicted, inPlace, challenges, stand] = [0, 0, 0, 0, 0, 0];
  const challenge = async (question: UnitQuestion, where: string) => {
    challenges++;
    if ((await referee.isFalse(question)) !== true) stand++;
    else progress(`FELL: ${where}`);
  };
  for (const [number, run] of LEDGER_RUNS.entries()) {
    const ledgers = await FaultyLedgers.of(run, STREAM + number);
    let before: PlantedLedgerFault | undefined;
    const until = Math.floor((count * (number + 1)) / LEDGER_RUNS.length);
    while (planted < until) {
      const kind = LEDGER_FAULTS[kinds++ % LEDGER_FAULTS.length]!;
      const fault = await ledgers.plant(kind);
      if (!fault) continue;
      planted++;
      tally.set(kind, tally.get(kind)! + 1);
      const isConvicted = (await referee.isFalse(fault.question)) === true;
      if (isConvicted) convicted++;
      if (isConvicted && fault.inPlace) inPlace++;
      else progress(`MISSED ${kind}: ${fault.where}`);
      const how = TAMPERINGS[planted % TAMPERINGS.length]!;
      await challenge(fault.honest, fault.where);
      await challenge(tamper(fault.honest, before?.honest ?? fault.honest, how, (end) => ledgers.below(end)), `${how}: ${fault.where}`);
      before = fault;
      if (planted % 25 === 0) progress(`${run[0]}: ${planted} of ${count} faults in units of the ledger`);
    }
  }
  report.add(`planted faults in units of the ledger, of ${count}: convicted`, convicted, 'units', WHERE, { atLeast: count }, [...tally].map(([kind, times]) => `${kind} ${times}`).join(', '));
  report.add(`planted faults in units of the ledger, of ${count}: in the right place`, inPlace, 'units', WHERE, { atLeast: count });
  report.add(`right units of the ledger challenged with true and changed evidence, of ${challenges}: stand`, stand, 'units', WHERE, { atLeast: challenges });
}
