import type { LoweredSource } from './lower.ts';
import { type Instruction, type OpName, fixed } from './instruction.ts';
import type { UnitShape } from './unit.ts';

/** Matrices of a source or instruction. */
export type Ref = LoweredSource;

/** Writes a program down whose sizes depend on no text: units between the gradients of a run and its ledger's rows. */
export class ProgramBuilder {
  readonly instructions: Instruction[] = [];
  private readonly sources: number[] = [];

  /** Another source, which makes `outputs` matrices. Gives what names one of them. */
  source(outputs: number): (index: number, rows: number, columns: number) => Ref {
    const space = this.sources.push(outputs) - 1;
    return (index, rows, columns) => ({ space, index, rows, columns });
  }

  /** `count` sources of one matrix each. */
  singles(count: number, rows: number, columns: number): Ref[] {
    return Array.from({ length: count }, () => this.source(1)(0, rows, columns));
  }

  emit(op: OpName, name: string, rows: number, columns: number, inputs: readonly Ref[], params: number[] = []): Ref {
    const size = ({ rows: r, columns: c }: Ref) => ({ rows: fixed(r), columns: fixed(c) });
    this.instructions.push({ op, name, rows: fixed(rows), columns: fixed(columns), params, inputs: inputs.map((input) => ({ space: input.space, index: input.index, ...size(input) })) });
    return { space: 'trace', index: this.instructions.length - 1, rows, columns };
  }

  /** An instruction whose last input is what it makes itself. */
  emitFromItself(op: OpName, name: string, rows: number, columns: number, inputs: readonly Ref[]): Ref {
    return this.emit(op, name, rows, columns, [...inputs, { space: 'trace', index: this.instructions.length, rows, columns }]);
  }

  /** The last `outputs` instructions make what the unit makes. */
  shape(outputs: number): UnitShape {
    return { outputs, sources: this.sources };
  }
}
