import { describe, expect, it, vi } from 'vitest';
import { isSoftware } from './device.ts';
import { openBackend } from './select.ts';

const info = (values: Partial<GPUAdapterInfo>) =>
  ({ vendor: '', architecture: '', device: '', description: '', isFallbackAdapter: false, ...values }) as GPUAdapterInfo;

/** Adapters as browsers give them; none of them yields a device. */
function gpu(adapter: Partial<GPUAdapter> | null): GPU {
  return { requestAdapter: vi.fn(async () => adapter) } as unknown as GPU;
}
const limits = {
  maxStorageBuffersPerShaderStage: 10,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
} as GPUSupportedLimits;

describe('choosing a backend', () => {
  it('takes the CPU where it is chosen, and asks for no adapter', async () => {
    const asked = gpu(null);
    const { backend, why } = await openBackend('cpu', undefined, { gpu: asked });
    expect([backend.kind, why]).toEqual(['cpu', 'Computing on the CPU, as chosen.']);
    expect(asked.requestAdapter).not.toHaveBeenCalled();
  });

  it('falls back to the CPU and says why where there is no adapter', async () => {
    const said: string[] = [];
    const { backend, why } = await openBackend('auto', (message) => said.push(message), { gpu: gpu(null) });
    expect(backend.kind).toBe('cpu');
    expect(why).toContain('found no suitable graphics adapter');
    expect(said).toEqual([why]);
  });

  it('does not take a software adapter unless it is chosen', async () => {
    const requestDevice = vi.fn(async () => Promise.reject(new Error('no device today')));
    const software = { info: info({ vendor: 'google', architecture: 'swiftshader' }), limits, features: new Set<string>(), requestDevice };
    expect((await openBackend('auto', undefined, { gpu: gpu(software) })).why).toContain('a program on the CPU itself');
    expect(requestDevice).not.toHaveBeenCalled();
    const { backend, why } = await openBackend('webgpu', undefined, { gpu: gpu(software) });
    expect(backend.kind).toBe('cpu');
    expect(why).toContain('no device today');
  });

  it('refuses an adapter with too few storage buffers', async () => {
    const small = { info: info({ vendor: 'acme' }), limits: { ...limits, maxStorageBuffersPerShaderStage: 4 }, requestDevice: vi.fn() };
    expect((await openBackend('auto', undefined, { gpu: gpu(small) })).why).toContain('4 storage buffers');
  });

  it('knows software adapters by their names', () => {
    expect(isSoftware(info({ description: 'OpenGL version OpenGL ES 3.2 Mesa 22.3.6 (llvmpipe)' }))).toBe(true);
    expect(isSoftware(info({ isFallbackAdapter: true }))).toBe(true);
    expect(isSoftware(info({ vendor: 'nvidia', architecture: 'hopper' }))).toBe(false);
    expect(isSoftware(info({ vendor: 'apple', architecture: 'metal-3' }))).toBe(false);
  });
});
