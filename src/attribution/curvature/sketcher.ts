import type { Backend, Tensor } from '../../kernels/backend.ts';
import { scaleColumns } from '../../kernels/elementwise/operation.ts';
import type { Scope } from '../../kernels/scope.ts';
import { type SketchPlan, sketchPlan } from '../../kernels/sketch/plan.ts';
import { sketch } from '../../kernels/sketch/operation.ts';
import type { Gradients } from '../../model/linear.ts';
import type { Lora } from '../../model/lora.ts';
import { adapterTensors } from '../record-gradients.ts';

/** Adapter gradients as rows of `dimension` numbers: scaled, and sketched, or laid end to end where they fit. */
export class Sketcher {
  /** Numbers a row. */
  readonly dimension: number;
  /** By how much each number of the adapter's gradient counts, tensor after tensor; see scale.ts. */
  readonly scale: Float32Array;
  private readonly plans: { name: string; scale: Tensor; starts: Tensor; members: Tensor }[] = [];
  private readonly backend: Backend;

  /** `checkpoint`: each has a sketch of its own, so that their errors average out. Throws RangeError where `scale` has not one number for each of the adapter's. */
  constructor(backend: Backend, lora: Lora, dimension: number, seed: number, checkpoint: number, scale: Float32Array) {
    this.backend = backend;
    this.scale = scale;
    const tensors = adapterTensors(lora);
    const all = tensors.reduce((sum, { values }) => sum + values, 0);
    if (scale.length !== all) throw new RangeError(`${scale.length} scales for ${all} numbers`);
    this.dimension = Math.min(dimension, all);
    let before = 0;
    tensors.forEach(({ name, values }, stream) => {
      const { starts, members } = all > dimension ? sketchPlan(seed, (checkpoint + 1) * 0x10000 + stream, values, dimension) : endToEnd(values, before, all);
      this.plans.push({
        name,
        scale: backend.upload(`${name}.scale`, [values], scale.subarray(before, before + values), true),
        starts: backend.upload(`${name}.sketch.starts`, [starts.length], starts, true),
        members: backend.upload(`${name}.sketch.members`, [members.length], members, true),
      });
      before += values;
    });
  }

  /** Adds scaled gradients [count,…] by tensor to rows at, …, at + count − 1 of `rows`. */
  add(scope: Scope, rows: Tensor, gradients: Gradients, at: number): void {
    for (const { name, scale, starts, members } of this.plans) {
      const scaled = scope.one(scaleColumns, `${name}.scaled`, [gradients.get(name)!, scale]);
      scope.run(sketch, `${name}.sketch`, [rows, scaled, starts, members], { at });
      scope.free(scaled);
    }
  }

  free(): void {
    for (const { scale, starts, members } of this.plans) {
      this.backend.free(scale);
      this.backend.free(starts);
      this.backend.free(members);
    }
    this.plans.length = 0;
  }
}

/** Value i goes to place before + i. */
export function endToEnd(values: number, before: number, all: number): SketchPlan {
  return {
    starts: Uint32Array.from({ length: all + 1 }, (_, j) => Math.min(Math.max(j - before, 0), values)),
    members: Uint32Array.from({ length: values }, (_, i) => i),
  };
}
