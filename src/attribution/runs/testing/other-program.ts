import { constantsTree } from '../../trace/constants.ts';
import { programHash } from '../../trace/instruction.ts';
import type { Constants, Matrix } from '../../trace/run.ts';
import type { ProgramConstants } from '../outcome-evidence.ts';

/** A program with some constants changed, as an adapter could be registered with; for tests. */
export async function otherProgram({ program, constants }: Pick<ProgramConstants, 'program' | 'constants'>, change: (matrix: Matrix, index: number) => void): Promise<ProgramConstants> {
  const changed: Constants = {
    async matrix(index) {
      const { rows, columns, values } = await constants.matrix(index);
      const matrix = { rows, columns, values: values.slice() };
      change(matrix, index);
      return matrix;
    },
  };
  const committed = await constantsTree(changed, program.constants.length);
  return { program, programHash: programHash(program, committed.root), committed, constants: changed };
}
