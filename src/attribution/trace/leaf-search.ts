import { type Hex, concat, fromHex, toHex, uint256Bytes } from '../../protocol/bytes.ts';
import { fastKeccak256 } from '../../protocol/keccak/keccak.ts';
import { leafValues, hashLeaf, TraceTree } from './tree.ts';
import type { Matrix } from './run.ts';

/** A leaf of a trace: which instruction's matrix, and which of its leaves. */
export interface LeafPlace {
  index: number;
  leaf: number;
}

/** A leaf of a claim as its claimant showed it. */
export interface ShownLeaf extends LeafPlace {
  values: Float32Array;
  /** Siblings within the matrix, then of the matrix in the trace. */
  proof: readonly Hex[];
}

const HASH = 32;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const ROOT = Uint8Array.of(2);
const depthOf = (count: number) => Math.ceil(Math.log2(Math.max(1, count)));
const same = (a: Uint8Array, b: Uint8Array) => a.every((byte, k) => byte === b[k]);

/**
 * Finds the first false leaf of a claim whose trace is withheld. Each leaf that its claimant shows brings the hashes beside its
 * path, and so says of whole stretches of the trace whether they are as computed here. Until the first false leaf is shown
 * the stretch that holds it at least halves with each leaf, and shrinks `count`-fold with as many leaves at once.
 */
export class LeafSearch {
  readonly own: TraceTree;
  readonly root: Hex;
  /** Leaves of all matrices before matrix k; one more than there are matrices. */
  private readonly starts: number[];
  /** Nodes of the claim's trees, as shown; by matrix (-1: the tree of all), level and place. */
  private readonly shown = new Map<string, Uint8Array>();
  private from = 0;
  private end: number;
  private leaf: ShownLeaf | undefined;

  constructor(own: TraceTree, root: Hex) {
    this.own = own;
    this.root = root;
    this.starts = [0];
    for (const { leaves } of own.tensors) this.starts.push(this.starts.at(-1)! + leaves.length / HASH);
    this.end = this.starts.at(-1)!;
  }

  /** Leaves among which the first false one is. */
  get left(): number {
    return this.end - this.from;
  }

  /** The first false leaf, once it was shown; everything before it agrees. */
  get found(): ShownLeaf | undefined {
    return this.leaf && this.left === 1 && this.positionOf(this.leaf) === this.from ? this.leaf : undefined;
  }

  /** Takes a leaf that was shown. Throws RangeError where it does not stand under the claim's root. */
  add(shown: ShownLeaf): void {
    const tensor = this.own.tensors[shown.index];
    if (!tensor || !(shown.leaf >= 0 && shown.leaf * HASH < tensor.leaves.length)) throw new RangeError(`no leaf ${shown.leaf} of instruction ${shown.index}`);
    const within = depthOf(tensor.leaves.length / HASH);
    const nodes = this.climb(shown, within);
    const position = this.positionOf(shown);
    // Stretches that differ; the leftmost holds the first false leaf.
    const stretches: { from: number; end: number }[] = [];
    const ownLeaf = tensor.leaves.subarray(shown.leaf * HASH, (shown.leaf + 1) * HASH);
    if (!same(ownLeaf, hashLeaf(shown.values))) stretches.push({ from: position, end: position + 1 });
    this.own.proof(shown.index, shown.leaf).forEach((hash, k) => {
      if (hash === shown.proof[k]) return;
      const stretch = k < within ? this.leavesUnder(shown.index, k, (shown.leaf >> k) ^ 1) : this.tensorsUnder(k - within, (shown.index >> (k - within)) ^ 1);
      // Padding that differs holds no leaf: no tree of such a root opens there.
      if (stretch.end > stretch.from) stretches.push(stretch);
    });
    for (const [key, hash] of nodes) this.shown.set(key, hash);
    const [first] = stretches.sort((a, b) => a.from - b.from);
    // Nothing to be told from what is as it should be: a root that differs differs in some stretch.
    if (!first) return;
    if (first.from >= this.from && first.end <= this.end) [this.from, this.end] = [first.from, first.end];
    if (first.from === position && first.end === position + 1 && this.from === position) this.leaf = shown;
  }

  /** Leaves to ask for, at most `count`: they cut what is left in stretches of one size. None once it is found. */
  next(count: number): LeafPlace[] {
    if (this.found) return [];
    const size = Math.min(count, this.left);
    const positions = Array.from({ length: size }, (_, k) => this.from + Math.floor(((k + 1) * this.left) / (size + 1)));
    return [...new Set(positions)].map((position) => this.placeOf(position));
  }

