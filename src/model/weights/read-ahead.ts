import { throwIfAborted } from '../../errors.ts';
import type { ByteSource } from '../../protocol/model-folder.ts';

/** Bytes [from, to) of a source that are wanted, for someone who knows why. */
export interface Wanted<T> {
  source: ByteSource;
  from: number;
  to: number;
  what: T;
}

/**
 * Reads pieces in the order given and hands out each with its bytes. Neighbours are read together, up to `most` bytes at
 * once (a longer piece alone); the next read runs while the last one's pieces are used, so at most two are held.
 */
export async function* readAhead<T>(pieces: readonly Wanted<T>[], most: number, signal?: AbortSignal): AsyncGenerator<{ what: T; bytes: Uint8Array }> {
  const spans: Wanted<T>[][] = [];
  for (const piece of pieces) {
    const span = spans[spans.length - 1];
    const last = span?.[span.length - 1];
    if (span && last!.source === piece.source && last!.to === piece.from && piece.to - span[0]!.from <= most) span.push(piece);
    else spans.push([piece]);
  }
  const start = (span: Wanted<T>[] | undefined): Promise<Uint8Array> | undefined => {
    const reading = span && span[0]!.source.read(span[0]!.from, span[span.length - 1]!.to, signal);
    // Its failure is met when its turn comes, or does not matter any more.
    reading?.catch(() => undefined);
    return reading;
  };
  let next = start(spans[0]);
  for (const [i, span] of spans.entries()) {
    throwIfAborted(signal);
    const bytes = await next!;
    next = start(spans[i + 1]);
    const first = span[0]!.from;
    for (const { from, to, what } of span) yield { what, bytes: bytes.subarray(from - first, to - first) };
  }
}
