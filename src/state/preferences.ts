/** One small choice in localStorage. Storage may be blocked: then the choice lasts as long as the tab. */
const held = new Map<string, string>();

export function readPreference(name: string): string | undefined {
  try {
    return localStorage.getItem(`openledger:${name}`) ?? held.get(name);
  } catch {
    return held.get(name);
  }
}

export function writePreference(name: string, value: string | undefined): void {
  if (value === undefined) held.delete(name);
  else held.set(name, value);
  try {
    if (value === undefined) localStorage.removeItem(`openledger:${name}`);
    else localStorage.setItem(`openledger:${name}`, value);
  } catch {
    // Held in memory above.
  }
}
