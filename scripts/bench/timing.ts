/** Middle of the sorted values; the upper of two. */
export function median(values: readonly number[]): number {
  if (!values.length) throw new RangeError('median of nothing');
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/**
 * Times of several contenders in milliseconds, taken in turns: ours, theirs, ours, theirs, … after one turn that does
 * not count. A machine that slows down for a while then slows all of them. Ends after `rounds`, or with the round in
 * which `budgetMs` have passed. `warm`: the contenders have done the same already, so no turn is left out.
 */
export async function inTurns<Name extends string>(
  contenders: Record<Name, () => unknown>,
  { rounds, budgetMs = Infinity, warm = false }: { rounds: number; budgetMs?: number; warm?: boolean },
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contenders) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  if (!warm) for (const name of names) await contenders[name]();
  const began = performance.now();
  for (let round = 0; round < rounds && (round === 0 || performance.now() - began < budgetMs); round++) {
    // Every other round runs backwards, so that nobody always comes after the same one.
    for (const name of round % 2 ? [...names].reverse() : names) times[name].push(await timed(contenders[name]));
  }
  return times;
}

/** Median of each contender's times. */
export function medians<Name extends string>(times: Record<Name, number[]>): Record<Name, number> {
  return Object.fromEntries(Object.entries<number[]>(times).map(([name, values]) => [name, median(values)])) as Record<Name, number>;
}

/** Milliseconds of each of `tokens` decoded ones, from answers with and without them. Throws where noise hides them. */
export function decodeTime(whole: readonly number[], first: readonly number[], tokens: number): number {
  const ms = (median(whole) - median(first)) / tokens;
  if (!(ms > 0)) throw new Error(`The machine is too busy: ${tokens} tokens more took no more time.`);
  return ms;
}
