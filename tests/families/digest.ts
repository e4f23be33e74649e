import { createHash } from 'node:crypto';
import type { Backend } from '../../src/kernels/backend.ts';
import { FAMILIES, compute, makeFamily } from './families.ts';

/** SHA-256 over the bits of each family's logits, loss, gradients and answer on a backend: of all, or of one in `every`. */
export async function digests(backend: Backend, every = 1): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const [i, family] of FAMILIES.entries()) {
    if (every > 1 && i % every !== 1) continue;
    const { logits, loss, gradients, answer } = await compute(backend, makeFamily(family, i + 1));
    const hash = createHash('sha256');
    const add = (values: Float32Array) => hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    add(logits);
    add(Float32Array.of(loss));
    for (const name of [...gradients.keys()].sort()) add(gradients.get(name)!);
    hash.update(answer.join(' '));
    out[family.name] = hash.digest('hex').slice(0, 16);
  }
  return out;
}
