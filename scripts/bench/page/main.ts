/** The page that measures in a browser what only a browser has. Run by ../browser.ts. */
import { createCpuBackend } from '../../../src/kernels/cpu/backend.ts';
import { createWebGpuBackend } from '../../../src/kernels/webgpu/backend.ts';
import { toWire } from '../../../src/errors.ts';
import { inTurns } from '../timing.ts';
import { fetchBase } from './base.ts';
import { type Contender, type Prompt, openOrt, openOurs, openWllama } from './contenders.ts';

export interface DuelOptions {
  prompt: Prompt;
  /** Decoded tokens that are timed, besides the first. */
  tokens: number;
  /** Tokens of the prompt whose reading is timed. */
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
  /** What each answered to the same prompt. */
  answers: Record<string, number[]>;
  /** Contenders that did not start, and why. */
  absent: Record<string, string>;
}

/**
 * Each contender answers the same prompt with 1 and with `tokens` + 1 tokens; the difference is the time of `tokens`
 * decoded ones, whoever streams how. Then each reads the long prompt for one token.
 */
async function duel(openers: Record<string, () => Promise<Contender>>, { prompt, tokens, prefill, rounds, budgetMs }: DuelOptions): Promise<Omit<Duel, 'device'>> {
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
  const answers: Record<string, number[]> = {};
  for (const [name, contender] of Object.entries(contenders)) {
    console.debug(`${contender.name}…`);
    answers[name] = await (contender.ids ?? contender.answer)(prompt, tokens);
  }
  const all = (given: Prompt, count: number) => Object.fromEntries(Object.entries(contenders).map(([name, contender]) => [name, () => contender.answer(given, count)]));
  const first = await inTurns(all(prompt, 1), { rounds, budgetMs: budgetMs / 4 });
  const whole = await inTurns(all(prompt, tokens + 1), { rounds, budgetMs });
  const long = await inTurns(all(prefill, 1), { rounds, budgetMs });
  for (const contender of Object.values(contenders)) await contender.close();
  return { first, whole, prefill: long, answers, absent };
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

export const measurements = { onWebGpu, onCpu };
export type Measurements = typeof measurements;

Object.assign(globalThis, { openledgerBench: measurements });
