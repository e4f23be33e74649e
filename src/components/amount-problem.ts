import { toWire } from '../errors.ts';
import { textOfWei, weiOfText } from '../state/amount-text.ts';

/** What is wrong with an amount of OPEN that somebody types; empty where nothing is. Bounds in wei. */
export function amountProblem(text: string, bounds: { least?: bigint; most?: bigint } = {}): string {
  try {
    const wei = weiOfText(text);
    if (bounds.least !== undefined && wei < bounds.least) return `At least ${textOfWei(bounds.least)} OPEN.`;
    if (bounds.most !== undefined && wei > bounds.most) return `At most ${textOfWei(bounds.most)} OPEN.`;
    return '';
  } catch (error) {
    return toWire(error).why ?? 'A number is needed.';
  }
}
