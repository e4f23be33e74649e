import { type Hex, concat, fromHex, toHex, uint256Bytes } from '../../protocol/bytes.ts';
import { fastKeccak256 } from '../../protocol/keccak/keccak.ts';
import type { NodesOpening } from '../trace/replies.ts';
import { ALL_MATRICES, isIn } from '../trace/trace-nodes.ts';
import { TreeNodes, climb, depthOf, widthOf } from '../trace/tree-nodes.ts';
import { ALL_UNITS, type RunPlace } from './places.ts';
import type { OutputRoots } from './statement.ts';

const ROOT = Uint8Array.of(2);
/** Levels that one round goes down at most: 256 hashes cost half a million gas to show, each further level twice as much. */
const ROUND_LEVELS = 8;
const same = (a: Uint8Array, b: Uint8Array) => a.every((byte, k) => byte === b[k]);
const keyOf = (level: number, place: number) => `${level} ${place}`;

/** Finds the first false unit of a statement whose list is withheld, from nodes of its tree. */
export class RootsSearch {
  private readonly own: OutputRoots;
  private readonly nodes: TreeNodes;
  private readonly root: Hex;
  private readonly shown = new Map<string, Uint8Array>();

  /** `root`: the statement's. */
  constructor(own: OutputRoots, root: Hex) {
    this.own = own;
    this.nodes = new TreeNodes(concat(...own.leaves));
    this.root = root;
  }

  /** Throws RangeError where it does not stand under the statement's root. */
  add({ leaf, level, depth, hashes, proof }: NodesOpening): void {
    const { count } = this.own;
    const found = new Map<string, Uint8Array>();
    const top = climb({ count, level, place: leaf, depth }, hashes.map(fromHex), proof, (at, place, hash) => void found.set(keyOf(at, place), hash));
    if (toHex(fastKeccak256(ROOT, uint256Bytes(count), top)) !== this.root) throw new RangeError(`node ${leaf} of level ${level} does not stand under the statement’s root`);
    for (const [key, hash] of found) this.shown.set(key, hash);
  }

  /** The first unit whose root differs, once it is known. */
  get unit(): number | undefined {
    const { level, place } = this.suspect();
    return level === 0 && place < this.own.count ? place : undefined;
  }

  /** What to demand next; nothing once the unit is known. */
  next(): RunPlace[] {
    const { level, place } = this.suspect();
    if (level === 0 && place < this.own.count) return [];
    // Padding that differs: nobody can show the node above it.
    const rounds = Math.ceil(level / ROUND_LEVELS);
    const at = place < widthOf(this.own.count, level) ? { level, leaf: place, depth: Math.ceil(level / rounds) } : { level: level + 1, leaf: place >> 1, depth: 1 };
    return [{ answer: ALL_UNITS, index: ALL_MATRICES, ...at }];
  }

  /** Siblings of a unit that is not after the first false one, under the statement's root. */
  proof(unit: number): Hex[] {
    return this.nodes.siblings(0, unit).map((own, level) => {
      const found = this.shown.get(keyOf(level, Math.floor(unit / 2 ** level) ^ 1));
      return found ? toHex(found) : own;
    });
  }

  private suspect(): { level: number; place: number } {
    let [level, place] = [depthOf(this.own.count), 0];
    while (level > 0) {
      const left = this.shown.get(keyOf(level - 1, 2 * place));
      if (!left) break;
      place = same(left, this.nodes.node(level - 1, 2 * place)) ? 2 * place + 1 : 2 * place;
      level--;
      if (place >= widthOf(this.own.count, level)) break;
    }
    return { level, place };
  }
}

/** The node under a demanded place of the tree of output roots; undefined where there is none. */
export function rootsReply(list: OutputRoots, { leaf, level, depth }: RunPlace): NodesOpening | undefined {
  const nodes = new TreeNodes(concat(...list.leaves));
  if (depth < 1 || !isIn(list.count, { leaf, level, depth })) return undefined;
  return { leaf, level, depth, hashes: nodes.below(level, leaf, depth), proof: nodes.siblings(level, leaf) };
}
