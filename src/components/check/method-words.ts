import { METHOD_ID, METHOD_NAME } from '../influence/influence-words.ts';

/** What a receipt's method is called, and what its numbers mean and do not mean. */
export interface MethodWords {
  name: string;
  means: string;
}

const KNOWN: Record<string, MethodWords> = {
  [METHOD_ID]: {
    name: METHOD_NAME,
    means: 'It estimates how much less likely the answer would be without each record, beside what chance would make of it; an estimate, which says nothing of whether a record is true.',
  },
};

/** Undefined for a method that this version does not know; the check will say so. */
export function methodWords(method: string): MethodWords | undefined {
  return Object.hasOwn(KNOWN, method) ? KNOWN[method] : undefined;
}
