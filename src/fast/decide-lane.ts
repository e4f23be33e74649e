/** Kept apart from measuring: the page that decides loads nothing else of this folder. */
export type Lane = 'exact' | 'fast';

export interface LaneChoice {
  lane: Lane;
  exactTokensPerSecond: number;
  fastTokensPerSecond: number;
  /** One or two sentences for people. */
  why: string;
}

/** The fast lane reads an answer that the exact lane reads again: it has to be clearly faster to be worth it. */
const CLEARLY = 1.2;

export function decideLane(exactTokensPerSecond: number, fastTokensPerSecond: number): LaneChoice {
  const lane: Lane = fastTokensPerSecond >= CLEARLY * exactTokensPerSecond ? 'fast' : 'exact';
  const figures = `the exact lane made ${rate(exactTokensPerSecond)} tokens a second, ONNX Runtime ${rate(fastTokensPerSecond)}`;
  const why = lane === 'fast'
    ? `On this machine ${figures}, so ONNX Runtime writes the answer; before anything is attributed, the exact lane reads it again.`
    : `On this machine ${figures}: not enough to read every answer twice, so the exact lane writes it.`;
  return { lane, exactTokensPerSecond, fastTokensPerSecond, why };
}

const rate = (tokensPerSecond: number) => (tokensPerSecond < 10 ? tokensPerSecond.toFixed(1) : String(Math.round(tokensPerSecond)));