  /** The claim's tree as far as it is known: hashes shown, and the own ones of what agrees. Right for the first false leaf and all before. */
  tree(): TraceTree {
    return new ShownTree(this.own, this.shown);
  }

  private positionOf({ index, leaf }: LeafPlace): number {
    return this.starts[index]! + leaf;
  }

  private placeOf(position: number): LeafPlace {
    let index = 0;
    while (this.starts[index + 1]! <= position) index++;
    return { index, leaf: position - this.starts[index]! };
  }

  private leavesUnder(index: number, level: number, place: number): { from: number; end: number } {
    const [first, end] = [this.starts[index]!, this.starts[index + 1]!];
    return { from: Math.min(end, first + place * 2 ** level), end: Math.min(end, first + (place + 1) * 2 ** level) };
  }

  private tensorsUnder(level: number, place: number): { from: number; end: number } {
    const last = this.own.tensors.length;
    return { from: this.starts[Math.min(last, place * 2 ** level)]!, end: this.starts[Math.min(last, (place + 1) * 2 ** level)]! };
  }

  /** Nodes on and beside the leaf's path. Throws RangeError where they do not lead to the claim's root. */
  private climb({ index, leaf, values, proof }: ShownLeaf, within: number): Map<string, Uint8Array> {
    const { rows, columns, leaves } = this.own.tensors[index]!;
    const nodes = new Map<string, Uint8Array>();
    const up = (tensor: number, start: Uint8Array, at: number, siblings: readonly Hex[]) => {
      let hash = start;
      siblings.forEach((sibling, level) => {
        const place = Math.floor(at / 2 ** level);
        const other = fromHex(sibling);
        nodes.set(keyOf(tensor, level, place), hash);
        nodes.set(keyOf(tensor, level, place ^ 1), other);
        hash = place & 1 ? fastKeccak256(NODE, other, hash) : fastKeccak256(NODE, hash, other);
      });
      return hash;
    };
    const top = up(index, hashLeaf(values), leaf, proof.slice(0, within));
    const tensorRoot = fastKeccak256(ROOT, uint256Bytes(leaves.length / HASH), top);
    const shape = new DataView(new ArrayBuffer(8));
    shape.setUint32(0, rows);
    shape.setUint32(4, columns);
    const all = up(-1, fastKeccak256(LEAF, concat(tensorRoot, new Uint8Array(shape.buffer))), index, proof.slice(within));
    const length = within + depthOf(this.own.tensors.length);
    if (proof.length !== length || toHex(fastKeccak256(ROOT, uint256Bytes(this.own.tensors.length), all)) !== this.root) {
      throw new RangeError(`leaf ${leaf} of instruction ${index} does not stand under the claim's root`);
    }
    return nodes;
  }
}

const keyOf = (tensor: number, level: number, place: number) => `${tensor} ${level} ${place}`;

class ShownTree extends TraceTree {
  private readonly shown: ReadonlyMap<string, Uint8Array>;

  constructor(own: TraceTree, shown: ReadonlyMap<string, Uint8Array>) {
    super(own.tensors);
    this.shown = shown;
  }

  override proof(tensor: number, leaf: number): Hex[] {
    const within = depthOf(this.tensors[tensor]!.leaves.length / HASH);
    return super.proof(tensor, leaf).map((own, k) => {
      const found = k < within ? this.shown.get(keyOf(tensor, k, (leaf >> k) ^ 1)) : this.shown.get(keyOf(-1, k - within, (tensor >> (k - within)) ^ 1));
      return found ? toHex(found) : own;
    });
  }
}

/**
 * Values of a leaf of which only the hash is known, where one bit of one value is all that is not as computed here. Saves the
 * demand for it. Undefined where it is something else.
 */
export function guessLeaf(right: Matrix, leaf: number, hash: Uint8Array): Float32Array | undefined {
  const values = leafValues(right, leaf).values.slice();
  const bits = new Uint32Array(values.buffer);
  for (let at = 0; at < bits.length; at++) {
    for (let bit = 0; bit < 32; bit++) {
      bits[at]! ^= 2 ** bit;
      if (same(hashLeaf(values), hash)) return values;
      bits[at]! ^= 2 ** bit;
    }
  }
  return undefined;
}
