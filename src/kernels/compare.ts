import { toWire } from '../errors.ts';
import type { Backend } from './backend.ts';
import type { Case } from './case.ts';
import { runCase } from './case.ts';
import { bitsOf } from '../arithmetic/rf32.ts';

export interface Difference {
  name: string;
  what: string;
}

/** The first place where two backends differ on a case, or undefined. */
export async function compareCase(one: Case, expected: Backend, actual: Backend): Promise<Difference | undefined> {
  const outcome = async (backend: Backend) => {
    try {
      return await runCase(backend, one);
    } catch (error) {
      return { error: toWire(error).code === 'unexpected' ? String(error) : toWire(error).code };
    }
  };
  const [want, got] = [await outcome(expected), await outcome(actual)];
  if ('error' in want || 'error' in got) {
    const said = [want, got].map((side) => ('error' in side ? side.error : 'values'));
    return said[0] === said[1] ? undefined : { name: one.name, what: `${expected.kind} gives ${said[0]}, ${actual.kind} ${said[1]}` };
  }
  for (let output = 0; output < want.outputs.length; output++) {
    const [a, b] = [want.outputs[output]!, got.outputs[output]!];
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      // Bits, not values: -0 is not +0 here. Integers compare as they are.
      const same = a instanceof Uint32Array ? a[i] === b[i] : bitsOf(a[i]!) === bitsOf(b[i]!);
      if (!same) return { name: one.name, what: `output ${output}[${i}]: ${expected.kind} ${a[i]}, ${actual.kind} ${b[i]}` };
    }
  }
  return undefined;
}
