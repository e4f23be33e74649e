/** How many colours for people there are: --who-0 … --who-8 in app.css. */
export const COLOURS = 9;

/** The colour that an address prefers, from its own digits. */
export function preferredColour(address: string): number {
  let hash = 7;
  for (const char of address.toLowerCase().slice(2)) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return hash % COLOURS;
}

/**
 * Colours for people who are shown together: each gets its preferred one, or the next that is free. Depends only on
 * who is shown, not on their order. Beyond nine people colours repeat; names and pictures tell them apart.
 */
export function colourOfEach(addresses: Iterable<string>): Map<string, number> {
  const out = new Map<string, number>();
  const taken = new Set<number>();
  for (const address of [...new Set([...addresses].map((a) => a.toLowerCase()))].sort()) {
    let colour = preferredColour(address);
    if (taken.size < COLOURS) while (taken.has(colour)) colour = (colour + 1) % COLOURS;
    taken.add(colour);
    out.set(address, colour);
  }
  return out;
}
