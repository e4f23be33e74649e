import { OpenLedgerError } from '../errors.ts';

/** RF32 holds no NaN, no infinity and nothing beyond 2^50: the run ends here. */
export function outOfRange(tensor: string, operation: string, detail = ''): OpenLedgerError {
  return new OpenLedgerError({
    code: 'rf32/out-of-range',
    what: `The numbers left the range of the exact arithmetic in "${tensor}" (operation ${operation}${detail}).`,
    why: 'A value became NaN, infinite or greater than 2^50.',
    next: 'If this happened in training, use a smaller learning rate; otherwise the model or adapter is damaged: load it again.',
  });
}
