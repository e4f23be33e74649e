import { OpenLedgerError } from '../errors.ts';

const encoder = new TextEncoder();

/** Whether a name from outside may stand for one entry of a folder, here and on any file system. */
export function isSafeName(name: string): boolean {
  if (name === '' || name === '.' || name === '..') return false;
  // Separators, and control characters: both would let a name mean another place or hide itself.
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[/\\\u0000-\u001f\u007f]/.test(name)) return false;
  return encoder.encode(name).length <= 255;
}

/** The segments of a path inside a folder. Throws on anything that could lead out of it. */
export function pathSegments(path: string | undefined): string[] {
  if (path === undefined || path === '') return [];
  const segments = path.split('/');
  if (segments.length > 32 || !segments.every(isSafeName)) {
    throw new OpenLedgerError({
      code: 'storage/bad-path',
      what: 'This is not a path inside a published folder.',
      why: `It reads “${path.slice(0, 80)}”.`,
      next: 'Use names joined by single slashes, without “.” or “..”.',
    });
  }
  return segments;
}
