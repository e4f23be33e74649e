import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { OpenLedgerError } from '../errors.ts';
import type { Backend, Tensor } from './backend.ts';
import type { Case } from './case.ts';
import { FORMATS, type Format } from './matrix/format.ts';
import type { Matrix } from './matrix/matrix.ts';
import type { Operation, Values } from './operation.ts';
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

/** What a model's weights are like and what is done with it; see Operation.usedFor. */
export interface Uses {
  formats: readonly Format[];
  split: boolean;
  curvature: boolean;
}

const PLAIN: Uses = { formats: ['f32'], split: false, curvature: false };
export const ALL_USES: Uses = { formats: FORMATS, split: true, curvature: true };

function isUsed({ usedFor }: Operation, { formats, split, curvature }: Uses): boolean {
  return (usedFor?.format === undefined || formats.includes(usedFor.format)) && (!usedFor?.split || split) && (!usedFor?.curvature || curvature);
}

/**
 * Known answers of every operation that models with float32 weights need, or for all of `uses`, from the plain TypeScript reference (scripts of the tests keep them true).
 * `forms` adds the other compiled forms of a graphics processor. Everything is recorded before anything is read:
 * one wait, not thirty.
 */
export async function selfTest(backend: Backend, forms = false, uses: Uses = PLAIN): Promise<SelfTestResult[]> {
  const cases = [...selfTestCases(), ...(forms ? formCases() : [])].filter(({ operation }) => isUsed(operation, uses));
  return Promise.all(cases.map((one) => answer(backend, one)));
}

/** The names of cases that a backend has passed on behalf of its models. */
const passed = new WeakMap<Backend, Set<string>>();

/**
 * Asks a WebGPU or CPU backend for the known answers of the operations that these matrices need beyond those asked at
 * the start, once for each backend. Throws `kernels/self-test-failed`.
 */
export async function requireSelfTest(backend: Backend, matrices: Iterable<Matrix>): Promise<void> {
  const all = [...matrices];
  const formats = [...new Set(all.map(({ format }) => format))];
  const uses = { formats, split: all.some(({ parts }) => parts.length > 1), curvature: false };
  await requireAnswers(backend, uses, `with weights in the format ${formats.join(', ')}`, 'Choose the CPU in the settings, or load the model in another format.');
}

/** The same for the operations of the curvature method, before the first is used. Throws `kernels/self-test-failed`. */
export async function requireCurvatureTest(backend: Backend): Promise<void> {
  await requireAnswers(backend, { formats: [], split: false, curvature: true }, 'what attribution asks of it', 'Choose the CPU in the settings.');
}

async function requireAnswers(backend: Backend, uses: Uses, doing: string, next: string): Promise<void> {
  if (backend.kind === 'reference') return;
  const known = passed.get(backend) ?? new Set();
  passed.set(backend, known);
  const cases = selfTestCases().filter(({ name, operation }) => operation.usedFor && isUsed(operation, uses) && !known.has(name));
  for (const { name, ok } of await Promise.all(cases.map((one) => answer(backend, one)))) {
    if (!ok) {
      throw new OpenLedgerError({
        code: 'kernels/self-test-failed',
        what: `${backend.device} does not compute exactly ${doing}.`,
        why: `Its answer to the known question "${name}" differs in some bits.`,
        next,
      });
    }
    known.add(name);
  }
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
