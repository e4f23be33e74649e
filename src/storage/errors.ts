import type { CID } from 'multiformats/cid';
import { OpenLedgerError } from '../errors.ts';
import { shortCid } from './cid.ts';

export function tooLarge(cid: CID | string, size: number | undefined, maxBytes: number): OpenLedgerError {
  return new OpenLedgerError({
    code: 'storage/too-large',
    what: `The content ${shortCid(cid)} is larger than accepted here.`,
    why:
      size === undefined ? `More than ${maxBytes} bytes arrived.` : `It has ${size} bytes; ${maxBytes} are accepted.`,
    next: 'Check that this is the content you meant.',
  });
}

export function notInStore(cid: CID): OpenLedgerError {
  return new OpenLedgerError({
    code: 'storage/not-found',
    what: `The content ${shortCid(cid)} is not here.`,
    why: 'It is not in the local store and no gateway is set.',
    next: 'Add a gateway that has it, or ask its publisher.',
  });
}
