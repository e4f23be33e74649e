/** `digest.node.ts <kind> [every]` prints the digests on a WebGPU of Node as one line of JSON. A process of its own: see src/kernels/webgpu/equality.node.ts. */
import { toWire } from '../../src/errors.ts';
import { createWebGpuBackend } from '../../src/kernels/webgpu/backend.ts';
import { type DawnKind, openDawn } from '../../src/kernels/webgpu/dawn.node.ts';
import { digests } from './digest.ts';

async function main(): Promise<{ skipped?: string; digests?: Record<string, string> }> {
  try {
    const dawn = await openDawn(process.argv[2] as DawnKind);
    return { digests: await digests(await createWebGpuBackend({ adapter: dawn.adapter }), Number(process.argv[3] ?? 1)) };
  } catch (error) {
    if (toWire(error).code !== 'webgpu/unavailable') throw error;
    return { skipped: toWire(error).why ?? toWire(error).what };
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
