import { beforeAll, describe, expect, it, vi } from 'vitest';
import { randomBelow } from '../../arithmetic/random.ts';
import { type Hex, concat, fromHex, toHex, uint256Bytes } from '../../protocol/bytes.ts';
import { fastKeccak256 } from '../../protocol/keccak/keccak.ts';
import { merkleProof, merkleRoot } from '../../protocol/merkle.ts';
import { NodeSearch, type ShownPiece } from './node-search.ts';
import type { Matrix } from './run.ts';
import { SEARCH_LIMITS, SearchPlan, roundGas } from './search-plan.ts';
import { ALL_MATRICES, CUT, TraceNodes, type TracePlace, leafPlace } from './trace-nodes.ts';
import { TraceTree, hashLeaf, leafValues, tensorOf } from './tree.ts';
import { TreeNodes, depthOf, widthOf } from './tree-nodes.ts';

const below = (most: number, ...at: number[]) => randomBelow(most, 11, at[0] ?? 0, at[1] ?? 0);
const hashesOf = (count: number, seed: number) => concat(...Array.from({ length: count }, (_, k) => fastKeccak256(uint256Bytes(seed), uint256Bytes(k))));
const split = (leaves: Uint8Array) => Array.from({ length: leaves.length / 32 }, (_, k) => leaves.subarray(32 * k, 32 * k + 32));

/** Values of a leaf; those of a false one differ in two bits. */
function valuesOf(index: number, leaf: number, isFalse = false): Float32Array {
  return new Float32Array(256).fill(1).with(0, index).with(1, leaf).with(2, isFalse ? 5 : 1);
}
/** A trace of matrices with so many leaves, and the same with other leaves. */
const treeOf = (counts: readonly number[]) => new TraceTree(counts.map((count, k) => tensorOf(count, 256, concat(...Array.from({ length: count }, (_, leaf) => hashLeaf(valuesOf(k, leaf)))))));
function spoilt(tree: TraceTree, places: readonly { index: number; leaf: number }[]): TraceTree {
  return new TraceTree(tree.tensors.map((tensor, k) => {
    const here = places.filter(({ index }) => index === k);
    if (!here.length) return tensor;
    const leaves = tensor.leaves.slice();
    for (const { leaf } of here) leaves.set(hashLeaf(valuesOf(k, leaf, true)), 32 * leaf);
    return tensorOf(tensor.rows, tensor.columns, leaves);
  }));
}

/** What a claimant who shows everything answers. */
function maker(tree: TraceTree) {
  const nodes = new TraceNodes(tree);
  const shown = (index: number, leaf: number) => [valuesOf(index, leaf), valuesOf(index, leaf, true)].find((values) => toHex(hashLeaf(values)) === toHex(nodes.of(index).node(0, leaf)))!;
  return (place: TracePlace): ShownPiece => {
    const { index, leaf, level, depth } = place;
    if (depth > 0) return { index, ...nodes.opening(place) };
    const first = leaf * 2 ** level;
    const all = Array.from({ length: Math.min(2 ** level, nodes.of(index).count - first) }, (_, k) => [...shown(index, first + k)]);
    return { index, leaf, level, values: Float32Array.from(all.flat()), proof: nodes.proof(place) };
  };
}

describe('nodes of a tree', () => {
  it('are those of protocol/merkle.ts, padding included', () => {
    for (const count of [1, 2, 3, 5, 8, 13, 33]) {
      const leaves = hashesOf(count, count);
      const nodes = new TreeNodes(leaves);
      expect(nodes.depth).toBe(depthOf(count));
      expect(toHex(fastKeccak256(Uint8Array.of(2), uint256Bytes(count), nodes.node(nodes.depth, 0)))).toBe(merkleRoot(split(leaves)));
      for (let leaf = 0; leaf < count; leaf++) expect(nodes.siblings(0, leaf)).toEqual(merkleProof(split(leaves), leaf));
      for (let level = 0; level <= nodes.depth; level++) expect(nodes.below(nodes.depth, 0, nodes.depth - level)).toHaveLength(widthOf(count, level));
      expect(() => nodes.node(nodes.depth + 1, 0)).toThrow(RangeError);
    }
  });
});

/** Runs a search to its end against a maker who shows everything. */
function searchFor(own: TraceTree, claimed: TraceTree, given = SEARCH_LIMITS) {
  const show = maker(claimed);
  const search = new NodeSearch(own, claimed.root);
  const [rounds, gas]: [number[], number[]] = [[], []];
  const limits = () => ({ ...given, most: Math.max(1, given.most - rounds.length) });
  for (let next = search.next(limits()); next.length; next = search.next(limits())) {
    if (rounds.length > 40) break;
    rounds.push(next.length);
    gas.push(roundGas(own.tensors.map(({ leaves }) => leaves.length / 32), next));
    for (const place of next) search.add(show(place));
  }
  return { search, rounds: rounds.length, places: rounds.reduce((a, b) => a + b, 0), gas: gas.reduce((a, b) => a + b, 0) };
}

