import { type Hex, fromHex, toHex } from '../../../protocol/bytes.ts';
import type { Matrix } from '../../trace/run.ts';
import type { NodesOpening } from '../../trace/replies.ts';
import { ALL_MATRICES, TraceNodes } from '../../trace/trace-nodes.ts';
import type { TraceOptions } from '../../trace/tracer.ts';
import { TraceTree, floatBytes, leafValues } from '../../trace/tree.ts';
import type { UnitInputs } from '../../trace/unit.ts';
import { ALL_OUTPUTS, type RunPlace } from '../places.ts';
import type { OpenRun } from '../run-of-adapter.ts';
import { OutputRoots } from '../statement.ts';

/** How a unit is made wrongly. */
export interface Fault {
  /** Changes a matrix of the unit before others read it; `first` is the first output. */
  change?(index: number, matrix: Matrix, first: number): void;
  /** Fed instead of what the plan says. */
  inputs?: UnitInputs;
  /** Whether the inner matrices that it stands by are the right ones; else those that led to its outputs. */
  innerRight?: boolean;
  /** Goes on where no numbers come out. */
  anyRange?: boolean;
  /** Units that it reads which going through the run does not give. */
  made?: ReadonlyMap<number, readonly Matrix[]>;
}

/** Who vouches for a run with one false unit, and shows whatever is asked of it; for tests. */
export class FalseMaker {
  readonly list: OutputRoots;
  readonly unit: number;
  readonly first: number;
  /** What it stands by. */
  readonly trace: { innerRoot: Hex; outputRoot: Hex };
  private readonly matrices: Matrix[];
  private readonly inner: TraceNodes;
  private readonly outputs: TraceNodes;

  private constructor(list: OutputRoots, unit: number, first: number, matrices: Matrix[]) {
    this.unit = unit;
    this.first = first;
    this.matrices = matrices;
    this.inner = new TraceNodes(TraceTree.of(matrices.slice(0, first)));
    this.outputs = new TraceNodes(TraceTree.of(matrices.slice(first)));
    this.trace = { innerRoot: this.inner.tree.root, outputRoot: this.outputs.tree.root };
    const bytes = list.bytes.slice();
    bytes.set(fromHex(this.trace.outputRoot), unit * 32);
    this.list = new OutputRoots(bytes);
  }

  /** `right`: the roots of the run as it is. */
  static async of({ plan, replay, tracer }: OpenRun, right: OutputRoots, unit: number, { change, inputs, innerRight = false, anyRange = false, made: given = new Map() }: Fault): Promise<FalseMaker> {
    const kind = plan.program(unit)!;
    const made = await replay.outputsOf(plan.sources(unit).filter((source) => !given.has(source)));
    const sources = plan.sources(unit).map((source) => (given.get(source) ?? made.get(source))!);
    const first = tracer.firstOutput(kind);
    const run = async (fed: UnitInputs, faulty: boolean) => {
      const matrices: Matrix[] = [];
      const options = {
        judging: anyRange,
        change: (index: number, matrix: Matrix) => {
          if (faulty) change?.(index, matrix, first);
          matrices.push(matrix);
        },
      };
      await tracer.trace(kind, fed, sources, options as TraceOptions);
      return matrices;
    };
    const wrong = await run(inputs ?? plan.inputs(unit), true);
    const matrices = innerRight ? [...(await run(plan.inputs(unit), false)).slice(0, first), ...wrong.slice(first)] : wrong;
    return new FalseMaker(right, unit, first, matrices);
  }

  /** A leaf or nodes of its unit, under the roots that it stands by. */
  shown({ index, leaf, level, depth }: RunPlace): { values: Float32Array; proof: Hex[] } | NodesOpening {
    const outside = index === ALL_OUTPUTS || (index !== ALL_MATRICES && index >= this.first);
    const at = { index: index === ALL_OUTPUTS ? ALL_MATRICES : outside ? index - this.first : index, leaf, level, depth };
    const nodes = outside ? this.outputs : this.inner;
    if (depth) return nodes.opening(at);
    const first = leaf * 2 ** level;
    const all = Array.from({ length: Math.min(2 ** level, nodes.of(at.index).count - first) }, (_, k) => [...leafValues(this.matrices[index]!, first + k).values]);
    return { values: Float32Array.from(all.flat()), proof: nodes.proof(at) };
  }

  /** The same as Shown.nodes and Shown.leaves have it. */
  nodes(place: RunPlace): NodesOpening {
    const found = this.shown(place);
    if ('values' in found) throw new RangeError('no nodes');
    return found;
  }

  leaf(place: RunPlace): { leaf: number; level: number; values: Hex; proof: Hex[] } {
    const found = this.shown(place);
    if (!('values' in found)) throw new RangeError('no leaf');
    return { leaf: place.leaf, level: place.level, values: toHex(floatBytes(found.values)), proof: found.proof };
  }
}

/** Flips the lowest bit of a value. */
export function flipBit({ values }: Matrix, at = 0): void {
  new Uint32Array(values.buffer, values.byteOffset)[at]! ^= 1;
}
