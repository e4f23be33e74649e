import { constantsTree } from '../../trace/constants.ts';
import { programHash } from '../../trace/instruction.ts';
import type { Constants, Matrix } from '../../trace/run.ts';
import type { ProgramConstants } from '../outcome-evidence.ts';

/**
 * A program with some constants changed, as an adapter could be registered with; for tests. `change` may return a matrix of another size;
 * of the constants the first `count` are there.
 */
export async function otherProgram({ program: before, constants }: Pick<ProgramConstants, 'program' | 'constants'>, change: (matrix: Matrix, index: number) => Matrix | undefined, count = before.constants.length): Promise<ProgramConstants> {
  const changed: Constants = {
    async matrix(index) {
      const { rows, columns, values } = await constants.matrix(index);
      const matrix = { rows, columns, values: values.slice() };
      return change(matrix, index) ?? matrix;
    },
  };
  const committed = await constantsTree(changed, count);
  const program = { ...before, constants: committed.tensors.map(({ rows, columns }, index) => ({ ...before.constants[index]!, rows, columns })) };
  return { program, programHash: programHash(program, committed.root), committed, constants: changed };
}

/** The same with one record fewer in the ledger. */
export function withoutLastRecord(of: Pick<ProgramConstants, 'program' | 'constants'>): Promise<ProgramConstants> {
  return otherProgram(of, ({ rows, columns, values }, index) => {
    const { kind } = of.program.origins[index]!;
    if (kind === 'rows') return { rows: rows - 1, columns, values: values.slice(0, (rows - 1) * columns) };
    return kind === 'noise' ? { rows, columns: columns - 1, values: values.slice(0, columns - 1) } : undefined;
  });
}
