import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBelow } from '../../../src/arithmetic/random.ts';
import type { Engine } from '../../../src/attribution/engine.ts';
import { stepEvidence } from '../../../src/attribution/trace/evidence.ts';
import { type InspectedAnswer, inspectAnswer } from '../../../src/attribution/trace/inspect.ts';
import type { TraceInputs } from '../../../src/attribution/trace/instruction.ts';
import { PublishedTrace, publishedLevel, publishedSize } from '../../../src/attribution/trace/published.ts';
import { MOST_TOKENS } from '../../../src/attribution/trace/run.ts';
import { inputsHash } from '../../../src/attribution/trace/step.ts';
import type { Tracer } from '../../../src/attribution/trace/tracer.ts';
import { TraceTree, leafHashes, tensorOf } from '../../../src/attribution/trace/tree.ts';
import { MOST_BATCH_TOKENS } from '../../../src/protocol/answers-file.ts';
import { MOST_ANSWERS } from '../../../src/protocol/batch.ts';
import { DEFAULT_PAYOUT_RULE } from '../../../src/protocol/payout-rule.ts';
import { readFolder } from '../../start/samples.ts';
import { publicFolder } from '../machine.ts';
import { type Report, NODE_CPU } from '../report.ts';
import { median, timed } from '../timing.ts';
import { type Dispute, dearestMatrix, disputeBatch, disputeWithheld } from './withheld.ts';

/** Tokens of the answer, after a prompt of ten. */
const ANSWER = 60;

/** What checking a claim takes: program and constants once per adapter, then each answer; a trace that is false in its last matrix is the longest to find. */
export async function reportClaims(report: Report, engine: Engine, rounds: number): Promise<void> {
  const files = readFolder(join(publicFolder, 'adapters/legal'));
  const adapter = engine.loadAdapter(files);
  await engine.loadCheckpoints(adapter, files['checkpoints.safetensors']);
  const ledger = await engine.loadLedger(adapter, files['ledger.safetensors']!);
  const began = performance.now();
  const tracer = await engine.tracer(ledger);
  report.add('claims: program and constants of an adapter, once', (performance.now() - began) / 1000, 's', NODE_CPU, undefined,
    `${tracer.program.instructions.length} instructions, ${tracer.program.constants.length} constants`);
  const tokens = Array.from({ length: 10 + ANSWER }, (_, i) => randomBelow(engine.model.config.vocab, 1, 1, i));
  const inputs = { tokens, answer: ANSWER };
  let tree!: TraceTree;
  const making: number[] = [];
  for (let i = 0; i < rounds; i++) making.push(await timed(async () => (tree = (await tracer.trace(inputs)).tree)));
  report.add(`trace of an answer of ${ANSWER} tokens`, median(making) / 1000, 's', NODE_CPU);
  report.add(`published trace of an answer of ${ANSWER} tokens`, PublishedTrace.of(tree).bytes().length / 1e6, 'MB', NODE_CPU, { atMost: 4 });
  // Its size follows from the program and the numbers of tokens.
  const shapes = tracer.shapes({ tokens: new Array<number>(MOST_TOKENS).fill(0), answer: MOST_TOKENS - 10 });
  const level = publishedLevel(shapes);
  report.add(`published trace of ${MOST_TOKENS} tokens, the most that can be claimed`, publishedSize(shapes, level) / 1e6, 'MB', NODE_CPU, { atMost: 4 },
    `nodes ${level} levels above the leaves; all leaf hashes would be ${(publishedSize(shapes, 0) / 1e6).toFixed(1)} MB`);
  const last = tree.tensors.length - 1;
  const spoilt = tree.tensors.map((tensor, k) => (k < last ? tensor : { ...tensor, leaves: tensor.leaves.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) }));
  const claimed = new TraceTree(spoilt);
  const finding: number[] = [];
  for (let i = 0; i < rounds; i++) {
    finding.push(await timed(async () => {
      const found = await tracer.firstDifference(claimed, inputs);
      if (found?.instruction !== last) throw new Error('the false leaf was not found');
    }));
  }
  report.add('first false leaf of it, in the last matrix', median(finding) / 1000, 's', NODE_CPU, { atMost: 5 });
  await reportElement(report, tracer, inputs, tree, rounds);
  await reportWithheld(report, tracer, inputs, tree).catch((cause: unknown) => report.missing('dispute about a withheld trace', NODE_CPU, cause));
  await reportBatch(report, tracer, engine.model.config.vocab).catch((cause: unknown) => report.missing('dispute about a withheld batch', NODE_CPU, cause));
  if (rounds > 1) await reportLongest(report, engine, tracer).catch((cause: unknown) => report.missing(`dispute about a withheld trace of ${MOST_TOKENS} tokens`, NODE_CPU, cause));
  engine.freeLedger(ledger);
  engine.unloadAdapter(adapter);
  reportGas(report);
}

