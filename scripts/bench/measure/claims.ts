import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBelow } from '../../../src/arithmetic/random.ts';
import type { Engine } from '../../../src/attribution/engine.ts';
import { TraceTree } from '../../../src/attribution/trace/tree.ts';
import { readFolder } from '../../start/samples.ts';
import { publicFolder } from '../machine.ts';
import { type Report, NODE_CPU } from '../report.ts';
import { median, timed } from '../timing.ts';

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
  const bytes = tree.bytes();
  report.add(`published trace of an answer of ${ANSWER} tokens`, bytes.length / 1e6, 'MB', NODE_CPU, { atMost: 4 });
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
  engine.freeLedger(ledger);
  engine.unloadAdapter(adapter);
  reportGas(report);
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
