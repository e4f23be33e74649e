import { existsSync } from 'node:fs';
import { unavailable } from './errors.ts';
import { requestAdapter } from './device.ts';

/** 'default' is a real GPU through Vulkan, Metal or D3D; the others are software, for tests. */
export type DawnKind = 'default' | 'swiftshader' | 'opengles';

export interface Dawn {
  gpu: GPU;
  adapter: GPUAdapter;
  /** Lets Node exit. Devices must have been destroyed. */
  close(): void;
}

const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** Where Dawn's object were collected the process would crash, so it is held here until `close`. */
const alive = new Set<GPU>();

/** WebGPU in Node. Throws `webgpu/unavailable` with the reason where this machine has no such implementation. */
export async function openDawn(kind: DawnKind): Promise<Dawn> {
  // Drivers read these when they are first loaded; one process should open one kind.
  process.env.XDG_RUNTIME_DIR ??= '/tmp';
  if (kind === 'swiftshader') {
    if (!existsSync(SWIFTSHADER)) throw unavailable(`There is no ${SWIFTSHADER} (it comes with Debian's chromium package).`);
    process.env.VK_ICD_FILENAMES = SWIFTSHADER;
  }
  if (kind === 'opengles') {
    process.env.LIBGL_ALWAYS_SOFTWARE = '1';
    process.env.EGL_PLATFORM = 'surfaceless';
  }
  let gpu: GPU;
  try {
    const { create } = await import('webgpu');
    gpu = create(kind === 'opengles' ? ['backend=opengles'] : []);
  } catch (cause) {
    throw unavailable(`Dawn did not start: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  alive.add(gpu);
  try {
    const adapter = kind === 'opengles' ? await gpu.requestAdapter({ featureLevel: 'compatibility' }) : await requestAdapter(gpu);
    if (!adapter) throw unavailable('Mesa offers no OpenGL ES adapter (packages libegl1, libgles2, libgl1-mesa-dri).');
    return { gpu, adapter, close: () => void alive.delete(gpu) };
  } catch (error) {
    alive.delete(gpu);
    throw error;
  }
}
