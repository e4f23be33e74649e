import { OpenLedgerError } from '../../errors.ts';
import type { Backend } from '../../kernels/backend.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { ReferenceBackend } from '../../kernels/reference/backend.ts';
import { createWebGpuBackend } from '../../kernels/webgpu/backend.ts';
import { type DawnKind, openDawn } from '../../kernels/webgpu/dawn.node.ts';

export const BACKENDS = ['cpu', 'reference', 'webgpu', 'swiftshader', 'llvmpipe'] as const;
export type BackendName = (typeof BACKENDS)[number];

const DAWN: Partial<Record<BackendName, DawnKind>> = { webgpu: 'default', swiftshader: 'swiftshader', llvmpipe: 'opengles' };

/**
 * cpu: WebAssembly. reference: plain TypeScript, slow. webgpu: this machine's GPU through Dawn. swiftshader and
 * llvmpipe: software GPUs through Dawn. `close` must be called, or Dawn keeps Node alive.
 */
export async function openBackendByName(name: string): Promise<{ backend: Backend; close(): void }> {
  if (!(BACKENDS as readonly string[]).includes(name)) {
    throw new OpenLedgerError({ code: 'cli/unknown-backend', what: `There is no backend "${name}".`, next: `Use one of ${BACKENDS.join(', ')}.` });
  }
  if (name === 'cpu') return plain(await createCpuBackend());
  if (name === 'reference') return plain(new ReferenceBackend());
  const dawn = await openDawn(DAWN[name as BackendName]!);
  const backend = await createWebGpuBackend({ gpu: dawn.gpu, adapter: dawn.adapter });
  return {
    backend,
    close: () => {
      backend.destroy();
      dawn.close();
    },
  };
}

function plain(backend: Backend) {
  return { backend, close: () => backend.destroy() };
}
