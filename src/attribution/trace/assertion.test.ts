import { beforeAll, describe, expect, it } from 'vitest';
import { randomBelow } from '../../arithmetic/random.ts';
import { bitsOf } from '../../arithmetic/rf32.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { type Hex, fromHex, keccak256, toHex, uint256Bytes } from '../../protocol/bytes.ts';
import { merkleRoot } from '../../protocol/merkle.ts';
import { type LeavesPlace, type Refutation, assertionFrom, assertionOf, refutationOf } from './assertion.ts';
import { ELEMENTS } from './element.ts';
import { type TraceInputs, instructionBytes, instructionLeaves } from './instruction.ts';
import { singleLeaves } from './leaf-search.ts';
import type { Matrix } from './run.ts';
import { inputsBytes } from './step.ts';
import { answerTexts } from './texts.ts';
import { type SmallOptions, type SmallTrace, randomInputs, runAll, smallTrace } from './testing/small-trace.ts';
import { MOST_RANGE } from './trace-nodes.ts';
import { Tracer } from './tracer.ts';
import { TraceTree, cutOf, leafAt, leafValues } from './tree.ts';
import { depthOf, widthOf } from './tree-nodes.ts';

const backend = await createCpuBackend();
const draw = (most: number, ...at: number[]) => randomBelow(most, 23, at[0] ?? 0, at[1] ?? 0);

interface Case {
  small: SmallTrace;
  tracer: Tracer;
  inputs: TraceInputs;
  right: Matrix[];
  tree: TraceTree;
}

async function caseOf(options: SmallOptions, tokens: number, answer: number): Promise<Case> {
  const small = await smallTrace(backend, options);
  const inputs = randomInputs(small.model.config.vocab, tokens, answer);
  const right = await runAll(backend, small, inputs);
  return { small, tracer: await Tracer.of(backend, small.model, small.ledger), inputs, right, tree: TraceTree.of(right) };
}

// What follows says by itself what the contract says (Nodes.sol, StepJudge.sol), from nothing but the bytes that are sent.

const node = (left: Uint8Array, right: Uint8Array) => keccak256(Uint8Array.of(1), left, right);
const rootOver = (count: number, top: Uint8Array) => keccak256(Uint8Array.of(2), uint256Bytes(count), top);
const leafOver = (values: Hex) => keccak256(Uint8Array.of(0), fromHex(values));
const climb = (hash: Uint8Array, index: number, proof: readonly Hex[]) => proof.reduce((at, sibling, k) => ((index >> k) & 1 ? node(fromHex(sibling), at) : node(at, fromHex(sibling))), hash);

/** Root over all matrices with a node of one of them at its place. */
function rootWith(hash: Uint8Array, { index, leaf, level }: LeavesPlace, { rows, columns }: { rows: number; columns: number }, matrices: number, proof: readonly Hex[]): Hex {
  const { count } = cutOf(rows, columns);
  const within = depthOf(count) - level;
  expect(proof).toHaveLength(within + depthOf(matrices));
  const words = new Uint8Array(8);
  new DataView(words.buffer).setUint32(0, rows);
  new DataView(words.buffer).setUint32(4, columns);
  const matrix = keccak256(Uint8Array.of(0), rootOver(count, climb(hash, leaf, proof.slice(0, within))), words);
  return toHex(rootOver(matrices, climb(matrix, index, proof.slice(within))));
}

/** The node over values end to end, cut as the matrix is. */
function nodeOver(shape: { rows: number; columns: number }, { leaf, level }: Omit<LeavesPlace, 'index'>, values: Float32Array): Uint8Array {
  const { count, pieces, rows } = cutOf(shape.rows, shape.columns);
  let [at, row] = [0, [] as Uint8Array[]];
  for (let k = leaf * 2 ** level; k < (leaf + 1) * 2 ** level; k++) {
    if (k >= count) {
      row.push(new Uint8Array(32));
      continue;
    }
    const size = pieces > 1 ? Math.min(256, shape.columns - (k % pieces) * 256) : Math.min(rows, shape.rows - k * rows) * shape.columns;
    row.push(leafOver(toHex(new Uint8Array(values.buffer.slice(values.byteOffset + 4 * at, values.byteOffset + 4 * (at + size))))));
    at += size;
  }
  expect(at).toBe(values.length);
  while (row.length > 1) row = row.filter((_, k) => k % 2 === 0).map((one, k) => node(one, row[2 * k + 1]!));
  return row[0]!;
}

