import type { Preference } from './select.ts';
import { openBackend } from './select.ts';

/** The choice of a backend tried on a real device, also with its programs spoilt on the way to the driver. Gives what failed. */
export async function selectChecks(gpu: GPU): Promise<string[]> {
  const failed: string[] = [];
  const expect = async (what: string, source: GPU, preference: Preference, kind: string, because: RegExp) => {
    const { backend, why } = await openBackend(preference, undefined, { gpu: source });
    if (backend.kind !== kind || !because.test(why)) failed.push(`${what}: ${backend.kind}, ${why}`);
    backend.destroy();
  };
  await expect('a good device', gpu, 'webgpu', 'webgpu', /through WebGPU\.$/);
  await expect('a software device that nobody chose', gpu, 'auto', 'cpu', /a program on the CPU itself/);
  // As if the driver fused a multiply and an add, which the protected programs prevent…
  const fusing = spoilt(gpu, 'return sum + opaque_f32(a * b)', 'return fma(a, b * 1.0000001, sum)');
  await expect('a device that rounds in its own way', fusing, 'webgpu', 'webgpu', /extra protection/);
  // …and one that no protection helps.
  const wrong = spoilt(gpu, 'opaque_f32(a + b)', 'opaque_f32(a + b * 1.0000001)');
  await expect('a device that computes wrongly', wrong, 'webgpu', 'cpu', /does not compute exactly/);
  const broken = spoilt(gpu, 'fn main', 'fn mian');
  await expect('a driver that refuses programs', broken, 'webgpu', 'cpu', /does not compute exactly/);
  return failed;
}

/** The same implementation, whose devices receive programs with `from` replaced. */
function spoilt(gpu: GPU, from: string, to: string): GPU {
  return {
    async requestAdapter(options?: GPURequestAdapterOptions) {
      const adapter = await gpu.requestAdapter(options);
      if (!adapter) return null;
      return new Proxy(adapter, {
        get(target, key) {
          if (key !== 'requestDevice') return Reflect.get(target, key, target) as unknown;
          return async (descriptor: GPUDeviceDescriptor) => {
            const device = await target.requestDevice(descriptor);
            const create = device.createShaderModule.bind(device);
            device.createShaderModule = (module) => create({ ...module, code: module.code.replaceAll(from, to) });
            return device;
          };
        },
      });
    },
  } as GPU;
}
