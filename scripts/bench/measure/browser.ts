import type { BenchBrowser } from '../browser.ts';
import type { Duel } from '../page/main.ts';
import { Prompts } from '../prompts.ts';
import { CHROMIUM_CPU, CHROMIUM_GPU, type Reach, type Report } from '../report.ts';
import { decodeTime, median } from '../timing.ts';
import { reportKernels } from './kernels.ts';
import type { AnswerOptions } from './lora-cost.ts';

const PREFILL = 256;

/** How long things may take: a software graphics adapter is slow. */
export interface Effort {
  small: boolean;
}

const names: Record<string, string> = { ours: 'exact lane', ort: 'ONNX Runtime Web', wllama: 'wllama (llama.cpp)' };

/** Tokens that two answers share from the start, of those up to and without the first's end token; llama.cpp is told not to end. */
function agreement(ours: readonly number[], theirs: readonly number[], end: number): { same: number; of: number } {
  const of = ours.includes(end) ? ours.indexOf(end) : ours.length;
  let same = 0;
  while (same < of && ours[same] === theirs[same]) same++;
  return { same, of };
}

interface Lane {
  where: string;
  tokens: number;
  decode: Reach;
  prefill: Reach;
}

function reportDuel(report: Report, duel: Duel, { where, tokens, decode, prefill }: Lane, end: number): void {
  for (const [name, why] of Object.entries(duel.absent)) report.missing(names[name]!, where, new Error(why));
  const present = Object.keys(duel.whole);
  const decodeMs = Object.fromEntries(present.map((name) => [name, decodeTime(duel.whole[name]!, duel.first[name]!, tokens)]));
  const prefillMs = Object.fromEntries(present.map((name) => [name, median(duel.prefill[name]!)]));
  const ownClock = (name: string) => (duel.ownClock[name] === undefined ? undefined : `${duel.ownClock[name].toPrecision(4)} tokens/s by its own clock`);
  for (const name of present) report.add(`decode, batch 1, with adapter: ${names[name]}`, 1000 / decodeMs[name]!, 'tokens/s', where, undefined, ownClock(name));
  for (const name of present) report.add(`prefill of ${PREFILL} tokens: ${names[name]}`, (PREFILL / prefillMs[name]!) * 1000, 'tokens/s', where);
  const rounds = (times: Record<string, number[]>) => `rounds: ${times.ours!.length}`;
  for (const name of present.filter((one) => one !== 'ours')) {
    if (!present.includes('ours')) break;
    const ort = name === 'ort';
    report.add(`decode, exact lane against ${names[name]}`, decodeMs[name]! / decodeMs.ours!, '×', where, ort ? decode : undefined, rounds(duel.whole));
    report.add(`prefill, exact lane against ${names[name]}`, prefillMs[name]! / prefillMs.ours!, '×', where, ort ? prefill : undefined, rounds(duel.prefill));
    const agreed = duel.answers.ours!.map((ours, i) => agreement(ours, duel.answers[name]![i]!, end));
    const sum = (which: 'same' | 'of') => agreed.reduce((all, one) => all + one[which], 0);
    report.add(`greedy tokens in common with ${names[name]}, ${agreed.length} answers`, sum('same'), `of ${sum('of')}`, where);
  }
}

function duelOptions(tokens: number, answers: number, rounds: number, budgetMs: number) {
  const prompts = new Prompts();
  return { end: prompts.end, options: { prompt: prompts.question(), checked: Array.from({ length: answers }, (_, i) => prompts.question(i * 7)), tokens, prefill: prompts.long(PREFILL), rounds, budgetMs } };
}

export async function reportWebGpuDuel(report: Report, browser: BenchBrowser, { small }: Effort): Promise<void> {
  const tokens = small ? 10 : 40;
  const { options, end } = duelOptions(tokens, small ? 1 : 2, 7, small ? 2000 : 15_000);
  const duel = await browser.measure('onWebGpu', options);
  reportDuel(report, duel, { where: `${CHROMIUM_GPU}, ${duel.device}`, tokens, decode: { atLeast: 1 }, prefill: { atLeast: 0.8 } }, end);
}

export async function reportCpuDuel(report: Report, browser: BenchBrowser, { small }: Effort): Promise<void> {
  const tokens = 100;
  const { options, end } = duelOptions(tokens, small ? 3 : 12, 9, small ? 1500 : 8000);
  reportDuel(report, await browser.measure('onCpu', options), { where: CHROMIUM_CPU, tokens, decode: { atLeast: 1 }, prefill: undefined }, end);
}

