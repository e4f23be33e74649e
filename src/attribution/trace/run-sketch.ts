import { BLOCK, TINY } from '../../arithmetic/rf32.ts';
import type { Work } from './run.ts';

// add and store of RF32, written out: these loops are most of what rows of gradients cost.
const { fround } = Math;
const tiny = TINY;

const words = ({ buffer, byteOffset, length }: Float32Array) => new Uint32Array(buffer, byteOffset, length);

/** Slots that have members, as slot, first member, end each, by the table that says so: of a tensor most have none, and tables are read for every record. */
const filledSlots = new WeakMap<Float32Array, Uint32Array>();

function filledOf(pairs: Float32Array): Uint32Array {
  const known = filledSlots.get(pairs);
  if (known) return known;
  const bounds = words(pairs);
  const filled: number[] = [];
  for (let j = 0; 2 * j < bounds.length; j++) if (bounds[2 * j]! < bounds[2 * j + 1]!) filled.push(j, bounds[2 * j]!, bounds[2 * j + 1]!);
  const made = Uint32Array.from(filled);
  filledSlots.set(pairs, made);
  return made;
}

/** `sketch` of ELEMENTS, slot by slot: slots without members only pass on what was there. */
export function sketchSlots({ sources: [x, pairs, members, before], values }: Work): void {
  if (before) passOn(before.values, values);
  addSlots(x!.values, filledOf(pairs!.values), words(members!.values), before?.values ?? values, values);
}

/** What is added to nothing is stored as it is, but for −0. */
function passOn(before: Float32Array, values: Float32Array): void {
  for (let j = 0; j < values.length; j++) {
    const x = before[j]!;
    values[j] = x > -tiny && x < tiny ? 0 : x;
  }
}

function addSlots(x: Float32Array, filled: Uint32Array, members: Uint32Array, before: Float32Array, values: Float32Array): void {
  for (let k = 0; k < filled.length; k += 3) {
    const j = filled[k]!;
    const end = filled[k + 2]!;
    let total = 0;
    for (let first = filled[k + 1]!; first < end; first += BLOCK) {
      const last = Math.min(end, first + BLOCK);
      let sum = 0;
      for (let e = first; e < last; e++) {
        const member = members[e]!;
        const value = x[member & 0x7fffffff]!;
        sum = fround(sum + (member >>> 31 ? 0 - value : value));
      }
      total = fround(total + sum);
    }
    const made = fround(before[j]! + total);
    values[j] = made > -tiny && made < tiny ? 0 : made;
  }
}
