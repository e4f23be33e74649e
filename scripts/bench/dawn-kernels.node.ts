/** Run as a process of its own by measure/dawn.ts, since drivers may crash: kernel figures on Dawn with Mesa, as JSON. */
import { createWebGpuBackend } from '../../src/kernels/webgpu/backend.ts';
import { openDawn } from '../../src/kernels/webgpu/dawn.node.ts';
import { measureKernelFigures } from './measure/kernels.ts';

const dawn = await openDawn('opengles');
const backend = await createWebGpuBackend({ adapter: dawn.adapter });
console.log(JSON.stringify({ device: backend.device, figures: await measureKernelFigures(backend, Number(process.argv[2])) }));
backend.destroy();
dawn.close();
process.exit(0);
