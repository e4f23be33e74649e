/**
 * Compares one backend with the plain TypeScript reference, bit for bit, on every declared case and on random
 * shapes, and prints the outcome as one line of JSON. A process of its own, because Dawn keeps Node alive and its
 * drivers read the environment once. `npx tsx src/kernels/webgpu/equality.node.ts swiftshader [protected] [split] [hardware] [narrow] [select] [rounds]`;
 * `split` allows submissions so little time that most operations come in several; `hardware` runs the programs for real
 * graphics processors, `narrow` those for devices of 128 invocations.
 */
import { toWire } from '../../errors.ts';
import type { Backend } from '../backend.ts';
import { caseLists } from '../cases.ts';
import { type Difference, compareCase } from '../compare.ts';
import { ReferenceBackend } from '../reference/backend.ts';
import { ALL_USES, selfTest } from '../self-test.ts';
import { createWebGpuBackend } from './backend.ts';
import { type DawnKind, openDawn } from './dawn.node.ts';
import { openDevice } from './device.ts';
import { deviceChecks, lossChecks, profiledLossChecks } from './device-checks.ts';
import { selectChecks } from './select-checks.ts';

export interface EqualityReport {
  device?: string;
  /** Why this machine cannot run it. */
  skipped?: string;
  cases: number;
  differences: Difference[];
  /** Self-test cases that did not give the known answer. */
  selfTest: string[];
  /** Checks of the backend itself that failed. */
  deviceChecks: string[];
}

const [kind, ...flags] = process.argv.slice(2);
const isProtected = flags.includes('protected');
const rounds = Number(flags.find((flag) => /^\d+$/.test(flag)) ?? 3);

async function main(): Promise<EqualityReport> {
  const report: EqualityReport = { cases: 0, differences: [], selfTest: [], deviceChecks: [] };
  let backend: Backend;
  let gpu: GPU;
  try {
    const dawn = await openDawn(kind as DawnKind);
    gpu = dawn.gpu;
    const traits = { ...(flags.includes('hardware') && { software: false }), ...(flags.includes('narrow') && { invocations: 128 }) };
    backend = await createWebGpuBackend({ adapter: dawn.adapter, protected: isProtected, ...(flags.includes('split') && { budgetMs: 0.02 }), traits });
  } catch (error) {
    if (toWire(error).code !== 'webgpu/unavailable') throw error;
    return { ...report, skipped: toWire(error).why ?? toWire(error).what };
  }
  const reference = new ReferenceBackend();
  report.device = backend.device;
  for (const list of caseLists) {
    const random = Array.from({ length: rounds }, (_, round) => list.random(round * 7919 + 13));
    for (const one of [...list.cases, ...random]) {
      report.cases++;
      const difference = await compareCase(one, reference, backend);
      if (difference) report.differences.push(difference);
    }
  }
  report.selfTest = (await selfTest(backend, false, ALL_USES)).filter(({ ok }) => !ok).map(({ name }) => name);
  report.deviceChecks = await deviceChecks(backend);
  backend.destroy();
  if (flags.includes('select')) {
    report.deviceChecks.push(...(await selectChecks(gpu)));
    const { device } = await openDevice({ gpu });
    report.deviceChecks.push(...(await lossChecks(device)));
    report.deviceChecks.push(...(await profiledLossChecks((await openDevice({ gpu })).device)));
  }
  return report;
}

main().then(
  (report) => {
    console.log(JSON.stringify(report));
    process.exit(0);
  },
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
