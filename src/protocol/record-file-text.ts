import { OpenLedgerError } from '../errors.ts';

export interface DecodedText {
  text: string;
  encoding: 'UTF-8' | 'UTF-16 LE' | 'UTF-16 BE';
}

/**
 * The text of a file that somebody dropped: UTF-8 with or without byte order mark, UTF-16 with one.
 * Nothing is guessed or replaced: bytes that are no text throw `records/bad-encoding` with the line.
 */
export function decodeRecordText(bytes: Uint8Array): DecodedText {
  const starts = (...mark: number[]) => mark.every((byte, i) => bytes[i] === byte);
  if (starts(0xff, 0xfe, 0, 0) || starts(0, 0, 0xfe, 0xff)) throw badEncoding('It is written in UTF-32.');
  if (starts(0xff, 0xfe)) return { text: decode(bytes.subarray(2), 'utf-16le'), encoding: 'UTF-16 LE' };
  if (starts(0xfe, 0xff)) return { text: decode(bytes.subarray(2), 'utf-16be'), encoding: 'UTF-16 BE' };
  const body = starts(0xef, 0xbb, 0xbf) ? bytes.subarray(3) : bytes;
  // Valid UTF-8 may hold zero bytes, a text file does not: it is UTF-16 without its mark, or no text at all.
  if (body.subarray(0, 4096).includes(0)) {
    throw badEncoding('It holds zero bytes: UTF-16 without a byte order mark, or no text at all.');
  }
  return { text: decode(body, 'utf-8'), encoding: 'UTF-8' };
}

function decode(bytes: Uint8Array, label: 'utf-8' | 'utf-16le' | 'utf-16be'): string {
  try {
    return new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    if (label !== 'utf-8') throw badEncoding('Its UTF-16 is broken or cut off.');
    throw badEncoding(`Line ${firstBadLine(bytes)} is not valid UTF-8.`);
  }
}

function firstBadLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  for (let from = 0; from < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, from);
    const to = end < 0 ? bytes.length : end + 1;
    try {
      decoder.decode(bytes.subarray(from, to));
    } catch {
      return line;
    }
    from = to;
  }
  return line;
}

function badEncoding(why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'records/bad-encoding',
    what: 'The characters of this file cannot be read.',
    why,
    next: 'Save it as UTF-8 and drop it again.',
  });
}
