import { type FastLane, greatest } from './lane.ts';

/**
 * How many tokens of the exact lane's greedy answer the fast lane would choose too, given the prompt and the exact
 * lane's tokens before each (teacher forcing), token by token through its own cache.
 */
export async function agreement(lane: FastLane, slot: number | undefined, prompt: readonly number[], answer: readonly number[]): Promise<number> {
  let same = 0;
  await lane.generate(prompt, {
    maxTokens: answer.length, stop: [], slot,
    pick: (logits, before) => {
      const wanted = answer[before.length]!;
      if (greatest(logits) === wanted) same++;
      return wanted;
    },
  });
  return same;
}
