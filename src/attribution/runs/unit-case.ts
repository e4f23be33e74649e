import type { Hex } from '../../protocol/bytes.ts';
import { type ShownLeaf, guessLeaf } from '../trace/leaf-search.ts';
import { NodeSearch, type ShownPiece } from '../trace/node-search.ts';
import type { Matrix } from '../trace/run.ts';
import { SEARCH_LIMITS, type SearchLimits } from '../trace/search-plan.ts';
import { ALL_MATRICES } from '../trace/trace-nodes.ts';
import { TraceTree } from '../trace/tree.ts';
import type { UnitKind } from '../trace/unit-program.ts';
import type { TreeProofs, UnitEvidence, UnitSources, UnitTrace, UnitTracer } from '../trace/unit-tracer.ts';
import type { UnitInputs } from '../trace/unit.ts';
import { ALL_OUTPUTS, type RunPlace, tracePlace } from './places.ts';

/** What a unit is computed from; all of it agrees with the statement. */
export interface UnitParts {
  unit: number;
  kind: UnitKind;
  inputs: UnitInputs;
  sources: UnitSources;
}

/** What a statement's maker stands by. */
export interface ClaimedUnit {
  outputRoot: Hex;
  /** Over the inner matrices; undefined until it was shown. */
  innerRoot: Hex | undefined;
}

export type UnitShown = ShownPiece & Pick<RunPlace, 'answer'>;

const HASH = 32;
/** A round of nodes and one of leaves go through so many. */
const FEW_LEAVES = 4_096;
/** Under a root that is not known yet nothing can be shown: only what comes first is asked of such a search. */
const NOT_KNOWN: Hex = `0x${'0'.repeat(64)}`;

/** The first false unit of a statement: where in it the first false leaf is, and what shows that. */
export class UnitCase {
  readonly parts: UnitParts;
  private readonly tracer: UnitTracer;
  private readonly own: UnitTrace;
  private readonly first: number;
  /** Whether the root of the trace was shown. */
  private readonly known: boolean;
  private readonly inner: NodeSearch | undefined;
  private readonly outputs: NodeSearch;

  /** Throws RangeError where the unit is right. */
  constructor(tracer: UnitTracer, { parts, trace }: { parts: UnitParts; trace: UnitTrace }, { innerRoot, outputRoot }: ClaimedUnit) {
    if (innerRoot === trace.inner.root && outputRoot === trace.outputs.root) throw new RangeError(`unit ${parts.unit} is right`);
    this.tracer = tracer;
    this.parts = parts;
    this.own = trace;
    this.first = tracer.firstOutput(parts.kind);
    this.known = innerRoot !== undefined;
    // Where the inner matrices agree, or there are none, the outputs do not.
    this.inner = innerRoot === trace.inner.root || this.first === 0 ? undefined : new NodeSearch(trace.inner, innerRoot ?? NOT_KNOWN);
    this.outputs = new NodeSearch(trace.outputs, outputRoot);
  }

  /** Takes what was shown of the unit; what stands elsewhere than the search is says nothing. Throws RangeError where it stands under neither root. */
  add(piece: UnitShown): void {
    const { index } = piece;
    if (index === ALL_OUTPUTS) this.outputs.add({ ...piece, index: ALL_MATRICES });
    else if (index !== ALL_MATRICES && index >= this.first) this.outputs.add({ ...piece, index: index - this.first });
    else this.inner?.add(piece);
  }

  /** What to demand next, the trace's root first and with it the first nodes under it; nothing once the first false leaf was shown. */
  next(limits: SearchLimits = SEARCH_LIMITS): RunPlace[] {
    // One place is the root's.
    const left = { ...limits, places: Math.max(1, limits.places - 1) };
    const inner = this.inner ? this.placesOf(this.inner, left) : [];
    if (this.known) return this.inner ? inner : this.placesOf(this.outputs, this.isLate ? { ...left, rounds: left.rounds - 1 } : left);
    const outputs = this.isLate ? [] : this.placesOf(this.outputs, left);
    return [tracePlace(this.parts.unit), ...inner, ...outputs].slice(0, Math.max(1, limits.places));
  }

  /** What convicts, once enough was shown or a flipped bit could be guessed; undefined before. Throws `cancelled`. */
  async evidence(options: { signal?: AbortSignal | undefined } = {}): Promise<(UnitEvidence & { where: string }) | undefined> {
    if (!this.known) return undefined;
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

  /** Whether the outputs are asked about only once it is known that nothing else is false: few can be gone through in the rounds that are left then. */
  private get isLate(): boolean {
    return this.first > 0 && this.own.outputs.tensors.reduce((sum, { leaves }) => sum + leaves.length / HASH, 0) <= FEW_LEAVES;
  }

  /** Runs takes demands for no cuts, and no assertions. */
  private placesOf(search: NodeSearch, limits: SearchLimits): RunPlace[] {
    return search.next({ ...limits, cuts: false, asserts: false }).map((place) => ({ ...place, answer: this.parts.unit, index: this.indexOf(place, search) }));
  }

  private indexOf({ index }: { index: number }, search = this.search): number {
    if (search === this.inner) return index;
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
