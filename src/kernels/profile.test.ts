import { expect, it } from 'vitest';
import { addTensors, scaleTensor } from './elementwise/operation.ts';
import { createCpuBackend } from './cpu/backend.ts';
import { matmulNT } from './matmul/operation.ts';
import { matrixOperations } from './matrix/operation.ts';
import { ReferenceBackend } from './reference/backend.ts';
import { workOf } from './work.ts';

it.each([
  ['the CPU', createCpuBackend],
  ['the reference', async () => new ReferenceBackend()],
] as const)('tells time by operation on %s, of what ran in between only', async (_, open) => {
  const backend = await open();
  const x = backend.upload('x', [40, 300], new Float32Array(12_000).fill(1));
  const w = backend.upload('w', [50, 300], new Float32Array(15_000).fill(1));
  backend.run(matmulNT, 'before', [x, w]);
  backend.profile.start();
  for (let i = 0; i < 3; i++) backend.run(matmulNT, 'y', [x, w]);
  backend.run(scaleTensor, 'z', [x], { scale: 2 });
  const profile = await backend.profile.stop();
  backend.run(addTensors, 'after', [x, x]);
  expect(profile.clock).toBe('calls');
  expect(profile.calls).toBe(4);
  const product = profile.entries.find(({ operation }) => operation === 'matmulNT')!;
  expect(profile.entries.map(({ operation }) => operation).sort()).toEqual(['matmulNT', 'scale']);
  expect(product).toMatchObject({ calls: 3, dispatches: 3, multiplyAdds: 3 * 40 * 50 * 300, bytes: 3 * 4 * (40 * 300 + 50 * 300 + 40 * 50) });
  expect(profile.entries.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
  expect(profile.ms).toBeLessThanOrEqual(profile.wallMs);
  expect((await backend.profile.stop()).entries).toEqual([]);
});

it('knows the work of products in every format of weights', () => {
  const packed = matrixOperations.q8.nt;
  const shapes = [[7, 64], [32, 16], [32, 1]];
  expect(workOf(packed, shapes, [{ shape: [7, 32], dtype: 'f32' }], {}).multiplyAdds).toBe(7 * 32 * 64);
});
