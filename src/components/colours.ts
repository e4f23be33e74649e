/** How many colours for people there are: --who-0 … --who-8 in app.css. */
export const COLOURS = 9;

/** 32 well mixed bits of an address, for its picture and colour (FNV-1a, then a final mix). */
export function mixed(address: string): number {
  let hash = 0x811c9dc5;
  for (const char of address.toLowerCase().slice(2)) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The colour that an address prefers. */
export function preferredColour(address: string): number {
  return (mixed(address) >>> 16) % COLOURS;
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
