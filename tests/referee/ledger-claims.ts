/** Units of one instruction of the ledger, as a maker would commit to them: right, or with a bit changed. For tests. */
import type { Instruction, Space } from '../../src/attribution/trace/instruction.ts';
import type { LedgerCase } from '../../src/attribution/trace/testing/ledger-cases.ts';
import { type Matrix, runTexts, slow } from '../../src/attribution/trace/run.ts';
import { buildTextStep, headerOf } from '../../src/attribution/trace/step.ts';
import { Texts } from '../../src/attribution/trace/texts.ts';
import { TraceTree, leafValues } from '../../src/attribution/trace/tree.ts';
import { unitInputsBytes, unitInputsHash, unitProgramHash } from '../../src/attribution/trace/unit.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import type { Hex } from '../../src/protocol/bytes.ts';
import type { UnitQuestion } from './scratch-referee.ts';

const NOTHING: Hex = `0x${'00'.repeat(32)}`;

export class LedgerClaim {
  readonly about: LedgerCase;
  /** As it is. */
  readonly made: Matrix;
  private readonly source: TraceTree;

  private constructor(about: LedgerCase, made: Matrix) {
    this.about = about;
    this.made = made;
    this.source = TraceTree.of(about.given);
  }

  static async of(about: LedgerCase): Promise<LedgerClaim> {
    const constants = { matrix: () => Promise.reject(new Error('no constants')) };
    const [made] = await runTexts(await createCpuBackend(), about.program, constants, { texts: new Texts(about.inputs, 0), sources: [about.given] }, { outputs: 1 });
    return new LedgerClaim(about, made!);
  }

  /** `claimed` as what the unit has made, and the step that shows whether its element follows. */
  question(row: number, column: number, claimed = this.made): UnitQuestion {
    const { program, shape, inputs, given } = this.about;
    const made = TraceTree.of([claimed]);
    const { constantsRoot } = headerOf(program, NOTHING);
    const step = buildTextStep({
      program, texts: new Texts(inputs, 0), inputs: unitInputsBytes(inputs), constantsRoot,
      valuesOf: (space, tensor, leaf) => leafValues(space === 'trace' ? claimed : given[tensor]!, leaf).values,
      proof: (space, tensor, leaf) => (space === 'trace' ? made : this.source).proof(tensor, leaf),
    }, 0, row, column);
    return {
      unit: { programHash: unitProgramHash(program, constantsRoot, shape), inputsHash: unitInputsHash(inputs), outputRoot: made.root, sourceRoots: [this.source.root] },
      shape, innerRoot: NOTHING, step,
    };
  }

  /** With one bit of one value changed. */
  changed(place: number, bit: number): Matrix {
    const values = this.made.values.slice();
    new Uint32Array(values.buffer)[place]! ^= 2 ** bit;
    return { ...this.made, values };
  }

  /** What reads itself, by a maker who goes on from a false value: `place` holds it, and all that is made after it follows. */
  followed(place: number, value: number): Matrix {
    const { program: { instructions: [instruction] }, inputs, given } = this.about;
    return wentOn(instruction!, new Texts(inputs, 0), (space, index) => (space === 'trace' ? undefined : given[index]!), this.made, place, value);
  }
}

/** A matrix that reads itself, made on from a false value; `read` gives what else it reads. */
export function wentOn(instruction: Instruction, texts: Texts, read: (space: Space, index: number) => Matrix | undefined, right: Matrix, place: number, value: number): Matrix {
  const made = { ...right, values: new Float32Array(right.values.length) };
  // It is filled in order; the false value stands whatever is written there.
  const values = new Proxy(made.values, { get: (target, key) => (key === String(place) ? value : (Reflect.get(target, key, target) as unknown)) });
  slow({ instruction, texts, sources: instruction.inputs.map(({ space, index }) => read(space, index) ?? { ...made, values }), ...made });
  made.values[place] = value;
  return made;
}
