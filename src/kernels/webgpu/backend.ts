import { OpenLedgerError } from '../../errors.ts';
import { type Backend, type Memory, type Tensor, expectWrite } from '../backend.ts';
import { type Operation, type Output, type Params, type Shape, type Values, size } from '../operation.ts';
import { outOfRange } from '../range-error.ts';
import { BufferPool, GPU_COPY_DST, GPU_COPY_SRC, GPU_MAP_MODE_READ, GPU_MAP_READ, GPU_STORAGE, GPU_UNIFORM, type PooledBuffer } from './buffer-pool.ts';
import { openDevice } from './device.ts';
import { callFailed, deviceLost } from './errors.ts';
import { OperationNames } from './operation-names.ts';
import { type Pipeline, PipelineCache } from './pipelines.ts';
import { UNIFORM_HEADER } from './shader-source.ts';
import { shaders } from './shaders.ts';

export interface WebGpuOptions {
  /** What to use, from most to least specific; `navigator.gpu` where nothing is given. */
  device?: GPUDevice;
  adapter?: GPUAdapter;
  gpu?: GPU;
  /** For people. */
  name?: string;
  onLost?: (error: OpenLedgerError) => void;
  /** Take additions of matrix products apart too (prelude.ts). */
  protected?: boolean;
  /** Bytes that one tensor may have, at most what the device allows; for trying small devices out. */
  maxBinding?: number;
}

interface GpuTensor extends Tensor {
  held: PooledBuffer | undefined;
}

/** Commands recorded before they are submitted: few submissions, and the device starts early. */
const BATCH = 64;
/** Every dispatch has its own uniforms; 256 is the greatest alignment a device may ask for. */
const SLOT = 256;
/** Values, 32 MiB. */
const WRITTEN_AT_ONCE = 2 ** 23;
const NO_FAILURE = 0xffffffff;
const BIND_GROUPS_KEPT = 4096;

export class WebGpuBackend implements Backend {
  readonly kind = 'webgpu';
  readonly device: string;
  readonly maxBinding: number;
  private readonly gpu: GPUDevice;
  private readonly onLost: ((error: OpenLedgerError) => void) | undefined;
  private readonly pool: BufferPool;
  private readonly pipelines: PipelineCache;
  private readonly status: GPUBuffer;
  private readonly uniforms: GPUBuffer;
  private readonly slots = new ArrayBuffer(BATCH * SLOT);
  private readonly slotsU32 = new Uint32Array(this.slots);
  private readonly slotsF32 = new Float32Array(this.slots);
  private readonly names = new OperationNames();
  private bindGroups = new Map<string, GPUBindGroup>();
  private staging: GPUBuffer[] = [];
  private encoder: GPUCommandEncoder | undefined;
  private pass: GPUComputePassEncoder | undefined;
  private recorded = 0;
  /** From 1, so that a buffer written before any command differs from one never used (-1). */
  private batch = 1;
  private failure: Error | undefined;
  private destroyed = false;

