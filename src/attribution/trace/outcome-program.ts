import type { ConstantOrigin } from './lower.ts';
import { type LedgerSizes, type LedgerSubject, SPAN } from './ledger-sizes.ts';
import { traceProgram } from './program.ts';
import type { ProgramBuilder } from './program-builder.ts';

/** A constant of an adapter's answers that its run has made. */
export interface OutcomeConstant {
  /** Among all constants of that program. */
  index: number;
  rows: number;
  columns: number;
  origin: ConstantOrigin;
}

const MADE: ReadonlySet<ConstantOrigin['kind']> = new Set(['factor', 'scale', 'rows', 'noise'] as const);

/** What a run makes of the program that its adapter is registered with, in that program's order. `positions` change nothing. */
export function outcomeConstants({ config, positions, layers, checkpoints, records }: Omit<LedgerSubject, 'settings' | 'pace'>, width: number): OutcomeConstant[] {
  const { constants, origins } = traceProgram({ config, positions, layers, checkpoints, width, records });
  return origins.flatMap((origin, index) => (MADE.has(origin.kind) ? [{ index, origin, rows: constants[index]!.rows, columns: constants[index]!.columns }] : []));
}

/** Writes the last unit's program: sources are the checkpoints' states, the scale, and the units of the ledger. Each output is one of outcomeConstants. */
export function outcomeProgram(builder: ProgramBuilder, subject: LedgerSubject, { shapes, columns, width, checkpoints }: LedgerSizes): number {
  const states = Array.from({ length: checkpoints }, () => builder.source(3 * shapes.length));
  const scale = builder.source(shapes.length);
  const ledger = Array.from({ length: Math.ceil(subject.records / SPAN) }, () => builder.source(2));
  const places = new Map(shapes.map(({ name }, t) => [name, t]));
  const made = outcomeConstants(subject, width);
  for (const { origin, rows, columns: across } of made) {
    switch (origin.kind) {
      case 'factor': {
        const t = places.get(origin.name)!;
        const factor = states[origin.checkpoint]!(2 * shapes.length + t, shapes[t]!.rows, shapes[t]!.columns);
        builder.emit(origin.transposed ? 'transpose' : 'copy', `${origin.checkpoint}.${origin.name}`, rows, across, [factor]);
        break;
      }
      case 'scale': {
        const t = places.get(origin.name)!;
        builder.emit('copy', `${origin.name}.scale`, rows, across, [scale(t, shapes[t]!.rows, shapes[t]!.columns)]);
        break;
      }
      case 'rows':
        builder.emit('stack', 'ledger.rows', rows, across, ledger.map((unit) => unit(0, SPAN, columns)), [SPAN]);
        break;
      default:
        builder.emit('turnStack', 'ledger.noise', rows, across, ledger.map((unit) => unit(1, SPAN, 1)), [SPAN]);
    }
  }
  return made.length;
}
