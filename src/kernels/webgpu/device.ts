import { unavailable } from './errors.ts';

/** Limits taken as large as the adapter has them; everything else stays at WebGPU's defaults. */
const WANTED = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;

/** Invocations in the largest workgroup of any operation. */
const INVOCATIONS = 256;
/** Storage buffers that the widest operation binds: attentionKeys, five inputs, its output and the status word. */
const STORAGE_BUFFERS = 7;

export interface DeviceSource {
  device?: GPUDevice;
  adapter?: GPUAdapter;
  gpu?: GPU;
}

export async function openDevice(source: DeviceSource): Promise<{ device: GPUDevice; name: string }> {
  if (source.device) return { device: source.device, name: adapterName(source.device.adapterInfo) };
  const adapter = source.adapter ?? (await requestAdapter(source.gpu));
  if (adapter.limits.maxStorageBuffersPerShaderStage < STORAGE_BUFFERS) {
    throw unavailable(`It offers ${adapter.limits.maxStorageBuffersPerShaderStage} storage buffers; ${STORAGE_BUFFERS} are needed.`);
  }
  if (Math.min(adapter.limits.maxComputeInvocationsPerWorkgroup, adapter.limits.maxComputeWorkgroupSizeX) < INVOCATIONS) {
    throw unavailable(`It runs fewer than ${INVOCATIONS} invocations in a workgroup.`);
  }
  const requiredLimits = Object.fromEntries(WANTED.map((limit) => [limit, adapter.limits[limit]]));
  try {
    return { device: await adapter.requestDevice({ requiredLimits }), name: adapterName(adapter.info) };
  } catch (cause) {
    throw unavailable(`The driver refused a device: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

export async function requestAdapter(gpu: GPU | undefined = globalThis.navigator?.gpu): Promise<GPUAdapter> {
  if (!gpu) throw unavailable('This browser has no WebGPU.');
  const adapter = (await gpu.requestAdapter({ powerPreference: 'high-performance' })) ?? (await gpu.requestAdapter({ featureLevel: 'compatibility' }));
  if (!adapter) throw unavailable('The browser found no suitable graphics adapter.');
  return adapter;
}

export function adapterName(info: GPUAdapterInfo): string {
  // Mesa describes the interface, not the device.
  const description = /^OpenGL version/.test(info.description) ? '' : info.description;
  const name = description || [info.vendor, info.architecture, info.device].filter(Boolean).join(' ');
  return name || 'a graphics processor that does not tell its name';
}

/** True where the "graphics processor" is a program on the CPU, which our own CPU backend outruns. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  return info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/.test(text);
}
