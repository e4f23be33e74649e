import { cancelled, OpenLedgerError } from '../errors.ts';
import type { Fetch } from './attempt.ts';
import { shortCid } from './cid.ts';

/** An answer to an upload is a few lines; more is not read. */
const MAX_ANSWER_CHARS = 16_384;
const BASE_TIMEOUT_MS = 60_000;
/** Slower uplinks than this are given up. */
const SLOWEST_BYTES_PER_MS = 32;

/** POSTs an archive to an address that takes CARs and answers `{"roots": [...]}`. */
export async function postCar(
  fetch: Fetch,
  url: string,
  cid: string,
  car: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  const refuse = (code: string, why: string, next: string, cause?: unknown): OpenLedgerError =>
    new OpenLedgerError({ code, what: `The content ${shortCid(cid)} could not be published.`, why, next, cause });

  const controller = new AbortController();
  const abort = (): void => controller.abort();
  signal?.addEventListener('abort', abort);
  const timer = setTimeout(abort, BASE_TIMEOUT_MS + car.length / SLOWEST_BYTES_PER_MS);
  try {
    if (signal?.aborted) throw cancelled();
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/vnd.ipld.car', accept: 'application/json' },
        body: car as Uint8Array<ArrayBuffer>,
        signal: controller.signal,
        credentials: 'omit',
      });
      text = (await response.text()).slice(0, MAX_ANSWER_CHARS);
    } catch (cause) {
      if (signal?.aborted) throw cancelled();
      throw refuse(
        'storage/publish-unreachable',
        `${url} cannot be reached.`,
        'Check that it is running and try again.',
        cause,
      );
    }
    if (!response.ok) {
      const reason = explained(text) ?? `It answered ${response.status}.`;
      throw refuse('storage/publish-refused', `${url} refused it: ${reason}`, 'See its reason, or publish elsewhere.');
    }
    if (!acknowledges(text, cid)) {
      throw refuse(
        'storage/publish-unconfirmed',
        `${url} did not confirm this content.`,
        'Check the address of the publishing service.',
      );
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function explained(text: string): string | undefined {
  const answer = parsed(text) as { what?: unknown; why?: unknown } | null | undefined;
  if (typeof answer?.what !== 'string') return undefined;
  return [answer.what, answer.why]
    .filter((part) => typeof part === 'string')
    .join(' ')
    .slice(0, 400);
}

function acknowledges(text: string, cid: string): boolean {
  const roots = (parsed(text) as { roots?: unknown } | null | undefined)?.roots;
  return Array.isArray(roots) && roots.includes(cid);
}
