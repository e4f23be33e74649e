import { describe, expect, it } from 'vitest';
import type { Backend, Tensor } from './backend.ts';
import type { GradientCheck, Run } from './case.ts';
import { caseLists } from './cases.ts';
import { createCpuBackend } from './cpu/backend.ts';
import { ReferenceBackend } from './reference/backend.ts';

const STEP = 1e-5;

/** Central differences of the plain float64 loss. */
function differences(check: GradientCheck, input: number): Float64Array {
  const point = check.at.map(({ values }) => Float64Array.from(values));
  return point[input]!.map((_, i) => {
    const at = (shift: number) => {
      const moved = point.map((values) => values.slice());
      moved[input]![i]! += shift;
      return check.loss(moved);
    };
    return (at(STEP) - at(-STEP)) / (2 * STEP);
  });
}

async function gradientErrors(backend: Backend, check: GradientCheck): Promise<number[]> {
  const run = ((operation, inputs, params) => backend.run(operation, check.name, inputs, params)) as Run;
  run.upload = (shape, values) => backend.upload(check.name, shape, values);
  const inputs: Tensor[] = check.at.map(({ shape, values }) => run.upload(shape, values));
  const gradients = check.gradients(run, inputs);
  const errors: number[] = [];
  for (const [input, tensor] of gradients.entries()) {
    if (!tensor) continue;
    const [got, want] = [await backend.read(tensor), differences(check, input)];
    expect(got.length).toBe(want.length);
    const norm = (values: ArrayLike<number>) => Math.sqrt(Array.from(values).reduce((sum, x) => sum + x * x, 0));
    expect(norm(want), `${check.name}: a gradient of nothing shows nothing`).toBeGreaterThan(1e-3);
    errors.push(norm(want.map((x, i) => got[i]! - x)) / norm(want));
  }
  return errors;
}

describe('gradients against central differences of float64', () => {
  const checks = caseLists.flatMap(({ gradient }) => (Array.isArray(gradient) ? gradient : []));
  it('stand for every operation, or say why not', () => {
    for (const { operation, gradient } of caseLists) {
      if (!Array.isArray(gradient)) expect(gradient.none.length, operation.name).toBeGreaterThan(10);
    }
    expect(checks.length).toBeGreaterThan(6);
  });

  it.each(checks.map((check) => [check.name, check] as const))('%s', async (_, check) => {
    for (const backend of [new ReferenceBackend(), await createCpuBackend()]) {
      for (const error of await gradientErrors(backend, check)) expect(error).toBeLessThan(check.tolerance);
    }
  });
});
