/** `npx tsx src/kernels/matrix/split.node.ts opengles`: split matrices on WebGPU in Node, one line of JSON. */
import { toWire } from '../../errors.ts';
import { createWebGpuBackend } from '../webgpu/backend.ts';
import { type DawnKind, openDawn } from '../webgpu/dawn.node.ts';
import { allSplitChecks } from './split-checks.ts';

const report: { skipped?: string; wrong: string[] } = { wrong: [] };
try {
  const kind = process.argv[2] as DawnKind;
  report.wrong = await allSplitChecks(async (maxBinding) => {
    const { adapter } = await openDawn(kind);
    return createWebGpuBackend({ adapter, ...(maxBinding === undefined ? {} : { maxBinding }) });
  });
  const { adapter } = await openDawn(kind);
  const tiny = await createWebGpuBackend({ adapter, maxBinding: 65536 });
  try {
    tiny.create('logits', [4, 32000], 'f32');
    report.wrong.push('a tensor greater than a binding was made');
  } catch (error) {
    const { code, what } = toWire(error);
    if (code !== 'webgpu/tensor-too-large' || !what.includes('"logits"')) report.wrong.push(`${code}: ${what}`);
  }
  tiny.destroy();
} catch (error) {
  if (toWire(error).code !== 'webgpu/unavailable') throw error;
  report.skipped = toWire(error).why ?? toWire(error).what;
}
console.log(JSON.stringify(report));
process.exit(0);