describe('a search', () => {
  const counts = Array.from({ length: 300 }, (_, k) => (below(5, k) === 0 ? 1 + below(130, k, 1) : 1 + below(12, k, 2)));
  const own = treeOf(counts);

  it('ends within the rounds at the first false leaf, wherever it is and whatever follows it', () => {
    for (let seed = 0; seed < 12; seed++) {
      const index = below(counts.length, seed, 3);
      const leaf = below(counts[index]!, seed, 4);
      const rest = seed % 2 ? Array.from({ length: counts.length - index - 1 }, (_, k) => ({ index: index + 1 + k, leaf: 0 })) : [];
      const claimed = spoilt(own, [{ index, leaf }, ...rest]);
      const { search, rounds } = searchFor(own, claimed);
      expect(search.falseLeaf).toMatchObject({ index, leaf });
      expect(search.left).toBe(1);
      expect(rounds).toBeLessThanOrEqual(SEARCH_LIMITS.rounds);
      // All that stands at or before it is proved under the claim's root.
      expect(search.proves({ index, leaf })).toBe(true);
      const known = search.tree();
      for (const [tensor, place] of [[index, leaf], [0, 0], [below(index + 1, seed, 5), 0]] as const) expect(known.proof(tensor, place)).toEqual(claimed.proof(tensor, place));
    }
  });

  it('comes in two rounds to leaves below one node, which can be asserted, or to the leaf itself, wherever it is', () => {
    let asserted = 0;
    for (let seed = 20; seed < 36; seed++) {
      const index = below(counts.length, seed, 3);
      const leaf = below(counts[index]!, seed, 4);
      const claimed = spoilt(own, [{ index, leaf }, { index: Math.min(index + 1, 299), leaf: 0 }]);
      const search = new NodeSearch(own, claimed.root);
      let rounds = 0;
      let next = search.next();
      for (; next.length && !search.lastNode(next) && rounds < 5; rounds++, next = search.next()) for (const place of next) search.add(maker(claimed)(place));
      expect(rounds).toBeLessThanOrEqual(2);
      const node = search.lastNode(next);
      if (!node) {
        expect(search.found).toMatchObject({ index, leaf });
        continue;
      }
      asserted += 1;
      expect(node).toMatchObject({ index });
      expect([node.leaf << node.level <= leaf, (node.leaf + 1) << node.level > leaf]).toEqual([true, true]);
    }
    expect(asserted).toBeGreaterThan(3);
  });

  it('knows no such node where more is asked for, or where padding may be what is false', () => {
    const claimed = spoilt(own, [{ index: 299, leaf: 0 }]);
    const search = new NodeSearch(own, claimed.root);
    const leaves = (index: number) => ({ index, leaf: 0, level: depthOf(counts[index]!), depth: 0 });
    expect(search.lastNode([])).toBeUndefined();
    expect(search.lastNode([leaves(299)])).toBeUndefined();
    // All but the last four matrices agree, of which there are 300.
    search.add(maker(claimed)({ index: ALL_MATRICES, leaf: 0, level: 9, depth: 7 }));
    expect(search.left).toBe([296, 297, 298, 299].reduce((sum, index) => sum + counts[index]!, 0));
    expect(search.lastNode([leaves(299)])).toBeUndefined();
    search.add(maker(claimed)({ index: ALL_MATRICES, leaf: 74, level: 2, depth: 2 }));
    expect(search.lastNode([leaves(299)])).toEqual({ index: 299, leaf: 0, level: depthOf(counts[299]!) });
    expect(search.lastNode([leaves(299), leaves(298)])).toBeUndefined();
    expect(search.lastNode([{ ...leaves(299), level: 1, depth: 1 }])).toBeUndefined();
    expect(search.lastNode([leaves(298)])).toBeUndefined();
  });

  it('goes on from what others demanded, and needs no leaf whose hash says what it holds', () => {
    const claimed = spoilt(own, [{ index: 77, leaf: 0 }]);
    const show = maker(claimed);
    const search = new NodeSearch(own, claimed.root);
    search.add(show(leafPlace({ index: 78, leaf: 0 })));
    // The leaf of 78 agrees, and so does 79's: the siblings of its proof say that 76 or 77 is false.
    expect(search.left).toBe(counts[76]! + counts[77]!);
    search.add(show({ index: 77, leaf: 0, level: depthOf(counts[77]!), depth: depthOf(counts[77]!) }));
    expect(search.falseLeaf).toMatchObject({ index: 77, leaf: 0 });
    expect(search.found).toBeUndefined();
    expect(search.proves({ index: 77, leaf: 0 })).toBe(true);
    expect(search.next()).toEqual([leafPlace({ index: 77, leaf: 0 })]);
  });

  it('takes a cut of its name with other levels for another one, and one with words behind its levels for its own', () => {
    const claimed = spoilt(own, [{ index: 77, leaf: 0 }]);
    const show = maker(claimed);
    const [cut] = new NodeSearch(own, claimed.root).next();
    expect(cut?.depth).toBe(CUT);
    const after = (levels: readonly Hex[], leaf = cut!.leaf) => {
      const search = new NodeSearch(own, claimed.root);
      search.add(show({ ...cut!, levels, leaf }));
      return search.next({ ...SEARCH_LIMITS, most: 2 });
    };
    // Under the place's own name, as a claimant can arrange it: no round of ours is over.
    const planned = vi.spyOn(SearchPlan.prototype, 'places');
    expect(after([`0x${'ff'.repeat(32)}`])).toEqual(new NodeSearch(own, claimed.root).next({ ...SEARCH_LIMITS, most: 2 }));
    expect(planned.mock.lastCall![1].rounds).toBe(SEARCH_LIMITS.rounds);
    // Under another name, with a word that changes nothing: it is.
    expect(after([...cut!.levels!, `0x${'5a'.repeat(32)}`], cut!.leaf ^ 1)).toEqual(after(cut!.levels!));
    after([...cut!.levels!, `0x${'5a'.repeat(32)}`], cut!.leaf ^ 1);
    expect(planned.mock.lastCall![1].rounds).toBe(SEARCH_LIMITS.rounds - 1);
    planned.mockRestore();
    expect(after(cut!.levels!)).not.toEqual([cut]);
  });

  it('goes on from nodes that were published, and asks for what is below them only', () => {
    const index = counts.findIndex((count) => count > 70);
    const leaf = counts[index]! - 1;
    const claimed = spoilt(own, [{ index, leaf }, { index: index + 1, leaf: 0 }]);
    const nodes = new TraceNodes(claimed);
    const search = new NodeSearch(own, claimed.root);
    const LEVEL = 2;
    for (const [k, count] of counts.entries()) {
      const level = Math.min(LEVEL, depthOf(count));
      search.know(k, level, Array.from({ length: widthOf(count, level) }, (_, place) => nodes.of(k).node(level, place)));
    }
    search.know(ALL_MATRICES, 0, counts.map((_, k) => nodes.all.node(0, k)));
    expect(search.left).toBe(1 + (leaf % 4));
    const next = search.next();
    expect(next.every((place) => place.index === index)).toBe(true);
    for (const place of next) search.add(maker(claimed)(place));
    expect(search.falseLeaf).toMatchObject({ index, leaf });
    expect(search.proves({ index, leaf })).toBe(true);
    const hash = nodes.of(index).node(0, 0);
    expect(() => search.know(index, 0, [hash])).toThrow(RangeError);
    expect(() => search.know(index, 12, [hash])).toThrow(RangeError);
    expect(() => search.know(300, 0, [hash])).toThrow(RangeError);
  });

  it('takes nothing that does not stand under the root, or is no such place', () => {
    const claimed = spoilt(own, [{ index: 5, leaf: 0 }]);
    const show = maker(claimed);
    const search = new NodeSearch(own, claimed.root);
    const top = { index: ALL_MATRICES, leaf: 0, level: 9, depth: 4 };
    const shown = show(top) as Extract<ShownPiece, { hashes: unknown }>;
    const other = toHex(new Uint8Array(32));
    expect(() => search.add({ ...shown, hashes: [other, ...shown.hashes.slice(1)] })).toThrow('does not stand');
    expect(() => search.add({ ...shown, hashes: shown.hashes.slice(1) })).toThrow('does not stand');
    expect(() => search.add({ ...shown, hashes: ['0x12', ...shown.hashes.slice(1)] })).toThrow('does not stand');
    expect(() => search.add({ ...shown, proof: [other] })).toThrow('does not stand');
    expect(() => search.add({ ...shown, level: 10 })).toThrow('no node');
    expect(() => search.add({ ...shown, leaf: 1 })).toThrow('no node');
    expect(() => search.add({ ...shown, index: 300 })).toThrow('no node');
    expect(() => search.add({ index: 3, leaf: 10 ** 6, values: new Float32Array(1), proof: [] })).toThrow('no leaf');
    search.add(shown);
    expect(search.left).toBeLessThan(counts.reduce((a, b) => a + b, 0));
  });

  it('has a maker fall silent whose padding is no padding', () => {
    // Five matrices: places 5, 6 and 7 are padding, and one of them is not zero.
    const small = treeOf([1, 1, 1, 1, 1]);
    const words = concat(uint256Bytes(1).subarray(28), uint256Bytes(256).subarray(28));
    const tops = small.tensors.map(({ root }) => fastKeccak256(Uint8Array.of(0), root, words));
    const node = (left: Uint8Array, right: Uint8Array) => fastKeccak256(Uint8Array.of(1), left, right);
    const zero = new Uint8Array(32);
    const [left, right] = [node(node(tops[0]!, tops[1]!), node(tops[2]!, tops[3]!)), node(node(tops[4]!, fromHex(`0x${'07'.repeat(32)}`)), node(zero, zero))];
    const search = new NodeSearch(small, toHex(fastKeccak256(Uint8Array.of(2), uint256Bytes(5), node(left, right))));
    const proof = [toHex(fromHex(`0x${'07'.repeat(32)}`)), toHex(node(zero, zero)), toHex(left)];
    search.add({ index: 4, leaf: 0, level: 0, depth: 0, hashes: [toHex(small.tensors[4]!.leaves)], proof });
    expect(search.falseLeaf).toBeUndefined();
    expect(search.next()).toEqual([{ index: ALL_MATRICES, leaf: 2, level: 1, depth: 1 }]);
  });

  it('keeps to the places that may be demanded at once, in more rounds where it must', () => {
    for (const places of [1, 2, 4]) {
      const { search, rounds } = searchFor(own, spoilt(own, [{ index: 299, leaf: 0 }]), { ...SEARCH_LIMITS, places });
      expect(search.falseLeaf).toMatchObject({ index: 299, leaf: 0 });
      expect(rounds).toBeLessThanOrEqual(places === 1 ? 4 : 3);
    }
  });
});

