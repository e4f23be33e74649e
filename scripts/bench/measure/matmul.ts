import { randomUnit } from '../../../src/arithmetic/random.ts';
import type { Backend } from '../../../src/kernels/backend.ts';
import { matmulNT } from '../../../src/kernels/matmul/operation.ts';
import { inTurns, medians } from '../timing.ts';
import { plainMatmulNT } from '../plain-matmul.ts';

const SIDE = 256;
/** Calls behind each sample of the fast form. */
const CALLS = 8;

/** A product of 256³ multiply-adds: WebAssembly against plain TypeScript. Thousand million operations a second. */
export async function measureMatmul(backend: Backend, rounds: number): Promise<{ ours: number; plain: number }> {
  const values = (seed: number) => Float32Array.from({ length: SIDE * SIDE }, (_, i) => randomUnit(seed, 1, i) - 0.5);
  const [x, w] = [values(1), values(2)];
  const [a, b] = [backend.upload('x', [SIDE, SIDE], x), backend.upload('w', [SIDE, SIDE], w)];
  const times = medians(await inTurns({
    plain: () => plainMatmulNT(x, w, SIDE, SIDE, SIDE),
    ours: () => {
      for (let i = 0; i < CALLS; i++) backend.free(backend.run(matmulNT, 'y', [a, b])[0]!);
    },
  }, { rounds }));
  backend.free(a);
  backend.free(b);
  const operations = 2 * SIDE ** 3;
  return { ours: (CALLS * operations) / times.ours / 1e6, plain: operations / times.plain / 1e6 };
}
