import { OpenLedgerError } from '../errors.ts';

export const MAX_STOPS = 32;
export const MAX_STOP_LENGTH = 256;

/** Text as it streams, up to a stop sequence. */
export interface StopStream {
  /** True once a stop sequence came; nothing is given after it. */
  readonly stopped: boolean;
  /** Text that can be shown now; what may be the beginning of a stop sequence is held back. */
  push(text: string): string;
  /** What was held back, at the end. */
  end(): string;
}

/** Throws `stop/invalid` for too many, too long or empty stop sequences. */
export function parseStops(stops: readonly string[]): string[] {
  const fits = stops.length <= MAX_STOPS && stops.every((stop) => typeof stop === 'string' && stop !== '' && stop.length <= MAX_STOP_LENGTH);
  if (!fits) {
    throw new OpenLedgerError({
      code: 'stop/invalid',
      what: 'The texts that end an answer cannot be used.',
      why: `There may be ${MAX_STOPS} of them, each of 1 to ${MAX_STOP_LENGTH} characters.`,
      next: 'Give fewer or shorter ones.',
    });
  }
  return [...stops];
}

/**
 * Finds the first stop sequence in text that comes in pieces of any length, so across the borders of tokens. Text before
 * it is given, itself and what follows are not. Where two begin at different places the earlier place counts.
 */
export function createStopStream(given: readonly string[]): StopStream {
  const stops = parseStops(given);
  let held = '';
  let stopped = false;
  return {
    get stopped() {
      return stopped;
    },
    push(text) {
      if (stopped) return '';
      held += text;
      const found = Math.min(...stops.map((stop) => held.indexOf(stop)).filter((at) => at >= 0));
      // A place before it may still become a longer stop sequence.
      const open = mayBegin(held, stops);
      if (found !== Infinity && found <= open) {
        stopped = true;
        const shown = held.slice(0, found);
        held = '';
        return shown;
      }
      const shown = held.slice(0, open);
      held = held.slice(open);
      return shown;
    },
    end() {
      if (stopped) return '';
      // The text ended: an open beginning came to nothing, and a stop sequence after it counts.
      const found = Math.min(...stops.map((stop) => held.indexOf(stop)).filter((at) => at >= 0));
      const shown = found === Infinity ? held : held.slice(0, found);
      stopped = found !== Infinity;
      held = '';
      return shown;
    },
  };
}

/** The first place from which the text's end is the beginning of a stop sequence; the text's length where there is none. */
function mayBegin(text: string, stops: readonly string[]): number {
  const longest = Math.max(0, ...stops.map((stop) => stop.length - 1));
  for (let at = Math.max(0, text.length - longest); at < text.length; at++) {
    const rest = text.slice(at);
    if (stops.some((stop) => stop.length > rest.length && stop.startsWith(rest))) return at;
  }
  return text.length;
}
