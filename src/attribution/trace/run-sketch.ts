import { BLOCK, add, store } from '../../arithmetic/rf32.ts';
import type { Work } from './run.ts';

const words = ({ buffer, byteOffset, length }: Float32Array) => new Uint32Array(buffer, byteOffset, length);

/** Slots that have members, by the table that says so: of a tensor most have none, and tables are read for every record. */
const filledSlots = new WeakMap<Float32Array, Uint32Array>();

function filledOf(pairs: Float32Array): Uint32Array {
  const known = filledSlots.get(pairs);
  if (known) return known;
  const bounds = words(pairs);
  const filled: number[] = [];
  for (let j = 0; 2 * j < bounds.length; j++) if (bounds[2 * j]! < bounds[2 * j + 1]!) filled.push(j);
  const made = Uint32Array.from(filled);
  filledSlots.set(pairs, made);
  return made;
}

/** `sketch` of ELEMENTS, slot by slot: slots without members only pass on what was there. */
export function sketchSlots({ sources: [x, pairs, members, before], values }: Work): void {
  const [bounds, list, from] = [words(pairs!.values), words(members!.values), x!.values];
  if (before) for (let j = 0; j < values.length; j++) values[j] = store(add(before.values[j]!, 0));
  for (const j of filledOf(pairs!.values)) {
    const end = bounds[2 * j + 1]!;
    let total = 0;
    for (let first = bounds[2 * j]!; first < end; first += BLOCK) {
      const last = Math.min(end, first + BLOCK);
      let sum = 0;
      for (let e = first; e < last; e++) {
        const member = list[e]!;
        const value = from[member & 0x7fffffff]!;
        sum = add(sum, member >>> 31 ? 0 - value : value);
      }
      total = add(total, sum);
    }
    values[j] = store(add(before ? before.values[j]! : 0, total));
  }
}
