import type { Backend, Tensor } from './backend.ts';
import type { Operation, Params, Shape, Values } from './operation.ts';

/** Tensors with one lifetime: everything made through a scope is freed by `release`, except what was kept. */
export class Scope {
  readonly backend: Backend;
  private readonly owned = new Set<Tensor>();

  constructor(backend: Backend) {
    this.backend = backend;
  }

  upload(name: string, shape: Shape, values: Values): Tensor {
    const tensor = this.backend.upload(name, shape, values);
    this.owned.add(tensor);
    return tensor;
  }

  create(name: string, shape: Shape, dtype: Tensor['dtype']): Tensor {
    const tensor = this.backend.create(name, shape, dtype);
    this.owned.add(tensor);
    return tensor;
  }

  run(operation: Operation, name: string, inputs: Tensor[], params: Params = {}): Tensor[] {
    const outputs = this.backend.run(operation, name, inputs, params);
    for (const tensor of outputs) if (!inputs.includes(tensor)) this.owned.add(tensor);
    return outputs;
  }

  /** The first output, for operations that have one. */
  one(operation: Operation, name: string, inputs: Tensor[], params: Params = {}): Tensor {
    return this.run(operation, name, inputs, params)[0]!;
  }

  /** Takes a tensor over from whoever made it. */
  adopt(tensor: Tensor): Tensor {
    this.owned.add(tensor);
    return tensor;
  }

  /** Hands a tensor to the caller, who frees it. */
  keep(tensor: Tensor): Tensor {
    this.owned.delete(tensor);
    return tensor;
  }

  /** Takes over those of the tensors that another scope owns. */
  take(from: Scope, tensors: Iterable<Tensor>): void {
    for (const tensor of tensors) if (from.owned.delete(tensor)) this.owned.add(tensor);
  }

  free(...tensors: Tensor[]): void {
    for (const tensor of tensors) if (this.owned.delete(tensor)) this.backend.free(tensor);
  }

  release(): void {
    for (const tensor of this.owned) this.backend.free(tensor);
    this.owned.clear();
  }
}
