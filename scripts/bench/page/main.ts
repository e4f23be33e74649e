/** The page that measures in a browser what only a browser has. Run by ../browser.ts. */
import { createCpuBackend } from '../../../src/kernels/cpu/backend.ts';
import type { Backend } from '../../../src/kernels/backend.ts';
import { createWebGpuBackend } from '../../../src/kernels/webgpu/backend.ts';
import { toWire } from '../../../src/errors.ts';
import { measureAdapterSwitch } from '../measure/adapter-switch.ts';
import { measureBatch } from '../measure/batch.ts';
import { type Dispatches, measureDispatches } from '../measure/dispatches.ts';
import { type KernelFigures, measureKernelFigures } from '../measure/kernels.ts';
import { type AnswerOptions, measureLoraCost } from '../measure/lora-cost.ts';
import { type Shape, measureScaling } from '../measure/scaling.ts';
import { inTurns } from '../timing.ts';
import { fetchBase } from './base.ts';
import { type Contender, type Prompt, openOrt, openOurs, openWllama } from './contenders.ts';

export interface DuelOptions {
  prompt: Prompt;
  /** Prompts whose answers are compared token by token. */
  checked: Prompt[];
  /** Decoded tokens that are timed, besides the first. */
  tokens: number;
  /** The prompt whose reading is timed. */
  prefill: Prompt;
  rounds: number;
  budgetMs: number;
}

export interface Duel {
  device: string;
  /** By contender, milliseconds of every round. */
  first: Record<string, number[]>;
  whole: Record<string, number[]>;
  prefill: Record<string, number[]>;
  /** What each answered to the checked prompts. */
  answers: Record<string, number[][]>;
  /** Decoded tokens a second by a contender's own clock, where it has one. */
  ownClock: Record<string, number>;
  /** Contenders that did not start, and why. */
  absent: Record<string, string>;
}

const CHECKED_TOKENS = 16;

/**
 * Each contender answers the same prompt with 1 and with `tokens` + 1 tokens; the difference is the time of `tokens`
 * decoded ones, whoever streams how. Then each reads the long prompt for one token.
 */
async function duel(openers: Record<string, () => Promise<Contender>>, { prompt, checked, tokens, prefill, rounds, budgetMs }: DuelOptions): Promise<Omit<Duel, 'device'>> {
  const contenders: Record<string, Contender> = {};
  const absent: Record<string, string> = {};
  for (const [name, open] of Object.entries(openers)) {
    try {
      contenders[name] = await open();
    } catch (error) {
      const { what, why } = toWire(error);
      absent[name] = why ? `${what} ${why}` : what;
    }
  }
  const answers: Record<string, number[][]> = {};
  for (const [name, contender] of Object.entries(contenders)) {
    answers[name] = [];
    for (const one of checked) answers[name].push(await (contender.ids ?? contender.answer)(one, Math.min(tokens, CHECKED_TOKENS)));
  }
  const all = (given: Prompt, count: number) => Object.fromEntries(Object.entries(contenders).map(([name, contender]) => [name, () => contender.answer(given, count)]));
  const first = await inTurns(all(prompt, 1), { rounds, budgetMs: budgetMs / 4 });
  const whole = await inTurns(all(prompt, tokens + 1), { rounds, budgetMs, warm: true });
  const long = await inTurns(all(prefill, 1), { rounds, budgetMs });
  const ownClock = Object.fromEntries(Object.entries(contenders).flatMap(([name, { ownClock: told }]) => (told ? [[name, told()]] : [])));
  for (const contender of Object.values(contenders)) await contender.close();
  return { first, whole, prefill: long, answers, ownClock, absent };
}

/** Exact lane against ONNX Runtime Web on this browser's graphics adapter. */
async function onWebGpu(options: DuelOptions): Promise<Duel> {
  const base = await fetchBase();
  const backend = await createWebGpuBackend();
  const { device } = backend;
  return { device, ...(await duel({ ours: async () => openOurs(backend, base), ort: () => openOrt('webgpu', base) }, options)) };
}

/** CPU backend against ONNX Runtime Web on WASM and wllama, one thread each. */
async function onCpu(options: DuelOptions): Promise<Duel> {
  const base = await fetchBase();
  const backend = await createCpuBackend();
  return {
    device: backend.device,
    ...(await duel({ ours: async () => openOurs(backend, base), ort: () => openOrt('wasm', base), wllama: () => openWllama() }, options)),
  };
}

/** The browser's private file system, as adapters are kept in; Chromium reads it through files. */
async function privateFile(bytes: Uint8Array): Promise<() => Promise<Uint8Array>> {
  const folder = await navigator.storage.getDirectory();
  const handle = await folder.getFileHandle('bench-adapter', { create: true });
  const writable = await handle.createWritable();
  await writable.write(bytes as Uint8Array<ArrayBuffer>);
  await writable.close();
  return async () => new Uint8Array(await (await handle.getFile()).arrayBuffer());
}

type Kind = 'webgpu' | 'cpu';

async function withBackend<Result>(kind: Kind, work: (backend: Backend) => Promise<Result>): Promise<{ device: string } & Result> {
  const backend = await (kind === 'webgpu' ? createWebGpuBackend() : createCpuBackend());
  try {
    return { device: backend.device, ...(await work(backend)) };
  } finally {
    backend.destroy();
  }
}

const loraCost = (kind: Kind, options: AnswerOptions) => withBackend(kind, async (backend) => measureLoraCost(backend, await fetchBase(), options));
const adapterSwitch = (kind: Kind, rounds: number) => withBackend(kind, async (backend) => measureAdapterSwitch(backend, await fetchBase(), privateFile, rounds));
const scaling = (kind: Kind, smallest: Shape, rounds: number, budgetMs: number) =>
  withBackend(kind, async (backend) => ({ table: await measureScaling(backend, smallest, rounds, budgetMs) }));

const batch = (kind: Kind, options: AnswerOptions) => withBackend(kind, async (backend) => measureBatch(backend, await fetchBase(), options));

async function dispatches(prompt: readonly number[]): Promise<{ device: string } & Dispatches> {
  const backend = await createWebGpuBackend();
  try {
    return { device: backend.device, ...(await measureDispatches(backend, await fetchBase(), prompt)) };
  } finally {
    backend.destroy();
  }
}

async function kernels(budgetMs: number): Promise<{ device: string; figures: KernelFigures }> {
  const backend = await createWebGpuBackend();
  try {
    return { device: backend.device, figures: await measureKernelFigures(backend, budgetMs) };
  } finally {
    backend.destroy();
  }
}

export const measurements = { onWebGpu, onCpu, loraCost, adapterSwitch, batch, dispatches, scaling, kernels };
export type Measurements = typeof measurements;

Object.assign(globalThis, { openledgerBench: measurements });
