import type { FastLane } from './lane.ts';

export interface Speed {
  decodeTokensPerSecond: number;
  /** Seconds of the run that reads a prompt of `prefillTokens` and gives one token. */
  prefillSeconds: number;
  prefillTokens: number;
}

/** What both lanes do: `maxTokens` tokens after a prompt, whether or not the model would have ended; each token is heard. */
export type Generate = (prompt: readonly number[], maxTokens: number, onToken: () => void) => Promise<unknown>;

export interface SpeedOptions {
  /** Any ids; each run reads a part of them, repeated where it is too short. */
  prompt: readonly number[];
  /** The model's longest sequence. */
  context: number;
  decodeTokens?: number;
  prefillTokens?: number;
  rounds?: number;
}

const PROMPT = 16;

/** The fast lane as `measureSpeed` takes it. */
export const fastGenerate = (lane: FastLane, slot?: number): Generate => (prompt, maxTokens, onToken) => lane.generate(prompt, { maxTokens, stop: [], slot, onToken });

/**
 * Measures several lanes in turns, so that what else the machine does falls on all of them; gives the median of the
 * rounds for each, after one round to warm up. Decoding is timed from the first to the last token of an answer.
 */
export async function measureSpeed(
  lanes: readonly Generate[],
  { prompt, context, decodeTokens = 32, prefillTokens = 256, rounds = 5 }: SpeedOptions,
): Promise<Speed[]> {
  const prefill = Math.min(prefillTokens, context - 1);
  const ids = (count: number) => Array.from({ length: count }, (_, i) => prompt[i % prompt.length]!);
  const short = ids(Math.min(PROMPT, context >> 1));
  const tokens = Math.max(2, Math.min(decodeTokens, context - short.length));
  const times = lanes.map(() => ({ decode: [] as number[], prefill: [] as number[] }));
  for (let round = 0; round <= rounds; round++) {
    for (const [i, generate] of lanes.entries()) {
      let first = 0;
      let last = 0;
      await generate(short, tokens, () => {
        last = performance.now();
        first ||= last;
      });
      const began = performance.now();
      await generate(ids(prefill), 1, () => undefined);
      const ended = performance.now();
      if (round === 0) continue;
      times[i]!.decode.push((last - first) / (tokens - 1));
      times[i]!.prefill.push(ended - began);
    }
  }
  return times.map((time) => ({ decodeTokensPerSecond: 1000 / median(time.decode), prefillSeconds: median(time.prefill) / 1000, prefillTokens: prefill }));
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
