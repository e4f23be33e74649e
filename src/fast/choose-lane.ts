import { type Generate, measureSpeed } from './bench.ts';
import { type LaneChoice, decideLane } from './decide-lane.ts';

const TOKENS = 6;
const ROUNDS = 2;

/** Times a few tokens on both lanes in turns, each loaded already, and says which answers sooner. */
export async function chooseLane(exact: Generate, fast: Generate, prompt: readonly number[], context: number): Promise<LaneChoice> {
  const [exactSpeed, fastSpeed] = await measureSpeed([exact, fast], { prompt, context, decodeTokens: TOKENS, prefillTokens: 16, rounds: ROUNDS });
  return decideLane(exactSpeed!.decodeTokensPerSecond, fastSpeed!.decodeTokensPerSecond);
}
