import { type Hex, fromHex, toHex } from '../../protocol/bytes.ts';
import { leafHash, merkleProof, merkleRoot } from '../../protocol/merkle.ts';
import type { Matrix } from '../trace/run.ts';
import { TraceTree } from '../trace/tree.ts';
import type { UnitKind } from '../trace/unit-program.ts';
import { type PlannedUnit, type RunPlan, planLeaf, plannedUnit } from './plan.ts';
import type { ReplayOptions, RunReplay } from './replay.ts';

const HASH = 32;

/** The root that stands for all that a unit made. */
export function outputRoot(made: readonly Matrix[]): Hex {
  return TraceTree.of(made).root;
}

/** Output roots of all units: what is posted with a statement is their bytes, end to end. */
export class OutputRoots {
  readonly bytes: Uint8Array;
  /** Units. */
  readonly count: number;
  readonly leaves: readonly Uint8Array[];
  /** What a statement commits to. */
  readonly root: Hex;

  /** Throws RangeError where the bytes are no whole roots. */
  constructor(bytes: Uint8Array) {
    if (bytes.length === 0 || bytes.length % HASH) throw new RangeError(`${bytes.length} bytes are no list of roots`);
    this.bytes = bytes;
    this.count = bytes.length / HASH;
    this.leaves = Array.from({ length: this.count }, (_, unit) => leafHash(bytes.subarray(unit * HASH, (unit + 1) * HASH)));
    this.root = merkleRoot([...this.leaves]);
  }

  of(unit: number): Hex {
    return toHex(this.bytes.subarray(unit * HASH, (unit + 1) * HASH));
  }

  proof(unit: number): Hex[] {
    return merkleProof([...this.leaves], unit);
  }

  /** The first unit whose root is another; undefined where there is none. Both must be of as many units. */
  firstDifference(other: OutputRoots): number | undefined {
    for (let unit = 0; unit < this.count; unit++) if (this.of(unit) !== other.of(unit)) return unit;
    return undefined;
  }
}

/** What was posted with a statement, where it is what its root says; else undefined: then something of it is missing here. */
export function readOutputRoots(bytes: Uint8Array, units: number, root: Hex): OutputRoots | undefined {
  if (bytes.length !== units * HASH || units === 0) return undefined;
  const found = new OutputRoots(bytes);
  return found.root === root ? found : undefined;
}

/** Output roots of a run, made again here. Throws what RunReplay.follow throws. */
export async function makeOutputRoots(replay: RunReplay, options: ReplayOptions = {}): Promise<OutputRoots> {
  const bytes = new Uint8Array(replay.plan.count * HASH);
  await replay.follow((unit, made) => void bytes.set(fromHex(outputRoot(made)), unit * HASH), options);
  return new OutputRoots(bytes);
}

/** The plan of a run as a statement commits to it. Follows from public files alone. */
export class PlanTree {
  readonly units: readonly PlannedUnit[];
  readonly root: Hex;
  private readonly leaves: Uint8Array[];

  /** `initialRoot`: of the outputs of unit 0. */
  constructor(plan: RunPlan, programHash: (kind: UnitKind) => Hex, initialRoot: Hex) {
    this.units = Array.from({ length: plan.count }, (_, unit) => plannedUnit(plan, unit, programHash, initialRoot));
    this.leaves = this.units.map(planLeaf);
    this.root = merkleRoot(this.leaves);
  }

  proof(unit: number): Hex[] {
    return merkleProof(this.leaves, unit);
  }
}

/** A unit under both roots of a statement: UnitOpening in contracts/src/types/Runs.sol. */
export interface UnitOpening extends PlannedUnit {
  index: number;
  planProof: Hex[];
  outputRoot: Hex;
  outputProof: Hex[];
  sourceRoots: Hex[];
  sourceProofs: Hex[][];
}

/** Proofs under the root of a statement's outputs, as far as they are known. */
export interface RootProofs {
  of(unit: number): Hex;
  proof(unit: number): Hex[];
}

/** Of a source that is not needed: nothing stands under it. */
const NOT_OPENED: Hex = `0x${'0'.repeat(64)}`;

/** `outputs` are those of the statement, not those made here. `reads`: numbers of the sources that are opened; all where absent. */
export function openUnit(plan: PlanTree, outputs: RootProofs, index: number, reads?: readonly number[]): UnitOpening {
  const unit = plan.units[index]!;
  const isRead = (k: number) => !reads || reads.includes(k);
  return {
    index, ...unit,
    planProof: plan.proof(index),
    outputRoot: outputs.of(index),
    outputProof: outputs.proof(index),
    sourceRoots: unit.sources.map((source, k) => (isRead(k) ? outputs.of(source) : NOT_OPENED)),
    sourceProofs: unit.sources.map((source, k) => (isRead(k) ? outputs.proof(source) : [])),
  };
}

/** As where nothing of its sources is read: none is opened. */
export function openAlone(plan: PlanTree, outputs: RootProofs, index: number): UnitOpening {
  return { ...openUnit(plan, outputs, index, []), sourceRoots: [], sourceProofs: [] };
}