const floats = (hex: Hex) => new Float32Array(fromHex(hex).buffer);

/** What Disputes.refuteAssertion comes to: whether it holds against what was asserted. */
function judge({ small, tracer, inputs, tree }: Case, index: number, said: { leaf: number; level: number; values: Float32Array }, { matrix, asserted, step }: Refutation): 'the claim’s own' | 'a false element' | 'nothing' {
  const { program, constants } = small;
  const [instruction, matrices] = [program.instructions[index]!, program.instructions.length];
  expect(matrix).toMatchObject({ index, inputs: '0x', instruction: toHex(instructionBytes(instruction)) });
  expect([asserted.leaf, asserted.level]).toEqual([said.leaf, said.level]);
  const at = { index, leaf: said.leaf, level: said.level };
  const shape = tree.tensors[index]!;
  expect(asserted.node).toBe(toHex(nodeOver(shape, said, said.values)));
  expect(rootWith(fromHex(asserted.claimed), at, shape, matrices, asserted.proof)).toBe(tree.root);
  if (asserted.claimed === asserted.node) return 'the claim’s own';
  const root = rootWith(fromHex(asserted.node), at, shape, matrices, asserted.proof);
  expect(root).not.toBe(tree.root);

  expect(step).toMatchObject({ index, inputs: toHex(inputsBytes(inputs)), instruction: matrix.instruction, header: matrix.header });
  expect(step.header.instructionsRoot).toBe(merkleRoot(instructionLeaves(program)));
  const texts = answerTexts(inputs, program.window);
  const { output, row, column } = step;
  const out = leafAt(shape.columns, cutOf(shape.rows, shape.columns), row, column);
  expect(output.leaf).toBe(out.leaf);
  expect(output.leaf >> said.level).toBe(said.leaf);
  expect(rootWith(leafOver(output.values), { index, leaf: output.leaf, level: 0 }, shape, matrices, output.proof)).toBe(root);
  const shapes = instruction.inputs.map(({ space, index: from }) => (space === 'trace' ? tree.tensors : tracer.committed.tensors)[from]!);
  for (const opening of step.openings) {
    const { space, index: from } = instruction.inputs[opening.input]!;
    const [under, count] = space === 'trace' ? [root, matrices] : [tracer.committed.root, constants.length];
    expect(rootWith(leafOver(opening.values), { index: from, leaf: opening.leaf, level: 0 }, shapes[opening.input]!, count, opening.proof)).toBe(under);
  }
  const value = ELEMENTS[instruction.op]({ instruction, texts, columns: shape.columns, i: row, j: column }, {
    columns: (k) => shapes[k]!.columns,
    get(k, i, j) {
      const { leaf, offset } = leafAt(shapes[k]!.columns, cutOf(shapes[k]!.rows, shapes[k]!.columns), i, j);
      return floats(step.openings.find((one) => one.input === k && one.leaf === leaf)!.values)[offset]!;
    },
  });
  return bitsOf(value) === bitsOf(floats(output.values)[out.offset]!) ? 'nothing' : 'a false element';
}

/** Values of all leaves below a node. */
function below({ right, tree }: Case, { index, leaf, level }: LeavesPlace): Float32Array {
  const { rows, columns } = tree.tensors[index]!;
  const end = Math.min((leaf + 1) * 2 ** level, cutOf(rows, columns).count);
  const parts = Array.from({ length: end - leaf * 2 ** level }, (_, k) => [...new Uint32Array(leafValues(right[index]!, leaf * 2 ** level + k).values.slice().buffer)]);
  return new Float32Array(Uint32Array.from(parts.flat()).buffer);
}

/** Places at random, the last of each matrix among them. */
function placesIn({ tree }: Case, many: number, seed: number): LeavesPlace[] {
  return Array.from({ length: many }, (_, k) => {
    const index = draw(tree.tensors.length, seed, 10 * k);
    const { count } = cutOf(tree.tensors[index]!.rows, tree.tensors[index]!.columns);
    const level = draw(Math.min(MOST_RANGE, depthOf(count)) + 1, seed, 10 * k + 1);
    const width = widthOf(count, level);
    return { index, level, leaf: k % 3 ? draw(width, seed, 10 * k + 2) : width - 1 };
  });
}

