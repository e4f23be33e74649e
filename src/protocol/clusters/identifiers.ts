/** Numbers, and letters that stand alone: 2021, vitamin C. */
const IDENTIFIER = /^(\p{N}.*|[b-hj-ru-z])$/u;

/** Of some tokens (tokens.ts) those that say which one is meant: another number is another fact. */
export function identifiersOf(tokens: readonly string[]): Set<string> {
  return new Set(tokens.filter((token) => IDENTIFIER.test(token)));
}

/** Whether one set has all that the other has. */
export function eitherWithin(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  const [less, more] = one.size <= other.size ? [one, other] : [other, one];
  for (const item of less) if (!more.has(item)) return false;
  return true;
}
