/** `npx tsx src/kernels/cholesky/systems.node.ts opengles`: whole systems on WebGPU in Node against the CPU backend, one line of JSON. */
import { bitsOf } from '../../arithmetic/rf32.ts';
import { toWire } from '../../errors.ts';
import { createCpuBackend } from '../cpu/backend.ts';
import { createWebGpuBackend } from '../webgpu/backend.ts';
import { type DawnKind, openDawn } from '../webgpu/dawn.node.ts';
import { solveOn, system } from './systems.ts';

const report: { skipped?: string; wrong: string[] } = { wrong: [] };
try {
  const { adapter } = await openDawn(process.argv[2] as DawnKind);
  const gpu = await createWebGpuBackend({ adapter });
  const cpu = await createCpuBackend();
  for (const [m, n, condition] of [[64, 2, 1e2], [200, 5, 1e4]] as const) {
    const { K, C } = system(m, n, condition, 11);
    const [want, got] = [await solveOn(cpu, m, n, K, C), await solveOn(gpu, m, n, K, C)];
    for (const part of ['L', 'W'] as const) {
      const at = want[part].findIndex((value, i) => bitsOf(value) !== bitsOf(got[part][i]!));
      if (at >= 0) report.wrong.push(`${part}[${at}] of ${m}: ${want[part][at]} on the CPU, ${got[part][at]} on the GPU`);
    }
  }
  if (gpu.memory().bytes !== 0) report.wrong.push(`${gpu.memory().bytes} bytes were not freed`);
  gpu.destroy();
} catch (error) {
  if (toWire(error).code !== 'webgpu/unavailable') throw error;
  report.skipped = toWire(error).why ?? toWire(error).what;
}
console.log(JSON.stringify(report));
process.exit(0);
