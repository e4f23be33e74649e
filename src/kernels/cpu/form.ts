import type { Params, Shape } from '../operation.ts';
import type { CpuBackend, CpuTensor } from './backend.ts';

/** One call of an operation's fast form; tensors lie in the backend's memory. */
export interface FastCall {
  backend: CpuBackend;
  inputs: CpuTensor[];
  outputs: CpuTensor[];
  shapes: Shape[];
  params: Params;
}

/** A form that writes a small part of its outputs may judge it itself and say whether it is in range. */
export type FastForms = Readonly<Record<string, (call: FastCall) => void | boolean>>;
