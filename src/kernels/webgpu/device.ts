import { unavailable } from './errors.ts';
import type { DeviceTraits } from './wgsl.ts';

/** Limits taken as large as the adapter has them; everything else stays at WebGPU's defaults. */
const WANTED = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
] as const;
/** Used where there are any: times for the profiler. */
const WELCOME: readonly GPUFeatureName[] = ['timestamp-query'];

/** Invocations in the largest workgroup of an operation that has no form for fewer: fused decoding of long texts and wide rows. */
const INVOCATIONS = 256;
/** Storage buffers that the widest such operation binds: attentionKeys, five inputs, its output and the status word. */
const STORAGE_BUFFERS = 7;

const NAMELESS = 'a graphics processor that does not tell its name';

export interface DeviceSource {
  device?: GPUDevice;
  adapter?: GPUAdapter;
  gpu?: GPU;
}

export async function openDevice(source: DeviceSource): Promise<{ device: GPUDevice; name: string }> {
  if (source.device) return { device: source.device, name: adapterName(source.device.adapterInfo as GPUAdapterInfo | undefined) };
  const adapter = source.adapter ?? (await requestAdapter(source.gpu));
  if (adapter.limits.maxStorageBuffersPerShaderStage < STORAGE_BUFFERS) {
    throw unavailable(`It offers ${adapter.limits.maxStorageBuffersPerShaderStage} storage buffers; ${STORAGE_BUFFERS} are needed.`);
  }
  if (Math.min(adapter.limits.maxComputeInvocationsPerWorkgroup, adapter.limits.maxComputeWorkgroupSizeX) < INVOCATIONS) {
    throw unavailable(`It runs fewer than ${INVOCATIONS} invocations in a workgroup.`);
  }
  return { device: await requestDevice(adapter), name: adapterName(adapter.info) };
}

/** With all that the adapter says it has; where the driver then refuses, with fewer wishes. */
async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  // A browser may not know a limit by name yet.
  const requiredLimits = Object.fromEntries(WANTED.map((limit) => [limit, adapter.limits[limit] as number | undefined]).filter(([, value]) => value !== undefined));
  const requiredFeatures = WELCOME.filter((feature) => adapter.features.has(feature));
  const wishes: GPUDeviceDescriptor[] = [{ requiredLimits, requiredFeatures }, { requiredLimits }, {}];
  for (const [attempt, wish] of wishes.entries()) {
    try {
      return await adapter.requestDevice(wish);
    } catch (cause) {
      if (attempt === wishes.length - 1) throw unavailable(`The driver refused a device: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
    }
  }
  throw unavailable('The driver refused a device.');
}

export function traitsOf({ limits, adapterInfo }: GPUDevice): DeviceTraits {
  return {
    // Firefox and Safari of some versions say nothing about a device's adapter.
    software: (adapterInfo as GPUAdapterInfo | undefined) !== undefined && isSoftware(adapterInfo),
    invocations: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
    workgroupBytes: limits.maxComputeWorkgroupStorageSize,
    storageBuffers: limits.maxStorageBuffersPerShaderStage,
  };
}

export async function requestAdapter(gpu: GPU | undefined = globalThis.navigator?.gpu): Promise<GPUAdapter> {
  if (!gpu) throw unavailable('This browser has no WebGPU.');
  const adapter = (await gpu.requestAdapter({ powerPreference: 'high-performance' })) ?? (await gpu.requestAdapter({ featureLevel: 'compatibility' }));
  if (!adapter) throw unavailable('The browser found no suitable graphics adapter.');
  return adapter;
}

export function adapterName(info: GPUAdapterInfo | undefined): string {
  if (!info) return NAMELESS;
  // Mesa describes the interface, not the device.
  const description = /^OpenGL version/.test(info.description) ? '' : info.description;
  const name = description || [info.vendor, info.architecture, info.device].filter(Boolean).join(' ');
  return name || NAMELESS;
}

/** True where the "graphics processor" is a program on the CPU, which our own CPU backend outruns. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  return info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/.test(text);
}
