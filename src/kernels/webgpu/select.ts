import { type OpenLedgerError, toWire } from '../../errors.ts';
import type { Backend } from '../backend.ts';
import { selfTest } from '../self-test.ts';
import { adapterName, isSoftware, requestAdapter } from './device.ts';
import { selfTestFailed, tooSlow } from './errors.ts';

export type Preference = 'auto' | 'webgpu' | 'cpu';

export interface Choice {
  backend: Backend;
  /** For people: what computes, and why it was chosen. */
  why: string;
}

export interface SelectOptions {
  gpu?: GPU;
  onLost?: (error: OpenLedgerError) => void;
}

/** A driver that has not answered by then is treated as absent. */
const PATIENCE_MS = 60_000;

/**
 * The backend to compute on. 'auto' takes a real graphics processor, else the CPU: a graphics processor that is
 * itself a program on the CPU is slower than our own. 'webgpu' takes what there is. Both give the same bits, and
 * whatever fails its known answers is not used. `report` is told each step in plain words.
 */
export async function openBackend(
  preference: Preference = 'auto',
  report: (message: string) => void = () => undefined,
  options: SelectOptions = {},
): Promise<Choice> {
  if (preference === 'cpu') return cpu('Computing on the CPU, as chosen.');
  try {
    return await within(PATIENCE_MS, webgpu(preference, report, options));
  } catch (error) {
    const { what, why } = toWire(error);
    const reason = `Computing on the CPU, to the same results: ${lower(what)}${why ? ` ${why}` : ''}`;
    report(reason);
    return cpu(reason);
  }
}

async function webgpu(preference: Preference, report: (message: string) => void, options: SelectOptions): Promise<Choice> {
  const adapter = await requestAdapter(options.gpu);
  const name = adapterName(adapter.info);
  const software = isSoftware(adapter.info);
  if (software && preference === 'auto') {
    return cpu(`Computing on the CPU: the only graphics processor here, ${name}, is a program on the CPU itself and slower.`);
  }
  report(`Testing ${name}…`);
  // Each backend's code is fetched where it computes.
  const { createWebGpuBackend } = await import('./backend.ts');
  const backend = await createWebGpuBackend({ adapter, onLost: options.onLost });
  if (await passes(backend, !software)) return { backend, why: `Computing on ${name} through WebGPU.` };
  backend.destroy();

  report(`${name} rounds in its own way; trying programs that prevent it…`);
  // An adapter gives one device only.
  const again = await requestAdapter(options.gpu);
  const guarded = await createWebGpuBackend({ adapter: again, onLost: options.onLost, protected: true });
  if (await passes(guarded, !software)) {
    return { backend: guarded, why: `Computing on ${name} through WebGPU, with extra protection against its own rounding.` };
  }
  guarded.destroy();
  throw selfTestFailed(name);
}

async function passes(backend: Backend, forms: boolean): Promise<boolean> {
  return (await selfTest(backend, forms)).every(({ ok }) => ok);
}

/** The CPU is tested too: where WebAssembly's SIMD is missing or wrong, plain TypeScript computes. */
async function cpu(why: string): Promise<Choice> {
  const { createCpuBackend } = await import('../cpu/backend.ts');
  const slower = async (because: string): Promise<Choice> => {
    const { ReferenceBackend } = await import('../reference/backend.ts');
    return { backend: new ReferenceBackend(), why: `${why} ${because}, so a slower form is used.` };
  };
  try {
    const backend = await createCpuBackend();
    if ((await selfTest(backend)).every(({ ok }) => ok)) return { backend, why };
    return await slower('Its WebAssembly does not compute exactly');
  } catch {
    return slower('It has no WebAssembly SIMD');
  }
}

async function within<T extends Choice>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow(ms)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    // Should the driver answer after all, nothing is left holding its device.
    work.then(
      ({ backend }) => backend.destroy(),
      () => undefined,
    );
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

const lower = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
