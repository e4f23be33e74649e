/** Answers whose trace is right and whose payouts are not: shares moved, amounts changed. The judge divides again from the trace. */
import { BaseError, ContractFunctionRevertedError } from 'viem';
import { randomUnit, randomWord } from '../../src/arithmetic/random.ts';
import { payoutEvidence } from '../../src/attribution/trace/evidence.ts';
import { inputsHash } from '../../src/attribution/trace/step.ts';
import { type SmallOptions, randomInputs, runAll, smallTrace } from '../../src/attribution/trace/testing/small-trace.ts';
import { Tracer } from '../../src/attribution/trace/tracer.ts';
import { TraceTree } from '../../src/attribution/trace/tree.ts';
import type { Matrix } from '../../src/attribution/trace/run.ts';
import type { TraceInputs } from '../../src/attribution/trace/instruction.ts';
import { disputesAbi, payoutJudgeAbi } from '../../src/chain/generated/abis.ts';
import type { ScratchChain } from '../../src/chain/testing/scratch-chain.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import type { Hex } from '../../src/protocol/bytes.ts';
import { divideFee, recordsThatCount } from '../../src/protocol/divide-fee.ts';
import { type Payout, computeFee, payoutRoot } from '../../src/protocol/fee.ts';
import { type VersionRecord, versionRoot } from '../../src/protocol/record.ts';
import { trainedHash } from '../../src/protocol/trained-records.ts';

/** share: wei of one contributor go to another, or to a stranger; amount: one bit of one amount; contributor: one is left out, or stands twice. */
export const PAYOUT_FAULTS = ['share', 'amount', 'contributor'] as const;
export type PayoutFault = (typeof PAYOUT_FAULTS)[number];

/** What a claim says of its payouts, and what the judge says of the trace. */
export interface Judged {
  where: string;
  claimed: Payout[];
  right: Payout[];
  /** Whether the contract's answer is what `claimed` says: a claim falls where it is not. */
  stands: boolean;
  /** Whether it is what follows from the trace here. */
  agrees: boolean;
}

const SPLIT = { platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 };
const RECORDS = 9;

export class FaultyPayouts {
  private drawn = 0;
  private readonly parts: { chain: ScratchChain; judge: Hex; tracer: Tracer; inputs: TraceInputs; right: Matrix[]; records: VersionRecord[]; stream: number };

  private constructor(parts: FaultyPayouts['parts']) {
    this.parts = parts;
  }

  static async of(chain: ScratchChain, options: SmallOptions, tokens: number, answer: number, stream: number): Promise<FaultyPayouts> {
    const backend = await createCpuBackend();
    const small = await smallTrace(backend, { ...options, records: RECORDS });
    const tracer = await Tracer.of(backend, small.model, small.ledger);
    const inputs = randomInputs(small.model.config.vocab, tokens, answer, stream);
    const judge = await chain.connection.publicClient.readContract({ address: chain.connection.contracts.disputes, abi: disputesAbi, functionName: 'judge' });
    const records = Array.from({ length: RECORDS }, (_, k): VersionRecord => ({ text: `Record ${k}.`, questions: [], contribution: String(k + 1), contributor: `0x${((k * 5) % 4 + 1).toString(16).padStart(40, '0')}` }));
    return new FaultyPayouts({ chain, judge, tracer, inputs, records, stream, right: await runAll(backend, small, inputs) });
  }

  /** A fault, or the right payouts, of an answer with scores that stand out in ever other ways, by an ever other rule. */
  async judge(fault: PayoutFault | undefined): Promise<Judged> {
    const { chain, judge, tracer, inputs, right: computed, records } = this.parts;
    const unit = () => randomUnit(78, this.parts.stream, this.drawn++);
    const noise = Float32Array.from(records, () => 0.5 + unit());
    const scores = noise.map((one) => one * (30 * unit() - 8));
    const row = (values: Float32Array): Matrix => ({ rows: 1, columns: values.length, values });
    // What stands before the scores is not what the judge looks at.
    const tree = TraceTree.of([...computed.slice(0, -2), row(scores), row(noise)]);
    const payout = { nullMultiple: 1000 + this.below(2000), reserve: this.below(3000), clusterCap: 5000 + this.below(5001), retrievalPart: this.below(5001) };
    const read = this.below(2) ? [this.below(RECORDS)] : [];
    const [tokensIn, tokensOut] = [inputs.tokens.length - inputs.answer, inputs.answer];
    const prices = { rateIn: String(10n ** 15n + BigInt(this.below(10 ** 9))), rateOut: String(10n ** 18n + BigInt(this.below(10 ** 9))), platformFee: '0', split: SPLIT, payout };
    const contributors = records.map(({ contributor }) => contributor);
    const division = divideFee(tokensIn, tokensOut, prices, scores, noise, contributors, read.map((record) => ({ record })));
    const { payouts: right } = division;
    const { claimed, where } = fault && right.length ? this.plant(fault, right) : { claimed: right, where: 'the right payouts' };
    const payoutCase = {
      programHash: tracer.programHash, inputsHash: inputsHash(inputs), traceRoot: tree.root, versionRoot: versionRoot(records), records: BigInt(RECORDS), trainedHash: trainedHash(undefined),
      amount: computeFee(tokensIn, tokensOut, { rateIn: BigInt(prices.rateIn), rateOut: BigInt(prices.rateOut), platformFee: 0n }, SPLIT).contributors, rule: payout, read,
    };
    const evidence = payoutEvidence(tracer, inputs, { tree, scores, noise }, records, recordsThatCount(division, read));
    const said = await chain.connection.publicClient.readContract({ address: judge, abi: payoutJudgeAbi, functionName: 'divide', args: [payoutCase, evidence] }).catch((error: unknown) => {
      if (error instanceof BaseError && error.walk((cause) => cause instanceof ContractFunctionRevertedError)) return undefined;
      throw error;
    });
    const same = (payouts: Payout[]) => said !== undefined && said[0] && said[1] === payoutRoot(payouts) && said[2] === BigInt(payouts.length) && said[3] === payouts.reduce((sum, { amount }) => sum + amount, 0n);
    return { where, claimed, right, stands: same(claimed), agrees: same(right) };
  }

  private plant(fault: PayoutFault, right: Payout[]): { claimed: Payout[]; where: string } {
    const at = this.below(right.length);
    const { contributor, amount } = right[at]!;
    const stranger: Payout = { contributor: `0x${'f'.repeat(40)}`, amount: 0n };
    if (fault === 'amount') {
      const bit = this.below(amount.toString(2).length);
      return { claimed: right.with(at, { contributor, amount: amount ^ (1n << BigInt(bit)) }), where: `bit ${bit} of the amount of contributor ${at}` };
    }
    if (fault === 'share') {
      const moved = 1n + (amount * BigInt(this.below(1000))) / 2000n;
      const to = (at + 1) % right.length;
      const less = right.with(at, { contributor, amount: amount - moved });
      const claimed = to === at ? [...less, { ...stranger, amount: moved }] : less.with(to, { ...right[to]!, amount: right[to]!.amount + moved });
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