const answerOptions = (kind: 'webgpu' | 'cpu', { small }: Effort): AnswerOptions => ({
  prompt: new Prompts().question().ids,
  tokens: kind === 'cpu' ? 200 : small ? 10 : 40,
  rounds: 9,
  budgetMs: small ? 1500 : 10_000,
});

export async function reportLoraCost(report: Report, browser: BenchBrowser, effort: Effort): Promise<void> {
  for (const kind of ['webgpu', 'cpu'] as const) {
    const { on, off, device } = await browser.measure('loraCost', kind, answerOptions(kind, effort));
    const where = kind === 'cpu' ? CHROMIUM_CPU : `${CHROMIUM_GPU}, ${device}`;
    report.add('LoRA on against off, batch 1', on / off, '×', where, { atLeast: 0.9 }, `${on.toPrecision(3)} and ${off.toPrecision(3)} tokens/s`);
  }
}

export async function reportDispatches(report: Report, browser: BenchBrowser): Promise<void> {
  const { device, all, byLayer, split } = await browser.measure('dispatches', new Prompts().question().ids);
  const where = `${CHROMIUM_GPU}, ${device}`;
  report.add('dispatches of one decoded token, shipped base with adapter', all, '', where, undefined, `${split} with long ones split for this device`);
  report.add('dispatches of one decoded token, by layer', byLayer, '', where, { atMost: 8 });
}

export async function reportAdapterSwitch(report: Report, browser: BenchBrowser, effort: Effort): Promise<void> {
  for (const kind of ['webgpu', 'cpu'] as const) {
    const { resident, read, load, bytes, device } = await browser.measure('adapterSwitch', kind, effort.small ? 3 : 9);
    const where = kind === 'cpu' ? CHROMIUM_CPU : `${CHROMIUM_GPU}, ${device}`;
    report.add('switch to an adapter on the device', resident, 'ms', where, { atMost: 1 });
    report.add(`switch to an adapter of ${(bytes / 1e6).toFixed(1)} MB in OPFS, besides reading it`, load, 'ms', where, { atMost: 50 }, `reading: ${read.toFixed(1)} ms`);
  }
}

export async function reportBatch(report: Report, browser: BenchBrowser, effort: Effort): Promise<void> {
  for (const kind of ['webgpu', 'cpu'] as const) {
    const { different, same, single, device } = await browser.measure('batch', kind, { ...answerOptions(kind, effort), tokens: kind === 'cpu' ? 50 : effort.small ? 4 : 16 });
    const where = kind === 'cpu' ? CHROMIUM_CPU : `${CHROMIUM_GPU}, ${device}`;
    report.add('decode, batch of 8, eight adapters', different, 'tokens/s', where);
    report.add('batch of 8: eight adapters against one', different / same, '×', where, { atLeast: 0.9 });
    report.add('batch of 8 against batch 1', same / single, '×', where);
  }
}

export async function reportBrowserKernels(report: Report, browser: BenchBrowser, { small }: Effort): Promise<void> {
  const { device, figures } = await browser.measure('kernels', small ? 1500 : 8000);
  reportKernels(report, figures, `${CHROMIUM_GPU}, ${device}`);
}

/** Sizes that a software adapter reads within seconds. */
const SMALLEST = { cpu: { layers: 2, width: 128, context: 128, batch: 2 }, webgpu: { layers: 2, width: 128, context: 128, batch: 1 } };

export async function reportScaling(report: Report, browser: BenchBrowser, { small }: Effort): Promise<void> {
  for (const kind of small ? (['cpu'] as const) : (['cpu', 'webgpu'] as const)) {
    const { table, device } = await browser.measure('scaling', kind, SMALLEST[kind], 9, small ? 1500 : 8000);
    const where = kind === 'cpu' ? CHROMIUM_CPU : `${CHROMIUM_GPU}, ${device}`;
    for (const { along, sizes, ms, expected, measured } of table) {
      const times = sizes.map((size, i) => `${size}: ${ms[i]!.toFixed(1)} ms`).join(', ');
      report.add(`time of a forward pass over ${along}, exponent`, measured, `expected ${expected.toFixed(2)}`, where, undefined, times);
    }
  }
}
