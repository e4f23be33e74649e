import type { Operation, Output } from '../operation.ts';
import { GPU_SHADER_COMPUTE } from './buffer-pool.ts';
import { shaderFailed, tooManyBuffers, workgroupTooLarge } from './errors.ts';
import { type Binding, shaderSource } from './shader-source.ts';
import type { Wgsl } from './wgsl.ts';

export interface Pipeline {
  id: number;
  operation: string;
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
  bindings: Binding[];
  /** Types of the operation's own uniforms in order. */
  uniforms: ('u32' | 'f32')[];
}

const LAYOUT_OF: Readonly<Record<Binding['kind'], GPUBufferBindingLayout>> = {
  input: { type: 'read-only-storage' },
  output: { type: 'storage' },
  status: { type: 'storage' },
  uniform: { type: 'uniform', hasDynamicOffset: true },
};

/** One pipeline for each operation and variant, compiled when it is first used. */
export class PipelineCache {
  private readonly device: GPUDevice;
  private readonly isProtected: boolean;
  private readonly onFailure: (error: Error) => void;
  private readonly known = new Map<string, Pipeline>();
  private readonly pending = new Set<Promise<void>>();

  constructor(device: GPUDevice, isProtected: boolean, onFailure: (error: Error) => void) {
    this.device = device;
    this.isProtected = isProtected;
    this.onFailure = onFailure;
  }

  get(operation: Operation, wgsl: Wgsl, outputs: Output[], variant: string): Pipeline {
    const key = `${operation.name} ${variant}`;
    let pipeline = this.known.get(key);
    if (!pipeline) this.known.set(key, (pipeline = this.create(operation, wgsl, outputs, variant)));
    return pipeline;
  }

  /** The device is gone, and the programs with it. */
  drop(): void {
    this.known.clear();
  }

  /** Until the driver has said whether every program made so far is good. */
  async settled(): Promise<void> {
    await Promise.all(this.pending);
  }

  private create(operation: Operation, wgsl: Wgsl, outputs: Output[], variant: string): Pipeline {
    const { device } = this;
    const { code, bindings, workgroup } = shaderSource(operation, wgsl, outputs, variant, this.isProtected);
    const { maxStorageBuffersPerShaderStage, maxComputeInvocationsPerWorkgroup } = device.limits;
    const buffers = bindings.filter(({ kind }) => kind !== 'uniform').length;
    if (buffers > maxStorageBuffersPerShaderStage) throw tooManyBuffers(operation.name, buffers, maxStorageBuffersPerShaderStage);
    if (workgroup > maxComputeInvocationsPerWorkgroup) throw workgroupTooLarge(operation.name, workgroup, maxComputeInvocationsPerWorkgroup);
    device.pushErrorScope('internal');
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label: operation.name, code });
    const layout = device.createBindGroupLayout({
      entries: bindings.map(({ binding, kind }) => ({ binding, visibility: GPU_SHADER_COMPUTE, buffer: LAYOUT_OF[kind] })),
    });
    const pipeline = device.createComputePipeline({
      label: `${operation.name} ${variant}`,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main' },
    });
    const report = this.report(operation.name, module, [device.popErrorScope(), device.popErrorScope()]);
    this.pending.add(report);
    void report.then(() => this.pending.delete(report));
    return {
      id: this.known.size,
      operation: operation.name,
      pipeline,
      layout,
      bindings,
      uniforms: Object.values(wgsl.uniforms),
    };
  }

  private async report(operation: string, module: GPUShaderModule, scopes: Promise<GPUError | null>[]): Promise<void> {
    try {
      const error = (await Promise.all(scopes)).find((found) => found !== null);
      if (!error) return;
      const { messages } = await module.getCompilationInfo();
      const lines = messages.filter(({ type }) => type === 'error').map(({ lineNum, message }) => `line ${lineNum}: ${message}`);
      this.onFailure(shaderFailed(operation, lines.join('; ') || error.message));
    } catch {
      // The device is lost, which is told elsewhere.
    }
  }
}