  constructor(gpu: GPUDevice, name: string, options: WebGpuOptions) {
    this.gpu = gpu;
    this.device = name;
    this.onLost = options.onLost;
    this.maxBinding = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize, options.maxBinding ?? Infinity);
    this.pool = new BufferPool(gpu, this.maxBinding, (error) => this.fail(error));
    // A refused program explains the refused calls that follow it.
    this.pipelines = new PipelineCache(gpu, options.protected ?? false, (error) => this.replaceFailure(error));
    this.status = gpu.createBuffer({ label: 'status', size: 4, usage: GPU_STORAGE | GPU_COPY_SRC | GPU_COPY_DST });
    this.uniforms = gpu.createBuffer({ label: 'uniforms', size: BATCH * SLOT, usage: GPU_UNIFORM | GPU_COPY_DST });
    gpu.queue.writeBuffer(this.status, 0, new Uint32Array([NO_FAILURE]));
    gpu.addEventListener('uncapturederror', (event) => this.fail(callFailed((event as GPUUncapturedErrorEvent).error.message)));
    void gpu.lost.then((info) => {
      if (this.destroyed) return;
      const error = deviceLost(info.message);
      this.failure = error; // more important than what failed before it
      this.onLost?.(error);
    });
  }

  upload(name: string, shape: Shape, values: Values): Tensor {
    this.check();
    if (values.length !== size(shape)) throw new RangeError(`${name}: ${values.length} values for shape [${shape}]`);
    const tensor = this.allocate(name, shape, values instanceof Uint32Array ? 'u32' : 'f32');
    this.writeValues(tensor, 0, values);
    return tensor;
  }

  create(name: string, shape: Shape, dtype: Tensor['dtype']): Tensor {
    this.check();
    const tensor = this.allocate(name, shape, dtype);
    const held = tensor.held!;
    // A buffer that no command has used is zeros; one from the pool is cleared in the order of commands.
    if (held.lastBatch >= 0) {
      held.lastBatch = this.batch;
      this.endPass().clearBuffer(held.buffer, 0, size(shape) * 4);
    }
    return tensor;
  }

  write(tensor: Tensor, at: number, values: Values): void {
    this.check();
    if (!(tensor as GpuTensor).held) throw new RangeError(`"${tensor.name}" was freed`);
    expectWrite(tensor, at, values);
    this.writeValues(tensor as GpuTensor, at, values);
  }

  run(operation: Operation, name: string, inputs: Tensor[], params: Params = {}): Tensor[] {
    this.check();
    const wgsl = shaders[operation.name];
    if (!wgsl) throw new RangeError(`no WGSL for operation ${operation.name}`);
    const shapes = inputs.map((tensor) => tensor.shape) as Shape[];
    const outputs = operation.outputs(shapes, params);
    const { uniforms, groups, variant = '' } = wgsl.dispatch(shapes, params);
    inputs.forEach((tensor, index) => {
      if (!(tensor as GpuTensor).held) throw new RangeError(`${name}: input ${index} ("${tensor.name}") was freed`);
      if (tensor.dtype !== operation.inputs[index]) throw new RangeError(`${name}: input ${index} is ${tensor.dtype}`);
    });
    const results = this.results(name, inputs as GpuTensor[], outputs);
    if (groups > 0) {
      const pipeline = this.pipelines.get(operation, wgsl, outputs, variant);
      this.dispatch(pipeline, inputs as GpuTensor[], results, groups, uniforms, this.names.add(operation.name, name));
    }
    return results;
  }

  async read(tensor: Tensor): Promise<Values> {
    this.check();
    const { held, dtype, shape } = tensor as GpuTensor;
    if (!held) throw new RangeError(`"${tensor.name}" was freed`);
    const bytes = size(shape) * 4;
    const upTo = this.names.last;
    const staging = this.takeStaging(bytes + 4);
    const encoder = this.endPass();
    encoder.copyBufferToBuffer(this.status, 0, staging, 0, 4);
    if (bytes > 0) encoder.copyBufferToBuffer(held.buffer, 0, staging, 4, bytes);
    this.submit();
    try {
      await staging.mapAsync(GPU_MAP_MODE_READ, 0, bytes + 4);
    } catch (cause) {
      // A lost device refuses the mapping before `lost` is told: wait for it a moment.
      await Promise.race([this.gpu.lost, new Promise((resolve) => setTimeout(resolve, 200))]);
      await this.pipelines.settled();
      this.check();
      throw callFailed(cause instanceof Error ? cause.message : String(cause));
    }
    const words = staging.getMappedRange(0, bytes + 4).slice(0);
    staging.unmap();
    this.staging.push(staging);
    await this.pipelines.settled();
    this.check();
    const failed = new Uint32Array(words, 0, 1)[0]!;
    if (failed !== NO_FAILURE) {
      this.gpu.queue.writeBuffer(this.status, 0, new Uint32Array([NO_FAILURE]));
      const { operation, tensor: name } = this.names.of(failed);
      throw outOfRange(name, operation);
    }
    this.names.forgetUpTo(upTo);
    return dtype === 'u32' ? new Uint32Array(words, 4) : new Float32Array(words, 4);
  }

  free(tensor: Tensor): void {
    const gpuTensor = tensor as GpuTensor;
    if (gpuTensor.held) this.pool.give(gpuTensor.held);
    gpuTensor.held = undefined;
  }

  memory(): Memory {
    return { bytes: this.pool.bytesInUse, peakBytes: this.pool.peakBytes };
  }

  /** Ends the device; also where it was given from outside. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.failure ??= deviceLost('It was released.');
    this.gpu.destroy();
  }

  private check(): void {
    if (this.failure) throw this.failure;
  }

  private fail(error: Error): void {
    this.failure ??= error;
  }

  private replaceFailure(error: Error): void {
    const known = this.failure instanceof OpenLedgerError ? this.failure.code : undefined;
    if (known === undefined || known === 'webgpu/call-failed') this.failure = error;
  }

  /** In pieces, because drivers copy what they are given. */
  private writeValues({ held }: GpuTensor, at: number, values: Values): void {
    // Writes go before commands that are recorded but not submitted, so the buffer must not stand in one of them.
    if (held!.lastBatch === this.batch) this.submit();
    held!.lastBatch = this.batch - 1;
    for (let from = 0; from < values.length; from += WRITTEN_AT_ONCE) {
      const piece = values.subarray(from, from + WRITTEN_AT_ONCE) as Float32Array<ArrayBuffer>;
      this.gpu.queue.writeBuffer(held!.buffer, (at + from) * 4, piece);
    }
  }

  private allocate(name: string, shape: Shape, dtype: 'f32' | 'u32'): GpuTensor {
    return { name, shape, dtype, held: this.pool.take(name, size(shape) * 4) };
  }

  private results(name: string, inputs: GpuTensor[], outputs: Output[]): GpuTensor[] {
    return outputs.map((output, index) => {
      if (output.inPlace === undefined) return this.allocate(name, output.shape, output.dtype);
      const target = inputs[output.inPlace]!;
      if (inputs.filter((input) => input.held === target.held).length > 1) {
        throw new RangeError(`${name}: output ${index} overwrites a tensor that is read as well`);
      }
      return target;
    });
  }

  private dispatch(pipeline: Pipeline, inputs: GpuTensor[], outputs: GpuTensor[], groups: number, uniforms: number[], sequence: number): void {
    const slot = this.recorded;
    const widest = this.gpu.limits.maxComputeWorkgroupsPerDimension;
    const x = Math.min(groups, widest);
    const y = Math.ceil(groups / x);
    if (y > widest) throw new RangeError(`${pipeline.operation}: ${groups} workgroups are too many`);
    const at = (slot * SLOT) / 4;
    this.slotsU32.set([0, sequence, groups, x], at);
    pipeline.uniforms.forEach((type, index) => {
      (type === 'f32' ? this.slotsF32 : this.slotsU32)[at + UNIFORM_HEADER.length + index] = uniforms[index]!;
    });
    const pass = this.beginPass();
    pass.setPipeline(pipeline.pipeline);
    pass.setBindGroup(0, this.bindGroup(pipeline, inputs, outputs), [slot * SLOT]);
    pass.dispatchWorkgroups(x, y);
    for (const { held } of inputs) held!.lastBatch = this.batch;
    for (const { held } of outputs) held!.lastBatch = this.batch;
    if (++this.recorded === BATCH) this.submit();
  }

  private bindGroup(pipeline: Pipeline, inputs: GpuTensor[], outputs: GpuTensor[]): GPUBindGroup {
    const buffers = pipeline.bindings.map(({ kind, index }) =>
      kind === 'input' ? inputs[index]!.held! : kind === 'output' ? outputs[index]!.held! : undefined,
    );
    const key = `${pipeline.id}:${buffers.map((held) => held?.id ?? '').join()}`;
    const known = this.bindGroups.get(key);
    if (known) return known;
    // Buffers come back from the pool, so training steps meet the same groups again; the rest must not pile up.
    if (this.bindGroups.size >= BIND_GROUPS_KEPT) this.bindGroups.clear();
    const group = this.gpu.createBindGroup({
      layout: pipeline.layout,
      entries: pipeline.bindings.map(({ binding, kind }, at) => ({
        binding,
        resource: kind === 'uniform' ? { buffer: this.uniforms, size: SLOT } : { buffer: buffers[at]?.buffer ?? this.status },
      })),
    });
    this.bindGroups.set(key, group);
    return group;
  }

  private beginPass(): GPUComputePassEncoder {
    this.encoder ??= this.gpu.createCommandEncoder();
    this.pass ??= this.encoder.beginComputePass();
    return this.pass;
  }

  private endPass(): GPUCommandEncoder {
    this.pass?.end();
    this.pass = undefined;
    return (this.encoder ??= this.gpu.createCommandEncoder());
  }

  private submit(): void {
    if (!this.encoder) return;
    const commands = this.endPass().finish();
    // Queue order: the previous batch has read its uniforms before these are written.
    if (this.recorded > 0) this.gpu.queue.writeBuffer(this.uniforms, 0, this.slots, 0, this.recorded * SLOT);
    this.gpu.queue.submit([commands]);
    this.encoder = undefined;
    this.recorded = 0;
    this.batch++;
    if (this.pool.trim()) this.bindGroups.clear();
  }

  private takeStaging(bytes: number): GPUBuffer {
    const at = this.staging.findIndex((buffer) => buffer.size >= bytes);
    if (at >= 0) return this.staging.splice(at, 1)[0]!;
    // Larger than any idle one: replace the idle ones instead of keeping every size.
    for (const buffer of this.staging.splice(0)) buffer.destroy();
    return this.gpu.createBuffer({
      label: 'staging',
      size: 2 ** Math.ceil(Math.log2(Math.max(bytes, 4096))),
      usage: GPU_MAP_READ | GPU_COPY_DST,
    });
  }
}

/** A backend on one WebGPU device. Throws `webgpu/unavailable` where there is none. */
export async function createWebGpuBackend(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const { device, name } = await openDevice(options);
  return new WebGpuBackend(device, options.name ?? name, options);
}