describe('a search as large as the shipped base’s', () => {
  /** Leaves of each matrix of an answer of 60 tokens: 2,439 matrices, up to 960 leaves in one, 115,010 in all (docs/claims.md). */
  let own: TraceTree;
  let counts: number[];
  beforeAll(() => {
    counts = Array.from({ length: 2439 }, (_, k) => (k % 29 === 7 ? 960 : 1 + below(30, k, 6)));
    own = treeOf(counts);
  });

  it('takes three rounds, and less gas than is left beside commitment and proof', () => {
    let worst = 0;
    for (let seed = 0; seed < 4; seed++) {
      const index = seed % 2 ? 29 * below(84, seed, 7) + 7 : below(2439, seed, 8);
      const leaf = below(counts[index]!, seed, 9);
      const { search, rounds, gas } = searchFor(own, spoilt(own, [{ index, leaf }]));
      expect(search.falseLeaf).toMatchObject({ index, leaf });
      expect(rounds).toBeLessThanOrEqual(3);
      worst = Math.max(worst, gas);
    }
    console.info(`worst of four: ${worst} gas of both sides`);
    expect(worst).toBeLessThan(2_500_000);
  }, 20_000);

  it('takes a fourth round where three would cost more than they may, if there is time; else it costs what it must', () => {
    const at = { index: 29 * 40 + 7, leaf: 700 };
    const claimed = spoilt(own, [at]);
    const [three, four, hurried] = [SEARCH_LIMITS, { ...SEARCH_LIMITS, gas: 2_000_000 }, { ...SEARCH_LIMITS, gas: 2_000_000, most: 3 }].map((limits) => searchFor(own, claimed, limits));
    for (const { search } of [three!, four!, hurried!]) expect(search.falseLeaf).toMatchObject(at);
    expect([three!.rounds, four!.rounds, hurried!.rounds]).toEqual([3, 4, 3]);
    expect(four!.gas).toBeLessThanOrEqual(2_000_000);
    expect(hurried!.gas).toBeGreaterThan(2_000_000);
  }, 20_000);

  it('is planned in little time', () => {
    const began = performance.now();
    new SearchPlan(counts, 16).places({ index: ALL_MATRICES, level: 12, leaf: 0 }, SEARCH_LIMITS);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

it('a leaf is what its values hash to', () => {
  const matrices: Matrix[] = [1, 2, 3].map((k) => ({ rows: 3, columns: 300, values: Float32Array.from({ length: 900 }, (_, i) => k * i) }));
  const own = TraceTree.of(matrices);
  const changed = matrices.map((matrix, k) => (k === 1 ? { ...matrix, values: matrix.values.with(600, -1) } : matrix));
  const claimed = TraceTree.of(changed);
  const search = new NodeSearch(own, claimed.root);
  const { index, leaf } = { index: 1, leaf: 4 };
  expect(search.left).toBe(18);
  search.add({ index, leaf, values: leafValues(changed[index]!, leaf).values, proof: claimed.proof(index, leaf) });
  expect(search.found).toMatchObject({ index, leaf });
  expect(search.falseLeaf!.hash).toEqual(hashLeaf(leafValues(changed[index]!, leaf).values));
  expect(search.next()).toEqual([]);
});
