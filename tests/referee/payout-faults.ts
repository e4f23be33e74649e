/** Answers whose trace is right and whose payouts, or their workings, are not; and right ones challenged with true and stolen evidence. */
import { randomUnit, randomWord } from '../../src/arithmetic/random.ts';
import type { TraceInputs } from '../../src/attribution/trace/instruction.ts';
import { type FalsePayout, PAYOUT_LEAF, type PayoutEvidence, type PayoutGround, TOTALS, payoutEvidence } from '../../src/attribution/trace/payout-evidence.ts';
import { inputsHash } from '../../src/attribution/trace/step.ts';
import { type SmallOptions, randomInputs, runAll, smallTrace } from '../../src/attribution/trace/testing/small-trace.ts';
import { INPUT_FAULTS, ROW_FAULTS, type Tables, firstDifference, firstFalseLeaf, leafOfRow, withInputFault, withRowFault } from '../../src/attribution/trace/testing/workings-faults.ts';
import { Tracer } from '../../src/attribution/trace/tracer.ts';
import { type Tensor, TraceTree, floatBytes, leafHashes, tensorOf } from '../../src/attribution/trace/tree.ts';
import { payoutNodes, workingsLeaf, workingsTree } from '../../src/attribution/trace/workings-tree.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { type Hex, toHex } from '../../src/protocol/bytes.ts';
import { type Payout, payoutRoot } from '../../src/protocol/fee.ts';
import { WORKINGS_TABLES, type Workings, type WorkingsInput, workingsOf } from '../../src/protocol/payout-workings.ts';
import { type VersionRecord, versionRoot } from '../../src/protocol/record.ts';
import { trainedRecords, trainedRoot } from '../../src/protocol/trained-records.ts';
import type { JudgedPayouts, ScratchJudge } from './scratch-judge.ts';

/**
 * share: wei of one contributor go to another, or to a stranger; amount: one bit of one amount; contributor: one is left out, or stands twice;
 * all of these with workings that are right. row: the workings have a row that does not follow. reckoned: they follow from something else.
 */
export const PAYOUT_FAULTS = ['share', 'amount', 'contributor', 'row', 'reckoned'] as const;
export type PayoutFault = (typeof PAYOUT_FAULTS)[number];

export interface PlantedPayout {
  where: string;
  /** The judge says that the claim is false. */
  convicted: boolean;
  /** The evidence is about the first thing that is. */
  inPlace: boolean;
}

/** Columns of scores, and records of the version where some of them are copies. */
const COLUMNS = 9;
const RECORDS = 12;

/** An answer with scores that stand out in ever other ways, by an ever other rule. */
interface Case {
  input: WorkingsInput;
  workings: Workings;
  tree: TraceTree;
  ground: PayoutGround;
  payouts: JudgedPayouts;
}

export class FaultyPayouts {
  private drawn = 0;
  private before: PayoutEvidence | undefined;
  private readonly parts: { judge: ScratchJudge; tracer: Tracer; inputs: TraceInputs; earlier: readonly Tensor[]; records: VersionRecord[]; clusters: readonly number[] | undefined; stream: number };

  private constructor(parts: FaultyPayouts['parts']) {
    this.parts = parts;
  }

  static async of(judge: ScratchJudge, options: SmallOptions, tokens: number, answer: number, stream: number): Promise<FaultyPayouts> {
    const backend = await createCpuBackend();
    const small = await smallTrace(backend, { ...options, records: COLUMNS });
    const tracer = await Tracer.of(backend, small.model, small.ledger);
    const inputs = randomInputs(small.model.config.vocab, tokens, answer, stream);
    const clusters = stream % 2 ? Array.from({ length: RECORDS }, (_, k) => (k % 4 === 3 ? k - 1 : k)) : undefined;
    const records = Array.from({ length: clusters ? RECORDS : COLUMNS }, (_, k): VersionRecord => ({ text: `Record ${k}.`, questions: [], contribution: String(k + 1), contributor: person((k * 5) % 4) }));
    const { tensors } = TraceTree.of(await runAll(backend, small, inputs));
    return new FaultyPayouts({ judge, tracer, inputs, records, clusters, stream, earlier: tensors.slice(0, -2) });
  }

