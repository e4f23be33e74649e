import type { Catalog } from '../attribution/catalog.ts';
import type { Engine, PlainAdapter } from '../attribution/engine.ts';
import type { Backend } from '../kernels/backend.ts';
import type { SelfTestResult } from '../kernels/self-test.ts';
import type { Choice } from '../kernels/webgpu/select.ts';
import type { DeviceTraits } from '../kernels/webgpu/wgsl.ts';
import type { Deployment } from '../protocol/deployment.ts';
import type { BaseChoice, EngineStatus, LoadProgress } from './engine.api.ts';

export type Report = (progress: LoadProgress) => void;

/** What a session has open: a base on a device, and where everything else comes from. */
export interface Opened {
  catalog: Catalog;
  engine: Engine;
  deployment: Deployment;
  publishUrl: string | undefined;
  choice: Choice;
  base: BaseChoice | undefined;
  /** PEFT folders of the library, by id; least recently used first. */
  plain: Map<string, PlainAdapter>;
  selfTest: SelfTestResult[];
}

/** What the catalog tells, as the page is told. */
export function forward(onProgress: Report) {
  return (what: string, done: number, total: number | undefined, unit: 'bytes' | 'records') => onProgress({ what, done, total, unit });
}

export function statusOf({ engine, choice, base, selfTest }: Opened): EngineStatus {
  const { bytes, peakBytes } = choice.backend.memory();
  return {
    kind: choice.backend.kind === 'webgpu' ? 'webgpu' : 'cpu', device: choice.backend.device, why: choice.why, selfTest: selfTest.map(({ name, ok }) => ({ name, ok })),
    memoryBytes: bytes, peakBytes, limits: limitsOf(choice.backend),
    base: {
      name: engine.identity.name, library: base?.id, format: base?.format ?? 'auto', parameters: engine.parameters,
      context: engine.model.positions, root: engine.root, readsRecords: engine.readsRecords, sampling: engine.generation.sampling,
    },
  };
}

/** What the device allows: what greater tensors are split by, and what kernels are chosen by. */
function limitsOf(backend: Backend): EngineStatus['limits'] {
  const { traits } = backend as Backend & { traits?: DeviceTraits };
  if (!traits) return [{ name: 'Memory that a page’s WebAssembly can have', value: 2 ** 32, unit: 'bytes' }];
  return [
    { name: 'Largest tensor in one piece', value: backend.maxBinding, unit: 'bytes' },
    { name: 'Buffers that a kernel can read and write', value: traits.storageBuffers, unit: 'count' },
    { name: 'Invocations in a workgroup', value: traits.invocations, unit: 'count' },
    { name: 'Memory of a workgroup', value: traits.workgroupBytes, unit: 'bytes' },
  ];
}
