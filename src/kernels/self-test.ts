import { type Hex, keccak256, toHex } from '../protocol/bytes.ts';
import type { Backend, Tensor } from './backend.ts';
import type { Case } from './case.ts';
import type { Values } from './operation.ts';
import { selfTestAnswers } from './self-test-answers.ts';
import { formCases, selfTestCases } from './self-test-cases.ts';

export interface SelfTestResult {
  name: string;
  ok: boolean;
}

/** keccak256 over the bits of everything a case wrote, little-endian words in order. */
export function answerDigest(outputs: Values[]): Hex {
  return toHex(
    keccak256(
      ...outputs.map((values) => {
        const bytes = new DataView(new ArrayBuffer(values.length * 4));
        const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
        bits.forEach((word, i) => bytes.setUint32(i * 4, word, true));
        return new Uint8Array(bytes.buffer);
      }),
    ),
  );
}

/**
 * Known answers of every operation, from the plain TypeScript reference (scripts of the tests keep them true).
 * `forms` adds the other compiled forms of a graphics processor. Everything is recorded before anything is read:
 * one wait, not thirty.
 */
export async function selfTest(backend: Backend, forms = false): Promise<SelfTestResult[]> {
  const cases = [...selfTestCases(), ...(forms ? formCases() : [])];
  return Promise.all(cases.map((one) => answer(backend, one)));
}

async function answer(backend: Backend, { name, operation, inputs, params }: Case): Promise<SelfTestResult> {
  const held: Tensor[] = [];
  try {
    inputs.forEach(({ shape, values }, i) => held.push(backend.upload(`self-test ${name} ${i}`, shape, values)));
    const results = backend.run(operation, `self-test ${name}`, held, params);
    for (const tensor of results) if (!held.includes(tensor)) held.push(tensor);
    const outputs = await Promise.all(results.map((tensor) => backend.read(tensor)));
    return { name, ok: answerDigest(outputs) === selfTestAnswers[name] };
  } catch {
    // Whatever went wrong, the device did not give the known answer; the caller falls back.
    return { name, ok: false };
  } finally {
    try {
      for (const tensor of held) backend.free(tensor);
    } catch {
      // A lost device frees everything itself.
    }
  }
}
