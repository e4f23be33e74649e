/**
 * The first key that stands twice in one object of a JSON text, or undefined. JSON.parse silently takes the last one, so
 * two readers of the same file could see two different tensors. The text has to be valid JSON.
 */
export function duplicateKey(text: string): string | undefined {
  // Keys seen in each object that is open; undefined for arrays.
  const open: (Set<string> | undefined)[] = [];
  let expectsKey = false;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        open.push(new Set());
        expectsKey = true;
        break;
      case 0x5b: // [
        open.push(undefined);
        expectsKey = false;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        expectsKey = false;
        break;
      case 0x2c: // ,
        expectsKey = open[open.length - 1] !== undefined;
        break;
      case 0x22: {
        const start = at;
        for (at++; text.charCodeAt(at) !== 0x22; at++) if (text.charCodeAt(at) === 0x5c) at++;
        if (!expectsKey) break;
        expectsKey = false;
        const key = JSON.parse(text.slice(start, at + 1)) as string;
        const keys = open[open.length - 1]!;
        if (keys.has(key)) return key;
        keys.add(key);
      }
    }
  }
  return undefined;
}
