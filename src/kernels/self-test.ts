import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Backend, Tensor } from './backend.ts';
import type { Case } from './case.ts';
import type { Values } from './operation.ts';
import { selfTestAnswers } from './self-test-answers.ts';
import { formCases, selfTestCases } from './self-test-cases.ts';

export interface SelfTestResult {
  name: string;
  ok: boolean;
}

/** keccak256 over the bits of everything a case wrote, little-endian words in order, in hexadecimal. */
export function answerDigest(outputs: Values[]): string {
  const hash = keccak_256.create();
  for (const values of outputs) {
    const bytes = new DataView(new ArrayBuffer(values.length * 4));
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    words.forEach((word, i) => bytes.setUint32(i * 4, word, true));
    hash.update(new Uint8Array(bytes.buffer));
  }
  return bytesToHex(hash.digest());
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