const flipped = (values: Float32Array, at: number, bit: number) => {
  const copy = values.slice();
  new Uint32Array(copy.buffer)[at]! ^= 2 ** bit;
  return copy;
};

const CASES: [string, SmallOptions, number, number][] = [
  ['a small model', {}, 17, 6],
  ['rows of several pieces', { config: { hidden_size: 300, intermediate_size: 1100, vocab_size: 1290, num_hidden_layers: 1 }, dimension: 4096 }, 7, 3],
];

describe.each(CASES)('%s', (_name, options, tokens, answer) => {
  let one: Case;
  beforeAll(async () => {
    one = await caseOf(options, tokens, answer);
  }, 60_000);

  it('is of instructions that read what comes before them only: leaves that are asserted together do not lean on each other', () => {
    one.small.program.instructions.forEach(({ inputs }, k) => inputs.forEach(({ space, index }) => expect(space === 'constant' || index < k).toBe(true)));
  });

  it('asserts the leaves that follow, under its own root, at any place', async () => {
    const { tracer, inputs, tree, small, right } = one;
    for (const place of placesIn(one, 12, 1)) {
      const found = assertionFrom(tracer, inputs, tree, place, right[place.index]!)!;
      expect(found).toMatchObject({ ownRoot: tree.root, matrix: { index: place.index, inputs: '0x' }, own: { leaf: place.leaf, level: place.level } });
      const values = floats(found.own.values);
      expect(values).toEqual(below(one, place));
      expect(rootWith(nodeOver(tree.tensors[place.index]!, place, values), place, tree.tensors[place.index]!, small.program.instructions.length, found.own.proof)).toBe(tree.root);
    }
    const [place] = placesIn(one, 1, 2);
    expect(await assertionOf(tracer, inputs, tree, place!)).toEqual(assertionFrom(tracer, inputs, tree, place!, right[place!.index]!));
  });

  it('refutes any leaf that does not follow, by one element of it', async () => {
    const { tracer, inputs, tree } = one;
    for (const [seed, place] of placesIn(one, 14, 3).entries()) {
      const values = below(one, place);
      // One bit; or bits all over, of which the first counts.
      let other = flipped(values, draw(values.length, seed, 901), draw(32, seed, 902));
      if (seed % 3 === 0) for (let k = 0; k < 5; k++) other = flipped(other, draw(values.length, seed, 903 + k), draw(32, seed, 953 + k));
      const said = { ...place, values: other };
      const found = await refutationOf(tracer, inputs, tree, place, said);
      expect(judge(one, place.index, said, found), JSON.stringify(place)).toBe('a false element');
    }
  }, 60_000);

  it('refutes every leaf of a range, the first and the last', async () => {
    const { tracer, inputs, tree } = one;
    // With a last leaf that is shorter than the others.
    const index = tree.tensors.findIndex(({ rows, columns }) => {
      const { rows: whole, pieces, count } = cutOf(rows, columns);
      return count > 6 && count <= 64 && (pieces > 1 ? columns % 256 : rows % whole) > 0;
    });
    const { rows, columns } = tree.tensors[index]!;
    const last = cutOf(rows, columns).count - 1;
    expect(below(one, { index, level: 0, leaf: last }).length).toBeLessThan(below(one, { index, level: 0, leaf: 0 }).length);
    for (const place of [{ index, level: 2, leaf: 1 }, { index, level: 1, leaf: last >> 1 }, { index, level: 0, leaf: last }, { index, level: depthOf(last + 1), leaf: 0 }]) {
      const values = below(one, place);
      for (const at of [0, values.length - 1]) {
        const said = { ...place, values: flipped(values, at, 3) };
        expect(judge(one, index, said, await refutationOf(tracer, inputs, tree, place, said))).toBe('a false element');
      }
    }
  }, 60_000);

  it('shows the claim’s own node where that was asserted, and no step', async () => {
    const { tracer, inputs, tree } = one;
    for (const place of placesIn(one, 6, 5)) {
      const said = { ...place, values: below(one, place) };
      const found = await refutationOf(tracer, inputs, tree, place, said);
      expect(judge(one, place.index, said, found)).toBe('the claim’s own');
      expect(found.step).toMatchObject({ inputs: '0x', openings: [] });
    }
  });

  it('does not refute what follows from a claim that is false there: its maker finds no element', async () => {
    const { tracer, inputs, tree, right } = one;
    for (const place of placesIn(one, 4, 7)) {
      const values = below(one, place);
      const { first, leaves } = singleLeaves(tree.tensors[place.index]!, { ...place, values });
      const at = leafValues(right[place.index]!, first + leaves.length - 1).first;
      const claimed = TraceTree.of(right.map((matrix, k) => (k === place.index ? { ...matrix, values: flipped(matrix.values, at, 7) } : matrix)));
      // Every leaf is as it follows from what the claim has before it.
      const found = await refutationOf(tracer, inputs, claimed, place, { ...place, values });
      expect(found.asserted.claimed).not.toBe(found.asserted.node);
      expect(found.step.openings).toEqual([]);
    }
  });
});

