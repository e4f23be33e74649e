import type * as Ort from 'onnxruntime-web';
import { OpenLedgerError } from '../errors.ts';

export type Runtime = typeof Ort;
export type Provider = 'webgpu' | 'wasm';

/** WebAssembly that waits for promises (JSPI): ONNX Runtime's WebGPU build needs it, or a larger and slower build. */
const suspends = (): boolean => typeof WebAssembly === 'object' && 'Suspending' in WebAssembly;

/**
 * Loads ONNX Runtime Web: one of three builds of 14 to 27 MB, fetched when the fast lane is used for the first time.
 * Throws `fast/unavailable`.
 */
export async function loadRuntime(provider: Provider): Promise<Runtime> {
  try {
    const module: { default?: Runtime } & Partial<Runtime> = await (provider === 'wasm'
      ? import('onnxruntime-web/wasm')
      : suspends() ? import('onnxruntime-web/jspi') : import('onnxruntime-web/webgpu'));
    const runtime = (module.InferenceSession ? module : module.default) as Runtime;
    // One thread: more need cross-origin isolation, which breaks wallets' windows; and the exact lane has one too.
    runtime.env.wasm.numThreads = 1;
    runtime.env.logLevel = 'error';
    return runtime;
  } catch (cause) {
    throw new OpenLedgerError({
      code: 'fast/unavailable', what: 'The fast lane cannot be loaded.', why: messageOf(cause),
      next: 'The exact lane answers instead; check the connection to try again.', cause,
    });
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 300);
