import { type Backend, type Memory, type Tensor, expectWrite } from '../backend.ts';
import { type Operation, type Params, type Shape, type Values, size } from '../operation.ts';

export interface CountingOptions {
  /** The backend whose choices are to be followed: which programs run, and so what is allocated, may depend on it. */
  kind?: Backend['kind'];
  maxBinding?: number;
  /** Bytes that an allocation of so many really takes; as they are by default. `sizeClass` for WebGPU's pool. */
  rounded?: (bytes: number) => number;
}

interface CountedTensor extends Tensor {
  /** −1 once freed. */
  bytes: number;
}

/**
 * Computes nothing and holds no values: it only counts the bytes that the same calls would take on a device, so that a
 * training or generation step of any size can be tried before anything is allocated. Values read are zeros.
 * What a backend keeps beside its tensors (packed forms, idle buffers, staging) is not counted.
 */
export class CountingBackend implements Backend {
  readonly kind: Backend['kind'];
  readonly device = 'counts memory only';
  readonly maxBinding: number;
  /** The tensor whose allocation reached the peak. */
  peakAt = '';
  private readonly rounded: (bytes: number) => number;
  private readonly use: Memory = { bytes: 0, peakBytes: 0 };

  constructor({ kind = 'reference', maxBinding = Infinity, rounded = (bytes) => bytes }: CountingOptions = {}) {
    this.kind = kind;
    this.maxBinding = maxBinding;
    this.rounded = rounded;
  }

  upload(name: string, shape: Shape, values: Values): Tensor {
    if (values.length !== size(shape)) throw new RangeError(`${name}: ${values.length} values for shape [${shape}]`);
    return this.hold(name, shape, values instanceof Uint32Array ? 'u32' : 'f32');
  }

  create(name: string, shape: Shape, dtype: Tensor['dtype']): Tensor {
    return this.hold(name, shape, dtype);
  }

  write(tensor: Tensor, at: number, values: Values): void {
    expectWrite(tensor, at, values);
  }

  run(operation: Operation, name: string, inputs: Tensor[], params: Params = {}): Tensor[] {
    for (const [index, tensor] of inputs.entries()) if ((tensor as CountedTensor).bytes < 0) throw new RangeError(`${name}: input ${index} ("${tensor.name}") was freed`);
    const shapes = inputs.map(({ shape }) => shape);
    return operation.outputs(shapes, params).map((output) => (output.inPlace === undefined ? this.hold(name, output.shape, output.dtype) : inputs[output.inPlace]!));
  }

  async read(tensor: Tensor): Promise<Values> {
    const length = size(tensor.shape);
    return tensor.dtype === 'u32' ? new Uint32Array(length) : new Float32Array(length);
  }

  free(tensor: Tensor): void {
    const held = tensor as CountedTensor;
    if (held.bytes < 0) throw new RangeError(`"${held.name}" was freed twice`);
    this.use.bytes -= held.bytes;
    held.bytes = -1;
  }

  memory(): Memory {
    return { ...this.use };
  }

  destroy(): void {}

  private hold(name: string, shape: Shape, dtype: Tensor['dtype']): CountedTensor {
    const bytes = this.rounded(4 * size(shape));
    this.use.bytes += bytes;
    if (this.use.bytes > this.use.peakBytes) {
      this.use.peakBytes = this.use.bytes;
      this.peakAt = name;
    }
    return { name, shape, dtype, bytes };
  }
}
