import { OpenLedgerError } from '../errors.ts';

/** Text that a person typed as an amount of OPEN, in wei. */
export function weiOfText(text: string): bigint {
  const match = /^\s*([0-9]{1,12})(?:[.,]([0-9]{1,18}))?\s*$/.exec(text);
  if (match) return BigInt(match[1]!) * 10n ** 18n + BigInt((match[2] ?? '').padEnd(18, '0'));
  throw new OpenLedgerError({
    code: 'amount/not-a-number',
    what: 'This is not an amount of OPEN.',
    why: 'It has to be a number with at most 18 decimals, such as 1.5.',
    next: 'Correct it.',
  });
}

/** Wei as text that `weiOfText` reads back exactly. */
export function textOfWei(wei: bigint): string {
  const digits = String(wei).padStart(19, '0');
  return `${digits.slice(0, -18)}.${digits.slice(-18)}`.replace(/\.?0+$/, '');
}