  /** Undefined where such a fault changes nothing: nobody is paid, say. */
  async plant(fault: PayoutFault): Promise<PlantedPayout | undefined> {
    const one = this.case();
    const claim = fault === 'row' || fault === 'reckoned' ? this.falseWorkings(one, fault) : this.falsePayouts(one, fault);
    if (!claim) return undefined;
    const { where, found, payouts, place } = claim;
    const evidence = payoutEvidence(one.ground, found);
    if (!evidence) return { where, convicted: false, inPlace: false };
    const convicted = (await this.parts.judge.isFalse({ ...one.payouts, ...payouts }, evidence)) === true;
    this.before = evidence;
    return { where, convicted, inPlace: evidence.table === place.table && evidence.row === place.row };
  }

  /** Whether a right claim stands: against evidence about a row that is right, or what was brought against another claim. */
  async challenge(): Promise<{ where: string; stands: boolean }> {
    const { workings, tree, ground, payouts } = this.case();
    const ask = async (where: string, evidence: PayoutEvidence) => ({ where, stands: (await this.parts.judge.isFalse(payouts, evidence)) !== true });
    if (this.before && this.below(3) === 0) return ask('evidence against another claim', this.before);
    const table = this.below(WORKINGS_TABLES.length + 1);
    if (table === WORKINGS_TABLES.length) return ask('the totals', payoutEvidence(ground, { kind: 'totals' })!);
    const row = this.below(workings.tables[table]!.rows);
    const { leaf, inLeaf } = leafOfRow(workings.tables[table]!, row);
    const right = workingsLeaf(workings, { index: table, leaf });
    const values = right.slice();
    floatBytes(values)[4 * workings.tables[table]!.columns * (inLeaf + 1) - 1]! ^= 1;
    const evidence = payoutEvidence(ground, { kind: 'workings', place: { index: table, leaf }, values, tree })!;
    // The row as it is; now and then still changed, which stands under no root.
    if (this.below(4) > 0) evidence.leaves = evidence.leaves.map((one) => (one.table === table && one.leaf === leaf ? { ...one, values: toHex(floatBytes(right)) } : one));
    // Numbers that are not in the trace.
    if (evidence.columns[0] && this.below(4) === 0) evidence.columns[0].score.values = evidence.columns[0].noise.values;
    return ask(`row ${row} of ${WORKINGS_TABLES[table]!.name}`, evidence);
  }

  private case(): Case {
    const { tracer, inputs, earlier, records, clusters } = this.parts;
    const unit = () => randomUnit(78, this.parts.stream, this.drawn++);
    const noise = Float32Array.from({ length: COLUMNS }, () => 0.5 + unit());
    const scores = noise.map((one) => one * (30 * unit() - 8));
    const rule = { nullMultiple: 1000 + this.below(2000), reserve: this.below(3000), clusterCap: 5000 + this.below(5001), retrievalPart: this.below(5001) };
    const read = this.below(2) ? [this.below(records.length)] : [];
    const input: WorkingsInput = {
      amount: 10n ** 17n + BigInt(this.below(10 ** 9)), scores, noise, contributors: records.map(({ contributor }) => contributor), trained: trainedRecords(clusters), rule, read,
    };
    const workings = workingsOf(input);
    const tensor = (values: Float32Array) => tensorOf(1, values.length, leafHashes({ rows: 1, columns: values.length, values }));
    // What stands in the trace before the scores is not what the judge looks at.
    const trace = new TraceTree([...earlier, tensor(scores), tensor(noise)]);
    return {
      input, workings, tree: workingsTree(workings),
      ground: { tracer, inputs, own: { tree: trace, scores, noise }, workings, records, clusters, read },
      payouts: {
        programHash: tracer.programHash, inputsHash: inputsHash(inputs), traceRoot: trace.root, workingsRoot: workings.root,
        payoutRoot: payoutRoot(workings.payouts), payoutCount: BigInt(workings.payouts.length), allocated: workings.allocated,
        versionRoot: versionRoot(records), records: BigInt(records.length), trainedRoot: trainedRoot(clusters), amount: input.amount, rule, read,
      },
    };
  }

