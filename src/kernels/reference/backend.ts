import { firstOutOfRange } from '../../arithmetic/rf32.ts';
import { type Backend, type Memory, type Tensor, expectWrite } from '../backend.ts';
import { type Operation, type Params, type Shape, type Values, size } from '../operation.ts';
import { CallProfiler } from '../profile.ts';
import { outOfRange } from '../range-error.ts';
import { workOf } from '../work.ts';

interface HeldTensor extends Tensor {
  values: Values;
}

/** Plain TypeScript, every operation in its slow obvious form: what the other backends are compared with. */
export class ReferenceBackend implements Backend {
  readonly kind = 'reference';
  readonly device = 'plain TypeScript';
  readonly maxBinding: number;
  readonly profile = new CallProfiler(this.device);
  private readonly use: Memory = { bytes: 0, peakBytes: 0 };

  /** A finite `maxBinding` stands in for a small device; only matrices heed it here. */
  constructor({ maxBinding = Infinity }: { maxBinding?: number } = {}) {
    this.maxBinding = maxBinding;
  }

  upload(name: string, shape: Shape, values: Values): Tensor {
    return this.hold(name, shape, values instanceof Uint32Array ? Uint32Array.from(values) : Float32Array.from(values));
  }

  create(name: string, shape: Shape, dtype: Tensor['dtype']): Tensor {
    const length = size(shape);
    return this.hold(name, shape, dtype === 'u32' ? new Uint32Array(length) : new Float32Array(length));
  }

  write(tensor: Tensor, at: number, values: Values): void {
    expectWrite(tensor, at, values);
    (tensor as HeldTensor).values.set(values, at);
  }

  run(operation: Operation, name: string, inputs: Tensor[], params: Params = {}): Tensor[] {
    const shapes = inputs.map(({ shape }) => shape);
    const work = () => workOf(operation, shapes, operation.outputs(shapes, params), params);
    return this.profile.time(operation.name, work, () => this.compute(operation, name, inputs, params));
  }

  private compute(operation: Operation, name: string, inputs: Tensor[], params: Params): Tensor[] {
    const shapes = inputs.map((tensor) => tensor.shape);
    const outputs = operation.outputs(shapes as Shape[], params).map((output) => {
      if (output.inPlace !== undefined) return inputs[output.inPlace] as HeldTensor;
      const length = size(output.shape);
      return this.hold(name, output.shape, output.dtype === 'u32' ? new Uint32Array(length) : new Float32Array(length));
    });
    operation.reference({
      inputs: inputs.map((tensor) => (tensor as HeldTensor).values),
      outputs: outputs.map((tensor) => tensor.values),
      shapes: shapes as Shape[],
      params,
    });
    for (const { values } of outputs) {
      if (values instanceof Float32Array && firstOutOfRange(values) >= 0) throw outOfRange(name, operation.name);
    }
    return outputs;
  }

  async read(tensor: Tensor): Promise<Values> {
    return (tensor as HeldTensor).values.slice();
  }

  free(tensor: Tensor): void {
    this.use.bytes -= (tensor as HeldTensor).values.byteLength;
    (tensor as HeldTensor).values = new Float32Array(0);
  }

  memory(): Memory {
    return { ...this.use };
  }

  destroy(): void {}

  private hold(name: string, shape: Shape, values: Values): HeldTensor {
    if (values.length !== size(shape)) throw new RangeError(`${name}: ${values.length} values for shape [${shape}]`);
    this.use.bytes += values.byteLength;
    this.use.peakBytes = Math.max(this.use.peakBytes, this.use.bytes);
    return { name, shape, dtype: values instanceof Uint32Array ? 'u32' : 'f32', values };
  }
}
