import { OpenLedgerError } from '../../errors.ts';
import { type Backend, type Memory, type Tensor, expectWrite } from '../backend.ts';
import { type Operation, type Output, type Params, type Shape, type Values, size } from '../operation.ts';
import type { Counts, Profiler } from '../profile.ts';
import { outOfRange } from '../range-error.ts';
import { workOf } from '../work.ts';
import { BufferPool, GPU_COPY_DST, GPU_COPY_SRC, GPU_MAP_MODE_READ, GPU_MAP_READ, GPU_STORAGE, type PooledBuffer } from './buffer-pool.ts';
import { Commands, SLOT } from './commands.ts';
import { openDevice, traitsOf } from './device.ts';
import { callFailed, deviceLost } from './errors.ts';
import { OperationNames } from './operation-names.ts';
import { Pace } from './pace.ts';
import { type Pipeline, PipelineCache } from './pipelines.ts';
import { GpuProfiler } from './profiler.ts';
import { shaders } from './shaders.ts';
import type { DeviceTraits, Wgsl } from './wgsl.ts';

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
  /** Other traits than the device's own, for trying the programs of other devices out. */
  traits?: Partial<DeviceTraits>;
  /** Milliseconds that one submission may take; see Pace. */
  budgetMs?: number;
}

interface GpuTensor extends Tensor {
  held: PooledBuffer | undefined;
}

const NO_FAILURE = 0xffffffff;
const BIND_GROUPS_KEPT = 4096;

export class WebGpuBackend implements Backend {
  readonly kind = 'webgpu';
  readonly device: string;
  readonly maxBinding: number;
  readonly traits: DeviceTraits;
  readonly profile: Profiler;
  private readonly gpu: GPUDevice;
  private readonly onLost: ((error: OpenLedgerError) => void) | undefined;
  private readonly pool: BufferPool;
  private readonly pipelines: PipelineCache;
  private readonly status: GPUBuffer;
  private readonly commands: Commands;
  private readonly profiler: GpuProfiler;
  private readonly names = new OperationNames();
  private readonly programs = new Map<string, Wgsl>();
  private bindGroups = new Map<string, GPUBindGroup>();
  private staging: GPUBuffer[] = [];
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
    this.traits = { ...traitsOf(gpu), ...options.traits };
    this.commands = new Commands(gpu, new Pace(this.traits.software, options.budgetMs), () => this.pool.trim() && this.bindGroups.clear());
    this.profile = this.profiler = new GpuProfiler(name, this.commands);
    this.status = gpu.createBuffer({ label: 'status', size: 4, usage: GPU_STORAGE | GPU_COPY_SRC | GPU_COPY_DST });
    gpu.queue.writeBuffer(this.status, 0, new Uint32Array([NO_FAILURE]));
    gpu.addEventListener('uncapturederror', (event) => this.fail(callFailed((event as GPUUncapturedErrorEvent).error.message)));
    void gpu.lost.then((info) => {
      if (this.destroyed) return;
      const error = deviceLost(info.message);
      this.failure = error; // more important than what failed before it
      this.drop();
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
      held.lastBatch = this.commands.batch;
      this.commands.clear(held.buffer, size(shape) * 4);
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
    const wgsl = shaders[operation.name] ?? this.programs.get(operation.name);
    if (!wgsl) throw new RangeError(`no WGSL for operation ${operation.name}`);
    const shapes = inputs.map((tensor) => tensor.shape) as Shape[];
    const outputs = operation.outputs(shapes, params);
    const { uniforms, groups, variant = '' } = wgsl.dispatch(shapes, params, this.traits);
    inputs.forEach((tensor, index) => {
      if (!(tensor as GpuTensor).held) throw new RangeError(`${name}: input ${index} ("${tensor.name}") was freed`);
      if (tensor.dtype !== operation.inputs[index]) throw new RangeError(`${name}: input ${index} is ${tensor.dtype}`);
    });
    const results = this.results(name, inputs as GpuTensor[], outputs);
    if (groups > 0) {
      const pipeline = this.pipelines.get(operation, wgsl, outputs, variant);
      const work = workOf(operation, shapes, outputs, params);
      const bindGroup = this.bindGroup(pipeline, inputs as GpuTensor[], results);
      this.commands.dispatch({
        pipeline,
        bindGroup,
        groups,
        uniforms,
        sequence: this.names.add(operation.name, name),
        units: work.multiplyAdds + work.bytes / 4,
        entry: this.profiler.call(operation.name, variant, work),
      });
      for (const { held } of [...(inputs as GpuTensor[]), ...results]) held!.lastBatch = this.commands.batch;
    }
    return results;
  }

  /** A program for an operation that is none of the model's: measurements. */
  addProgram(operation: string, wgsl: Wgsl): void {
    this.programs.set(operation, wgsl);
  }

  async read(tensor: Tensor): Promise<Values> {
    this.check();
    const { held, dtype, shape } = tensor as GpuTensor;
    if (!held) throw new RangeError(`"${tensor.name}" was freed`);
    const bytes = size(shape) * 4;
    const upTo = this.names.last;
    await this.commands.settled();
    const staging = this.takeStaging(bytes + 4);
    const encoder = this.commands.outsidePass();
    encoder.copyBufferToBuffer(this.status, 0, staging, 0, 4);
    if (bytes > 0) encoder.copyBufferToBuffer(held.buffer, 0, staging, 4, bytes);
    this.commands.submit();
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

  counts(): Counts {
    return { ...this.commands.counts };
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
    this.drop();
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

  private writeValues({ held }: GpuTensor, at: number, values: Values): void {
    this.commands.write(held!.buffer, held!.lastBatch, at * 4, values);
    held!.lastBatch = this.commands.batch - 1;
  }

  /** What a lost or ended device held is gone; nothing may keep it alive. */
  private drop(): void {
    this.pool.drop();
    this.pipelines.drop();
    this.bindGroups.clear();
    this.staging = [];
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
        resource: kind === 'uniform' ? { buffer: this.commands.uniforms, size: SLOT } : { buffer: buffers[at]?.buffer ?? this.status },
      })),
    });
    this.bindGroups.set(key, group);
    return group;
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
