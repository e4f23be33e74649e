import type { UnitEvidence } from '../trace/unit-tracer.ts';
import type { RunMove } from './examine.ts';
import type { OutcomeEvidence } from './outcome-evidence.ts';
import type { UnitOpening } from './statement.ts';

/** What refutes a statement. */
export type RunEvidence =
  | { kind: 'given'; opening: UnitOpening }
  | ({ kind: 'unit'; opening: UnitOpening } & Omit<UnitEvidence, 'reads'>)
  | { kind: 'outcome'; opening: UnitOpening; outcome: OutcomeEvidence };

/** A move after which nothing has to be shown any more. */
export type ProvingMove = Extract<RunMove, { kind: 'prove-given' | 'prove-unit' | 'prove-outcome' }>;

export function evidenceOf(move: ProvingMove): RunEvidence {
  const { opening } = move;
  switch (move.kind) {
    case 'prove-given': return { kind: 'given', opening };
    case 'prove-unit': return { kind: 'unit', opening, step: move.step, shape: move.shape };
    case 'prove-outcome': return { kind: 'outcome', opening, outcome: move.outcome };
  }
}
