/** Runs in a browser page (chromium.test.ts): the equality of equality.node.ts for the WebGPU of that browser. */
import { toWire } from '../../errors.ts';
import { caseLists } from '../cases.ts';
import { type Difference, compareCase } from '../compare.ts';
import { ReferenceBackend } from '../reference/backend.ts';
import { createWebGpuBackend } from './backend.ts';
import { openBackend } from './select.ts';

export interface PageReport {
  skipped?: string;
  device?: string;
  /** What openBackend('webgpu') said, so the self-test ran and passed. */
  chosen?: string;
  cases: number;
  differences: Difference[];
}

/** Largest case in multiply-adds: a software device in a browser is slow. */
const MOST_WORK = 300_000;

async function equality(): Promise<PageReport> {
  const report: PageReport = { cases: 0, differences: [] };
  try {
    const backend = await createWebGpuBackend();
    report.device = backend.device;
    const reference = new ReferenceBackend();
    for (const { cases } of caseLists) {
      for (const one of cases.filter(({ work = 0 }) => work <= MOST_WORK)) {
        report.cases++;
        const difference = await compareCase(one, reference, backend);
        if (difference) report.differences.push(difference);
      }
    }
    backend.destroy();
  } catch (error) {
    if (toWire(error).code !== 'webgpu/unavailable') throw error;
    return { ...report, skipped: toWire(error).why ?? toWire(error).what };
  }
  const { backend, why } = await openBackend('webgpu');
  report.chosen = `${backend.kind}: ${why}`;
  backend.destroy();
  return report;
}

Object.assign(globalThis, { openledgerEquality: equality });