it('places that are not there, and values of another number, are refused', async () => {
  const one = await caseOf({ config: { hidden_size: 300, intermediate_size: 1100, num_hidden_layers: 1 }, dimension: 30_000, checkpoints: 1 }, 7, 3);
  const { tracer, inputs, tree, right } = one;
  const counts = tree.tensors.map(({ rows, columns }) => cutOf(rows, columns).count);
  const count = Math.max(...counts);
  const index = counts.indexOf(count);
  expect(depthOf(count)).toBeGreaterThan(MOST_RANGE);
  const bad: LeavesPlace[] = [{ index, leaf: count, level: 0 }, { index, leaf: 0, level: MOST_RANGE + 1 }, { index, leaf: widthOf(count, 2), level: 2 }, { index: tree.tensors.length, leaf: 0, level: 0 }, { index: 0xffffffff, leaf: 0, level: 0 }, { index, leaf: -1, level: 0 }];
  for (const place of bad) {
    expect(() => assertionFrom(tracer, inputs, tree, place, right[index]!)).toThrow(RangeError);
    await expect(assertionOf(tracer, inputs, tree, place)).rejects.toThrow(RangeError);
    await expect(refutationOf(tracer, inputs, tree, place, { ...place, values: new Float32Array(1) })).rejects.toThrow(RangeError);
  }
  const place = { index, leaf: 1, level: 1 };
  const values = below(one, place);
  for (const other of [values.subarray(1), new Float32Array(values.length + 1), new Float32Array(0)]) await expect(refutationOf(tracer, inputs, tree, place, { ...place, values: other })).rejects.toThrow(RangeError);
});

it('nothing is asserted where no number comes out', async () => {
  const strong = await smallTrace(backend, { lora: { alpha: 1e36 } });
  const tracer = await Tracer.of(backend, strong.model, strong.ledger);
  const inputs = randomInputs(strong.model.config.vocab, 9, 4);
  const computed = await runAll(backend, strong, inputs, { anyRange: true });
  const { tree } = await tracer.trace(inputs, { judging: true });
  const index = computed.findIndex(({ values }) => !values.every(Number.isFinite));
  const at = computed[index]!.values.findIndex((value) => !Number.isFinite(value));
  const { rows, columns } = computed[index]!;
  const { leaf } = leafAt(columns, cutOf(rows, columns), Math.floor(at / columns), at % columns);
  expect(await assertionOf(tracer, inputs, tree, { index, leaf, level: 0 })).toBeUndefined();
  expect(await assertionOf(tracer, inputs, tree, { index, leaf: leaf >> 1, level: Math.min(1, depthOf(cutOf(rows, columns).count)) })).toBeUndefined();
  // What comes before is asserted as ever, with proof under a root that has the rest in it.
  const before = await assertionOf(tracer, inputs, tree, { index: index - 1, leaf: 0, level: 0 });
  expect(before).toMatchObject({ ownRoot: tree.root });
  expect(fromHex(before!.own.values)).toHaveLength(4 * leafValues(computed[index - 1]!, 0).values.length);
});
