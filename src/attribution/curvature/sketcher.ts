import type { Backend, Tensor } from '../../kernels/backend.ts';
import type { Scope } from '../../kernels/scope.ts';
import { type SketchPlan, sketchPlan } from '../../kernels/sketch/plan.ts';
import { sketch } from '../../kernels/sketch/operation.ts';
import type { Gradients } from '../../model/linear.ts';
import type { Lora } from '../../model/lora.ts';
import { adapterTensors } from '../record-gradients.ts';

/** Adapter gradients as rows of `dimension` numbers: sketched, or laid end to end where they fit. */
export class Sketcher {
  /** Numbers a row. */
  readonly dimension: number;
  private readonly plans: { name: string; starts: Tensor; members: Tensor }[] = [];
  private readonly backend: Backend;

  constructor(backend: Backend, lora: Lora, dimension: number, seed: number) {
    this.backend = backend;
    const tensors = adapterTensors(lora);
    const all = tensors.reduce((sum, { values }) => sum + values, 0);
    this.dimension = Math.min(dimension, all);
    let before = 0;
    tensors.forEach(({ name, values }, stream) => {
      const { starts, members } = all > dimension ? sketchPlan(seed, 0x10000 + stream, values, dimension) : endToEnd(values, before, all);
      this.plans.push({
        name,
        starts: backend.upload(`${name}.sketch.starts`, [starts.length], starts, true),
        members: backend.upload(`${name}.sketch.members`, [members.length], members, true),
      });
      before += values;
    });
  }

  /** Adds gradients [count,…] by tensor to rows at, …, at + count − 1 of `rows`. */
  add(scope: Scope, rows: Tensor, gradients: Gradients, at: number): void {
    for (const { name, starts, members } of this.plans) scope.run(sketch, `${name}.sketch`, [rows, gradients.get(name)!, starts, members], { at });
  }

  free(): void {
    for (const { starts, members } of this.plans) {
      this.backend.free(starts);
      this.backend.free(members);
    }
    this.plans.length = 0;
  }
}

/** Value i goes to place before + i. */
function endToEnd(values: number, before: number, all: number): SketchPlan {
  return {
    starts: Uint32Array.from({ length: all + 1 }, (_, j) => Math.min(Math.max(j - before, 0), values)),
    members: Uint32Array.from({ length: values }, (_, i) => i),
  };
}