  private falseWorkings({ input, workings, tree }: Case, fault: 'row' | 'reckoned') {
    const draw = (end: number) => this.below(end);
    const table = draw(WORKINGS_TABLES.length);
    const [how, what] = [ROW_FAULTS[draw(ROW_FAULTS.length)]!, INPUT_FAULTS[draw(INPUT_FAULTS.length)]!];
    const claimed: Tables & Partial<Workings> | undefined = fault === 'row'
      ? withRowFault(workings, how, table, draw(workings.tables[table]!.rows), draw)
      : withInputFault(input, workings, what, draw);
    if (!claimed) return undefined;
    const theirs = workingsTree(claimed);
    const leaf = firstFalseLeaf(tree, theirs)!;
    const place = firstDifference(workings, claimed)!;
    const found: FalsePayout = { kind: 'workings', place: leaf, values: workingsLeaf(claimed, leaf), tree: theirs };
    const ends = claimed.payouts && { payoutRoot: payoutRoot(claimed.payouts), payoutCount: BigInt(claimed.payouts.length), allocated: claimed.allocated! };
    return { where: `${fault === 'row' ? how : what}: row ${place.row} of ${WORKINGS_TABLES[place.table]!.name}`, found, payouts: { workingsRoot: theirs.root, ...ends }, place };
  }

  private falsePayouts({ workings }: Case, fault: 'share' | 'amount' | 'contributor') {
    const { payouts: right } = workings;
    if (!right.length) return undefined;
    const { claimed, where } = this.changed(fault, right);
    // The sum is that of the payouts, or what the workings say: one of both is false.
    const allocated = this.below(2) ? claimed.reduce((sum, { amount }) => sum + amount, 0n) : workings.allocated;
    const payouts = { payoutRoot: payoutRoot(claimed), payoutCount: BigInt(claimed.length), allocated };
    if (claimed.length !== right.length || allocated !== workings.allocated) return { where, found: { kind: 'totals' } as FalsePayout, payouts, place: { table: TOTALS, row: 0 } };
    const leaf = claimed.findIndex(({ contributor, amount }, k) => contributor !== right[k]!.contributor || amount !== right[k]!.amount);
    const nodes = payoutNodes({ payouts: claimed })!;
    return { where, found: { kind: 'payout', leaf, hash: toHex(nodes.node(0, leaf)), proof: nodes.siblings(0, leaf) } as FalsePayout, payouts, place: { table: PAYOUT_LEAF, row: leaf } };
  }

  private changed(fault: 'share' | 'amount' | 'contributor', right: readonly Payout[]): { claimed: Payout[]; where: string } {
    const at = this.below(right.length);
    const { contributor, amount } = right[at]!;
    if (fault === 'amount') {
      const bit = this.below(amount.toString(2).length);
      return { claimed: right.with(at, { contributor, amount: amount ^ (1n << BigInt(bit)) }), where: `bit ${bit} of the amount of contributor ${at}` };
    }
    if (fault === 'share') {
      const moved = 1n + (amount * BigInt(this.below(1000))) / 2000n;
      const to = (at + 1) % right.length;
      const less = right.with(at, { contributor, amount: amount - moved });
      const claimed = to === at ? [...less, { contributor: person(0xffff), amount: moved }] : less.with(to, { ...right[to]!, amount: right[to]!.amount + moved });
      return { claimed, where: `${moved} wei of contributor ${at} to another` };
    }
    return this.below(2)
      ? { claimed: right.filter((_, k) => k !== at), where: `contributor ${at} is left out` }
      : { claimed: [...right.with(at, { contributor, amount: amount - 1n }), { contributor, amount: 1n }], where: `contributor ${at} stands twice` };
  }

  private below(end: number): number {
    return randomWord(79, this.parts.stream, this.drawn++) % end;
  }
}

const person = (k: number): Hex => `0x${(k + 1).toString(16).padStart(40, '0')}`;
