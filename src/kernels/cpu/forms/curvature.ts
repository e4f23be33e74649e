import { size } from '../../operation.ts';
import type { FastForms } from '../form.ts';

/** The sketch writes a small part of many rows, and judges that part itself. */
export const curvatureForms: FastForms = {
  sketch({ backend, inputs: [y, x, starts, members], shapes, params }) {
    const d = shapes[0]![1]!;
    const n = shapes[1]![0]!;
    const values = size(shapes[1]!) / Math.max(n, 1);
    const bytes = (d + 1) * 4;
    const list = backend.heap.allocate(bytes);
    const count = backend.kernels.usedBuckets(starts!.at, members!.at, list, d, members!.length, values);
    const inRange = count < 0 || backend.kernels.sketch(y!.at + params.at! * d * 4, x!.at, starts!.at, members!.at, list, count, n, d, values) === 1;
    backend.heap.free(list, bytes);
    if (count < 0) throw new RangeError('sketch: a plan of other sizes');
    return inRange;
  },
  drawTargets({ backend, inputs: [logits, stats, uniforms], outputs: [y], shapes }) {
    const [m, v] = shapes[0] as [number, number];
    const bytes = (256 + Math.ceil(v / 256)) * 4;
    const scratch = backend.heap.allocate(bytes);
    backend.kernels.drawTargets(logits!.at, stats!.at, uniforms!.at, y!.at, scratch, m, v, shapes[2]![1]!);
    backend.heap.free(scratch, bytes);
  },
  addDiagonal({ backend, outputs: [k], shapes, params }) {
    backend.kernels.addDiagonal(k!.at, shapes[0]![0]!, params.shift!);
  },
};
