/**
 * Trains two steps of a small model through Dawn and prints the memory it took beside what was planned, as one line
 * of JSON. A process of its own, because Dawn keeps Node alive. `npx tsx src/model/testing/training-memory.node.ts opengles`.
 */
import { toWire } from '../../errors.ts';
import { createWebGpuBackend } from '../../kernels/webgpu/backend.ts';
import { sizeClass } from '../../kernels/webgpu/buffer-pool.ts';
import { type DawnKind, openDawn } from '../../kernels/webgpu/dawn.node.ts';
import { planTraining } from '../memory-plan.ts';
import { plannedRun, smallConfig, smallRecipe, smallTokens } from './planned-run.ts';

async function main(): Promise<object> {
  try {
    const { adapter } = await openDawn(process.argv[2] as DawnKind);
    const backend = await createWebGpuBackend({ adapter });
    const real = await plannedRun(backend);
    const plan = await planTraining(smallConfig, 'f32', smallRecipe, smallTokens, { kind: 'webgpu', maxBinding: backend.maxBinding, rounded: sizeClass });
    return { device: backend.device, real, plan: plan.peak };
  } catch (error) {
    if (toWire(error).code !== 'webgpu/unavailable') throw error;
    return { skipped: toWire(error).why };
  }
}

main().then(
  (report) => {
    console.log(JSON.stringify(report));
    process.exit(0);
  },
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
