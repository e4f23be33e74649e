import type { Hex } from '../../protocol/bytes.ts';
import { type ShownLeaf, guessLeaf } from '../trace/leaf-search.ts';
import { NodeSearch, type ShownPiece } from '../trace/node-search.ts';
import type { Matrix } from '../trace/run.ts';
import type { SearchLimits } from '../trace/search-plan.ts';
import { ALL_MATRICES } from '../trace/trace-nodes.ts';
import { TraceTree } from '../trace/tree.ts';
import type { UnitKind } from '../trace/unit-program.ts';
import type { TreeProofs, UnitEvidence, UnitSources, UnitTrace, UnitTracer } from '../trace/unit-tracer.ts';
import type { UnitInputs } from '../trace/unit.ts';
import { ALL_OUTPUTS, type RunPlace } from './places.ts';

/** What a unit is computed from; all of it agrees with the statement. */
export interface UnitParts {
  unit: number;
  kind: UnitKind;
  inputs: UnitInputs;
  sources: UnitSources;
}

/** The roots that a statement's maker stands by. */
export interface ClaimedTrace {
  innerRoot: Hex;
  outputRoot: Hex;
}

export type UnitShown = ShownPiece & Pick<RunPlace, 'answer'>;

/** The first false unit of a statement: where in it the first false leaf is, and what shows that. */
export class UnitCase {
  readonly parts: UnitParts;
  private readonly tracer: UnitTracer;
  private readonly own: UnitTrace;
  private readonly first: number;
  private readonly inner: NodeSearch | undefined;
  private readonly outputs: NodeSearch;

  private constructor(tracer: UnitTracer, parts: UnitParts, own: UnitTrace, { innerRoot, outputRoot }: ClaimedTrace) {
    this.tracer = tracer;
    this.parts = parts;
    this.own = own;
    this.first = tracer.firstOutput(parts.kind);
    // Where the inner matrices agree, the outputs do not.
    this.inner = innerRoot === own.inner.root ? undefined : new NodeSearch(own.inner, innerRoot);
    this.outputs = new NodeSearch(own.outputs, outputRoot);
  }

  /** Throws what UnitTracer.trace throws; RangeError where the unit is right. */
  static async of(tracer: UnitTracer, parts: UnitParts, claimed: ClaimedTrace, options: { signal?: AbortSignal | undefined } = {}): Promise<UnitCase> {
    const own = await tracer.trace(parts.kind, parts.inputs, parts.sources, options);
    if (claimed.innerRoot === own.inner.root && claimed.outputRoot === own.outputs.root) throw new RangeError(`unit ${parts.unit} is right`);
    return new UnitCase(tracer, parts, own, claimed);
  }

  /** Takes what was shown of the unit; what stands elsewhere than the search is says nothing. Throws RangeError where it stands under neither root. */
  add(piece: UnitShown): void {
    const { index } = piece;
    if (index === ALL_OUTPUTS) this.outputs.add({ ...piece, index: ALL_MATRICES });
    else if (index !== ALL_MATRICES && index >= this.first) this.outputs.add({ ...piece, index: index - this.first });
    else this.inner?.add(piece);
  }

  /** What to demand next; nothing once the first false leaf was shown. */
  next(limits?: SearchLimits): RunPlace[] {
    return this.search.next(limits).map((place) => ({ ...place, answer: this.parts.unit, index: this.indexOf(place) }));
  }

  /** What convicts, once enough was shown or a flipped bit could be guessed; undefined before. Throws `cancelled`. */
  async evidence(options: { signal?: AbortSignal | undefined } = {}): Promise<(UnitEvidence & { where: string }) | undefined> {
    const leaf = this.search.found ?? (await this.guessed(options));
    if (!leaf) return undefined;
    const { parts: { kind, inputs, sources }, tracer, own } = this;
    const index = this.indexOf(leaf);
    const claimed = { inner: this.inner?.tree() ?? own.inner, outputs: this.outputs.tree(), sources: sources.map(proofsWhenAsked) };
    const found = await tracer.evidence(kind, inputs, sources, claimed, { index, leaf: leaf.leaf }, leaf.values, options);
    return found && { ...found, where: `${tracer.program(kind).instructions[index]!.name}, row ${found.step.row}, column ${found.step.column}` };
  }

  private get search(): NodeSearch {
    return this.inner ?? this.outputs;
  }

  private indexOf({ index }: { index: number }): number {
    if (this.inner) return index;
    return index === ALL_MATRICES ? ALL_OUTPUTS : this.first + index;
  }

  /** The leaf whose hash is known, where one bit of one value is all that is false in it. */
  private async guessed(options: { signal?: AbortSignal | undefined }): Promise<ShownLeaf | undefined> {
    const known = this.search.falseLeaf;
    if (!known || !this.search.proves(known)) return undefined;
    const { parts: { kind, inputs, sources }, tracer } = this;
    const index = this.indexOf(known);
    const right = (await tracer.matrices(kind, inputs, sources, [index], options)).get(index)!;
    const values = guessLeaf(right, known.leaf, known.hash);
    return values && { index: known.index, leaf: known.leaf, values, proof: [] };
  }
}

/** A unit reads up to 253 others and a step of it few: hashed are those that a proof is asked of. */
function proofsWhenAsked(matrices: readonly Matrix[]): TreeProofs {
  let tree: TraceTree | undefined;
  return { proof: (tensor, leaf) => (tree ??= TraceTree.of(matrices)).proof(tensor, leaf) };
}
