import type { Transport } from 'viem';

const TRIES = 4;
const PAUSE_MS = 60;
/**
 * What nodes answer that keep only the newest state when a block was made while they read, and those behind a load
 * balancer when one of them is a block behind.
 */
const PASSING = /BlockOutOfRange|block height is \d+ but requested|header not found|missing trie node/i;

/** Asks again where the block that was asked about has just been replaced by the next: nothing is wrong with the call. */
export function retryPruned(node: Transport): Transport {
  return (parameters) => {
    const made = node(parameters);
    const request = async (...args: Parameters<typeof made.request>) => {
      for (let tries = 1; ; tries++) {
        try {
          return await made.request(...args);
        } catch (error) {
          if (tries === TRIES || !PASSING.test(wordsOf(error))) throw error;
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        }
      }
    };
    return { ...made, request: request as typeof made.request };
  };
}

function wordsOf(error: unknown): string {
  const { message = '', details = '' } = (error ?? {}) as { message?: string; details?: string };
  return `${details} ${message}`;
}