/** A check from the published hashes to the call that proves: one flipped bit in the middle of the program, and in its last matrix. */
async function reportElement(report: Report, tracer: Tracer, inputs: TraceInputs, tree: TraceTree, rounds: number): Promise<void> {
  const last = tree.tensors.length - 1;
  for (const [where, index] of [['in the middle', last >> 1], ['in the last matrix', last]] as const) {
    const matrix = (await tracer.matrices(inputs, [index])).get(index)!;
    const values = matrix.values.slice();
    new Uint32Array(values.buffer)[0]! ^= 1;
    const leaves = leafHashes({ ...matrix, values });
    const claimed = new TraceTree(tree.tensors.map((tensor, k) => (k === index ? tensorOf(tensor.rows, tensor.columns, leaves) : tensor)));
    const published = claimed.bytes();
    const inspected: InspectedAnswer = {
      programHash: tracer.programHash, published, contributors: [], prices: { rateIn: '1', rateOut: '1', platformFee: '0', split: { platform: 0, owner: 0, stakers: 0, contributors: 10_000 }, payout: DEFAULT_PAYOUT_RULE },
      receipt: { prompt: { tokens: inputs.tokens.slice(0, -inputs.answer) }, answer: { tokens: inputs.tokens.slice(-inputs.answer) } },
      answer: {
        tokensIn: inputs.tokens.length - inputs.answer, tokensOut: inputs.answer, receiptHash: claimed.root, inputsHash: inputsHash(inputs), traceRoot: claimed.root,
        workingsRoot: claimed.root, payoutRoot: claimed.root, payoutCount: 0, allocated: 0n, read: [],
      },
    };
    const times: number[] = [];
    for (let i = 0; i < rounds; i++) {
      times.push(await timed(async () => {
        const { verdict, values: told, claimed: theirs, first } = await inspectAnswer(tracer, inspected);
        const step = verdict.kind === 'step' && told ? await stepEvidence(tracer, inputs, theirs!, verdict.place, told, { first }) : undefined;
        if (step?.index !== index) throw new Error('the false element was not found');
      }));
    }
    report.add(`one flipped bit ${where}, from the published hashes to the proof`, median(times) / 1000, 's', NODE_CPU, { atMost: 5 });
  }
}

/** The longest answer that can be claimed: minutes of computing. */
async function reportLongest(report: Report, engine: Engine, tracer: Tracer): Promise<void> {
  const inputs = { tokens: Array.from({ length: MOST_TOKENS }, (_, i) => randomBelow(engine.model.config.vocab, 1, 1, i)), answer: MOST_TOKENS - 10 };
  await reportWithheld(report, tracer, inputs, (await tracer.trace(inputs)).tree);
}

/** Three disputes: where it costs most, in the middle, in the last matrix. */
async function reportWithheld(report: Report, tracer: Tracer, inputs: TraceInputs, tree: TraceTree): Promise<void> {
  reportDisputes(report, `a withheld trace of ${inputs.tokens.length} tokens`, await disputeWithheld(tracer, inputs, tree, threeOf(tree)));
}

/** The same about one of as many answers as a claim can be about, of as many tokens as they can then have. */
async function reportBatch(report: Report, tracer: Tracer, vocab: number): Promise<void> {
  const tokens = MOST_BATCH_TOKENS / MOST_ANSWERS;
  const inputs = { tokens: Array.from({ length: tokens }, (_, i) => randomBelow(vocab, 2, 1, i)), answer: tokens - 10 };
  const computed = await tracer.trace(inputs);
  reportDisputes(report, `a withheld batch of ${MOST_ANSWERS} answers of ${tokens} tokens`, await disputeBatch(tracer, { inputs, vocab, ...computed }, MOST_ANSWERS, threeOf(computed.tree)));
}

function threeOf(tree: TraceTree): number[] {
  const last = tree.tensors.length - 1;
  return [dearestMatrix(tree), last >> 1, last];
}

function reportDisputes(report: Report, about: string, disputes: readonly Dispute[]): void {
  const of = `dispute about ${about}, both sides, worst of three:`;
  const gasOf = ({ gas }: Dispute) => gas.reduce((sum, one) => sum + one.gas, 0);
  const worst = disputes.reduce((a, b) => (gasOf(b) > gasOf(a) ? b : a));
  const note = `${worst.where}: ${worst.gas.map(({ what, gas }) => `${what} ${gas}`).join(', ')}; ${worst.hashes} hashes, ${worst.leaves} leaves shown`;
  report.add(`${of} transactions`, Math.max(...disputes.map(({ gas }) => gas.length)), '', 'scratch chain', { atMost: 8 });
  report.add(`${of} gas`, gasOf(worst), 'gas', 'scratch chain', { atMost: 5_000_000 }, note);
  report.add(`${of} bonds of its demands`, Math.max(...disputes.map(({ bonds }) => bonds)), 'gas', 'scratch chain', undefined, 'at the stressed price; half of a claim’s least bond is 7,500,000');
}

/** Gas as forge measured it for the snapshots that stand in the repository; `npm test` holds them. */
function reportGas(report: Report): void {
  const file = join(publicFolder, '../contracts/snapshots/Referee.json');
  if (!existsSync(file)) return;
  const gas = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  for (const [what, value] of Object.entries(gas)) {
    if (what.endsWith(': transaction')) report.add(`proof, ${what}`, Number(value), 'gas', 'forge snapshot', what.startsWith('dot of 256') ? { atMost: 450_000 } : undefined);
  }
}
