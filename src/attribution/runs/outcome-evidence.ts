import { bitsOf } from '../../arithmetic/rf32.ts';
import { type Hex, toHex } from '../../protocol/bytes.ts';
import { LoadedConstants, constantsTree } from '../trace/constants.ts';
import { programHash } from '../trace/instruction.ts';
import { traceProgram } from '../trace/program.ts';
import type { Constants, Matrix } from '../trace/run.ts';
import { sketchTable } from '../trace/sketch-tables.ts';
import { type Opening, type ProgramHeader, differenceIn, firstFalse, headerOf } from '../trace/step.ts';
import type { Tracer } from '../trace/tracer.ts';
import { TraceTree, floatBytes, leafValues } from '../trace/tree.ts';
import { type UnitShape, unitInputsBytes } from '../trace/unit.ts';
import type { OpenRun } from './run-of-adapter.ts';

/** Arguments of isOtherOutcome in contracts/src/interfaces/ILedgerReferee.sol. */
export interface OutcomeEvidence {
  header: ProgramHeader;
  shape: UnitShape;
  inputs: Hex;
  output: number;
  rows: number;
  columns: number;
  made: Opening;
  registered: ProgramHeader;
  givenRows: number;
  givenColumns: number;
  given: Opening;
}

/** A program of an adapter's answers with its constants; a Tracer is one. */
export type ProgramConstants = Pick<Tracer, 'program' | 'programHash' | 'committed'> & { constants: Constants };

/** What a run's last unit made, and the program that answers of its adapter follow because of that. */
export interface RunOutcome extends ProgramConstants {
  made: readonly Matrix[];
  /** Which of the program's constants each is. */
  indices: readonly number[];
}

/** Throws what RunReplay.outputsOf throws, `cancelled`. */
export async function outcomeOf({ plan, replay, tracer }: OpenRun, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<RunOutcome> {
  const { model } = replay;
  const last = plan.count - 1;
  const made = (await replay.outputsOf([last], { signal })).get(last)!;
  const indices = plan.inputs(last).scalars.map(bitsOf);
  const { sizes } = plan.ledger;
  const program = traceProgram({ config: model.config, positions: model.positions, layers: tracer.subject.layers, checkpoints: sizes.checkpoints, width: sizes.width, records: plan.ledgerOptions.records });
  const loaded = new LoadedConstants(program, model);
  const ofRun = new Map(indices.map((index, k) => [index, made[k]!]));
  const constants: Constants = {
    async matrix(index) {
      const origin = program.origins[index]!;
      if (origin.kind !== 'pairs' && origin.kind !== 'members') return ofRun.get(index) ?? loaded.matrix(index);
      const { rows, columns } = program.constants[index]!;
      return { rows, columns, values: sketchTable(sizes, origin.kind, origin.checkpoint, sizes.tensors.findIndex(({ name }) => name === origin.name)) };
    },
  };
  const committed = await constantsTree(constants, program.constants.length, signal);
  return { program, programHash: programHash(program, committed.root), committed, constants, made, indices };
}

/** In place of a constant that the registered program does not have. */
const NOTHING = { givenRows: 0, givenColumns: 0, given: { input: 0, leaf: 0, values: '0x', proof: [] } } satisfies Partial<OutcomeEvidence>;

/**
 * The first of what a run made that its adapter's registered program has otherwise: a constant of another size, or none, or one with another
 * number. Undefined where they differ in something that no run makes (weights of the base, instructions), which no contract judges.
 * `registered` must hash to what is registered.
 */
export async function outcomeEvidence({ plan, tracer }: OpenRun, { made, indices, committed, program }: RunOutcome, registered: ProgramConstants): Promise<{ evidence: OutcomeEvidence; where: string } | undefined> {
  const last = plan.count - 1;
  const meaning = tracer.of(plan.program(last)!);
  const evidenceOf = async (output: number, leaf: number): Promise<OutcomeEvidence> => {
    const [right, index] = [made[output]!, indices[output]!];
    const there = registered.committed.tensors[index];
    const opening = (of: Float32Array, proof: Hex[]): Opening => ({ input: 0, leaf, values: toHex(floatBytes(of)), proof });
    return {
      header: headerOf(meaning.program, meaning.constants.tree.root), shape: meaning.program.shape, inputs: toHex(unitInputsBytes(plan.inputs(last))),
      output, rows: right.rows, columns: right.columns,
      made: opening(leafValues(right, leaf).values, new TraceTree(indices.map((at) => committed.tensors[at]!)).proof(output, leaf)),
      registered: headerOf(registered.program, registered.committed.root),
      ...(there
        ? { givenRows: there.rows, givenColumns: there.columns, given: opening(leafValues(await registered.constants.matrix(index), leaf).values, registered.committed.proof(index, leaf)) }
        : NOTHING),
    };
  };
  for (const [output, index] of indices.entries()) {
    const [right, { name }, there] = [made[output]!, program.constants[index]!, registered.committed.tensors[index]];
    if (!there) return { evidence: await evidenceOf(output, 0), where: `${name}, which it does not have` };
    if (there.rows !== right.rows || there.columns !== right.columns) {
      // Nothing can be opened of a constant without rows.
      if (there.leaves.length === 0) continue;
      return { evidence: await evidenceOf(output, 0), where: `${name}, which is [${there.rows},${there.columns}] and not [${right.rows},${right.columns}]` };
    }
    const found = differenceIn(registered.committed, index, committed.tensors[index]!.leaves);
    if (!found) continue;
    const { row, column } = firstFalse(right, found.leaf, leafValues(await registered.constants.matrix(index), found.leaf).values)!;
    return { evidence: await evidenceOf(output, found.leaf), where: `${name}, row ${row}, column ${column}` };
  }
  return undefined;
}
