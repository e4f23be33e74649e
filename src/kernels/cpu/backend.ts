import { hexToBytes } from '@noble/hashes/utils.js';
import { type Backend, type Memory, type Tensor, expectWrite } from '../backend.ts';
import { type Operation, type Params, type Shape, type Values, size } from '../operation.ts';
import { CallProfiler } from '../profile.ts';
import { outOfRange } from '../range-error.ts';
import { workOf } from '../work.ts';
import { fastForms } from './fast.ts';
import { wasmHex } from './generated/wasm.ts';
import { Heap } from './heap.ts';
import type { Kernels } from './kernels.ts';
import { LeftOperands } from './left-operands.ts';

export interface CpuTensor extends Tensor {
  at: number;
  length: number;
  constant: boolean;
  /** Packed forms of a constant right operand, by orientation. */
  packed?: Map<string, { at: number; bytes: number }>;
  /** The rows of a packed matrix lie interleaved (packed.as.ts) until somebody wants them as they were. */
  interleaved?: boolean;
}

/** TypeScript with AssemblyScript SIMD where it counts. Everything lives in one WebAssembly memory; runs on the calling thread. */
export class CpuBackend implements Backend {
  readonly kind = 'cpu';
  readonly device = 'CPU, WebAssembly SIMD';
  readonly heap = new Heap();
  readonly left = new LeftOperands(this);
  readonly kernels: Kernels;

  readonly maxBinding: number;
  readonly profile = new CallProfiler(this.device);

  private constructor(module: WebAssembly.Module, maxBinding: number) {
    this.maxBinding = maxBinding;
    const instance = new WebAssembly.Instance(module, {
      env: { memory: this.heap.memory, abort: () => { throw new Error('WebAssembly kernel aborted'); } },
    });
    this.kernels = instance.exports as unknown as Kernels;
  }

  /** A finite `maxBinding` stands in for a small device; only matrices heed it here. */
  static async create({ maxBinding = Infinity }: { maxBinding?: number } = {}): Promise<CpuBackend> {
    return new CpuBackend(await WebAssembly.compile(hexToBytes(wasmHex) as Uint8Array<ArrayBuffer>), maxBinding);
  }

  upload(name: string, shape: Shape, values: Values, constant = false): Tensor {
    if (values.length !== size(shape)) throw new RangeError(`${name}: ${values.length} values for shape [${shape}]`);
    const tensor = this.allocate(name, shape, values instanceof Uint32Array ? 'u32' : 'f32');
    tensor.constant = constant;
    this.view(tensor).set(values);
    return tensor;
  }

  create(name: string, shape: Shape, dtype: Tensor['dtype'], constant = false): Tensor {
    const tensor = this.allocate(name, shape, dtype);
    tensor.constant = constant;
    this.view(tensor).fill(0);
    return tensor;
  }

  write(tensor: Tensor, at: number, values: Values): void {
    expectWrite(tensor, at, values);
    const held = tensor as CpuTensor;
    this.view(held).set(values, at);
    this.forgetPacked(held);
    this.left.forget(held);
  }

  run(operation: Operation, name: string, inputs: Tensor[], params: Params = {}): Tensor[] {
    if (!this.profile.active) return this.compute(operation, name, inputs, params);
    const shapes = inputs.map(({ shape }) => shape);
    const work = () => workOf(operation, shapes, operation.outputs(shapes, params), params);
    return this.profile.time(operation.name, work, () => this.compute(operation, name, inputs, params));
  }

  private compute(operation: Operation, name: string, inputs: Tensor[], params: Params): Tensor[] {
    const ins = inputs as CpuTensor[];
    const shapes = inputs.map((tensor) => tensor.shape) as Shape[];
    const declared = operation.outputs(shapes, params);
    const outputs: CpuTensor[] = [];
    for (const { inPlace, shape, dtype } of declared) {
      if (inPlace === undefined) outputs.push(this.allocate(name, shape, dtype));
      else {
        outputs.push(ins[inPlace]!);
        this.left.forget(ins[inPlace]!);
      }
    }
    const fast = fastForms[operation.name];
    const inRange = fast?.({ backend: this, inputs: ins, outputs, shapes, params });
    if (!fast) {
      // First, because it may make the memory grow, which ends earlier views.
      for (const tensor of ins) if (tensor.interleaved) this.turnRows(tensor, false);
      operation.reference({
        inputs: ins.map((tensor) => this.view(tensor)),
        outputs: outputs.map((tensor) => this.view(tensor)),
        shapes,
        params,
      });
    }
    const refused = (): Error => {
      declared.forEach(({ inPlace }, k) => inPlace === undefined && this.free(outputs[k]!));
      return outOfRange(name, operation.name);
    };
    if (inRange === false) throw refused();
    if (inRange || operation.copies) return outputs;
    for (const output of outputs) {
      if (output.dtype === 'f32' && this.kernels.firstOutOfRange(output.at, output.length) >= 0) throw refused();
    }
    return outputs;
  }

  async read(tensor: Tensor): Promise<Values> {
    return this.view(tensor as CpuTensor).slice();
  }

  free(tensor: Tensor): void {
    const held = tensor as CpuTensor;
    this.heap.free(held.at, held.length * 4);
    this.forgetPacked(held);
    this.left.forget(held);
    held.length = 0;
  }

  memory(): Memory {
    return { bytes: this.heap.bytes, peakBytes: this.heap.peakBytes };
  }

  destroy(): void {}

  /** Interleaves the rows of a packed matrix's codes or scales in place, for the kernels of packed.as.ts; gives their place. */
  interleaved(tensor: CpuTensor): number {
    if (!tensor.interleaved) this.turnRows(tensor, true);
    return tensor.at;
  }

  private turnRows(tensor: CpuTensor, interleaved: boolean): void {
    const [rows, words] = tensor.shape as [number, number];
    const scratch = this.heap.allocate(words * 32);
    this.kernels.interleave(tensor.at, scratch, rows, words, interleaved ? 0 : 1);
    this.heap.free(scratch, words * 32);
    tensor.interleaved = interleaved;
  }

  private forgetPacked(tensor: CpuTensor): void {
    for (const { at, bytes } of tensor.packed?.values() ?? []) this.heap.free(at, bytes);
    tensor.packed = undefined;
  }

  private allocate(name: string, shape: Shape, dtype: 'f32' | 'u32'): CpuTensor {
    const length = size(shape);
    return { name, shape, dtype, length, at: this.heap.allocate(length * 4), constant: false };
  }

  /** Valid until the memory grows: take it after everything is allocated. */
  private view(tensor: CpuTensor): Values {
    if (tensor.interleaved) this.turnRows(tensor, false);
    const { buffer } = this.heap.memory;
    return tensor.dtype === 'u32' ? new Uint32Array(buffer, tensor.at, tensor.length) : new Float32Array(buffer, tensor.at, tensor.length);
  }
}

export function createCpuBackend(options: { maxBinding?: number } = {}): Promise<CpuBackend> {
  return CpuBackend.create(options);
}
