import { type Ceilings, measureCeilings } from '../../../src/kernels/bench/ceilings.ts';
import { type Exactness, measureExactness } from '../../../src/kernels/bench/exactness.ts';
import { type ProductTiming, measureKernels, usualShapes } from '../../../src/kernels/bench/products.ts';
import type { WebGpuBackend } from '../../../src/kernels/webgpu/backend.ts';
import type { Report } from '../report.ts';

export interface KernelFigures {
  software: boolean;
  ceilings: Ceilings;
  exactness: Exactness[];
  products: ProductTiming[];
}

/** What exactness costs, and what of the device's own ceilings our products reach, all in one run. */
export async function measureKernelFigures(backend: WebGpuBackend, budgetMs: number): Promise<KernelFigures> {
  const { software } = backend.traits;
  const ceilings = await measureCeilings(backend, budgetMs / 4);
  const exactness = await measureExactness(backend, undefined, budgetMs / 2);
  const shapes = usualShapes(software).filter(({ format }) => format !== 'f16');
  return { software, ceilings, exactness, products: await measureKernels(backend, shapes, ceilings, budgetMs / 4 / shapes.length) };
}

export function reportKernels(report: Report, { software, ceilings, exactness, products }: KernelFigures, where: string): void {
  for (const { share, rows, terms, columns, variant } of exactness) {
    report.add(`RF32 product ${rows} × ${terms} × ${columns} against the same program without rounding and blocks`, share, '×', where, { atLeast: 0.9 }, variant);
  }
  report.add('ceiling: memory read', ceilings.readGBs, 'GB/s', where);
  report.add('ceiling: multiply-adds', ceilings.multiplyAddsG, 'G/s', where);
  for (const { rows, terms, columns, format, shareOfArithmetic = 0, shareOfBandwidth = 0, multiplyAddsG } of products) {
    const vector = rows === 1;
    report.add(
      `${vector ? 'GEMV' : 'GEMM'} ${rows} × ${terms} × ${columns}, ${format}, share of the ceiling of ${vector ? 'bandwidth' : 'arithmetic'}`,
      vector ? shareOfBandwidth : shareOfArithmetic, '×', where,
      // The issue asks this of real graphics processors only.
      software || format !== 'f32' ? undefined : { atLeast: vector ? 0.8 : 0.4 },
      `${multiplyAddsG.toPrecision(3)} G multiply-adds/s`,
    );
  }
}
