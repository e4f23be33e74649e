/** `npm run bench`: the figures that the project states, ours and its peers', taken side by side in one run. */
import { parseArgs } from 'node:util';
import type { Engine } from '../../src/attribution/engine.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { BenchBrowser } from './browser.ts';
import { ggufFiles } from './gguf-files.ts';
import { machine } from './machine.ts';
import { reportInfluence, reportRecordGradients, reportSolve } from './measure/attribution.ts';
import { reportAdapterSwitch, reportBatch, reportBrowserKernels, reportCpuDuel, reportDispatches, reportLoraCost, reportScaling, reportWebGpuDuel } from './measure/browser.ts';
import { reportDawnKernels } from './measure/dawn.ts';
import { reportClaims } from './measure/claims.ts';
import { reportCoverage } from './measure/coverage.ts';
import { openEngine, reportAnswers, reportAttribution, reportFineTunes, reportTrainingStep } from './measure/engine.ts';
import { reportFaults } from './measure/faults.ts';
import { reportFirstLoad } from './measure/first-load.ts';
import { measureMatmul } from './measure/matmul.ts';
import { reportRuns } from './measure/runs.ts';
import { CHROMIUM_CPU, CHROMIUM_GPU, NODE_CPU, Report } from './report.ts';
import { end } from '../../src/serve/cli/end.ts';

/** What is opened once, when the first measurement asks for it; a failure is told by each that asked. */
function once<Value>(open: () => Promise<Value>): { get: () => Promise<Value>; opened: () => Promise<Value> | undefined } {
  let value: Promise<Value> | undefined;
  return { get: () => (value ??= open()), opened: () => value };
}

interface Measurement {
  what: string;
  where: string;
  run: () => Promise<void> | void;
  /** Left out by --small. */
  long?: boolean;
}

const { values: flags } = parseArgs({
  options: { help: { type: 'boolean' }, json: { type: 'boolean' }, markdown: { type: 'boolean' }, small: { type: 'boolean' }, only: { type: 'string' } },
});
const report = new Report();
const effort = { small: flags.small ?? false };
const backend = once(createCpuBackend);
const engine = once(async () => openEngine(await backend.get()));
const browser = once(async () => BenchBrowser.open(await ggufFiles()));
const withEngine = (work: (engine: Engine) => Promise<void>) => async () => work(await engine.get());
const withBrowser = (work: (report: Report, browser: BenchBrowser, given: typeof effort) => Promise<void>) => async () => work(report, await browser.get(), effort);

const measurements: Record<string, Measurement> = {
  matmul: {
    what: 'matrix product, CPU against plain TypeScript', where: NODE_CPU,
    run: async () => {
      const { ours, plain } = await measureMatmul(await backend.get(), effort.small ? 5 : 9);
      report.add('matrix product 256³, WebAssembly', ours, 'GFLOP/s', NODE_CPU);
      report.add('matrix product 256³, plain TypeScript', plain, 'GFLOP/s', NODE_CPU);
      report.add('CPU matrix product against plain TypeScript', ours / plain, '×', NODE_CPU, { atLeast: 10 });
    },
  },
  webgpu: { what: 'exact lane against ONNX Runtime Web on WebGPU', where: CHROMIUM_GPU, run: withBrowser(reportWebGpuDuel) },
  wasm: { what: 'CPU backend against ONNX Runtime Web and wllama', where: CHROMIUM_CPU, run: withBrowser(reportCpuDuel) },
  lora: { what: 'LoRA on against off', where: CHROMIUM_GPU, run: withBrowser(reportLoraCost) },
  dispatches: { what: 'dispatches of a token', where: CHROMIUM_GPU, run: withBrowser(reportDispatches) },
  batch: { what: 'batch of 8, eight adapters against one', where: CHROMIUM_GPU, run: withBrowser(reportBatch), long: true },
  switch: { what: 'adapter switch', where: CHROMIUM_GPU, run: withBrowser(reportAdapterSwitch), long: true },
  scaling: { what: 'time over layers, width, context, batch', where: CHROMIUM_CPU, run: withBrowser(reportScaling), long: true },
  kernels: { what: 'exactness and shares of ceilings', where: CHROMIUM_GPU, run: withBrowser(reportBrowserKernels), long: true },
  dawn: { what: 'exactness and shares of ceilings', where: 'WebGPU, Dawn in Node', run: () => reportDawnKernels(report, 8000), long: true },
  training: { what: 'LoRA training step', where: NODE_CPU, run: withEngine((one) => reportTrainingStep(report, one, effort.small ? 3 : 9)) },
  answers: { what: 'first token, answer', where: NODE_CPU, run: withEngine((one) => reportAnswers(report, one)) },
  attribution: { what: 'ledger, attribution of an answer', where: NODE_CPU, run: withEngine((one) => reportAttribution(report, one)) },
  claims: { what: 'trace of an answer, first false leaf, gas of proofs', where: NODE_CPU, run: withEngine((one) => reportClaims(report, one, effort.small ? 1 : 3)) },
  runs: { what: 'vouching for a sample’s run, games about false ones', where: NODE_CPU, run: withEngine((one) => reportRuns(report, one)), long: true },
  faults: {
    what: 'faults planted in claims, challenges of right claims', where: 'contracts on anvil', long: true,
    run: () => reportFaults(report, effort.small ? 50 : 1000, (text) => console.error(text)),
  },
  coverage: { what: 'lines and branches of contracts that their tests reach', where: 'contracts', run: () => reportCoverage(report), long: true },
  'record-gradients': { what: 'gradients by record', where: NODE_CPU, run: withEngine((one) => reportRecordGradients(report, one, effort.small ? 5 : 15)) },
  influence: { what: '100 answers by 900 records', where: NODE_CPU, run: async () => reportInfluence(report, await backend.get(), effort.small ? 2 : 5) },
  solve: { what: 'solve of the curvature method', where: NODE_CPU, run: async () => reportSolve(report, await backend.get(), effort.small ? [1024] : [1024, 4096]) },
  'fine-tunes': { what: 'fine-tunes of the sample Datanets', where: NODE_CPU, run: withEngine((one) => reportFineTunes(report, one)), long: true },
  'first-load': { what: 'size of the first load', where: 'dist/', run: () => reportFirstLoad(report) },
};

if (flags.help) {
  console.log(`npm run bench -- [--small] [--json] [--markdown] [--only NAME,…]
Times the engine beside its peers, ONNX Runtime Web and wllama, and prints each figure as a JSON line, then a table.
  --small       within a minute: fewer rounds, and only what is short: no batches, adapter switch, scaling,
                kernels, fine-tunes, coverage or faults (with --only faults: 50 and 50 instead of 1,000 and 1,000)
  --json        JSON lines only
  --markdown    the table for docs/bench.md
  --only NAMES  of: ${Object.keys(measurements).join(', ')}
Environment: CHROMIUM names another Chromium; BENCH_GPU=1 lets it use a real graphics processor.`);
  process.exit(0);
}
const chosen = flags.only?.split(',') ?? Object.keys(measurements).filter((name) => !(flags.small && measurements[name]!.long));
const unknown = chosen.find((name) => !Object.hasOwn(measurements, name));
if (unknown !== undefined) {
  console.error(`There is no measurement "${unknown}"; there are ${Object.keys(measurements).join(', ')}.`);
  process.exit(2);
}

console.log(JSON.stringify(machine()));
for (const name of chosen) {
  const { what, where, run } = measurements[name]!;
  try {
    await run();
  } catch (error) {
    report.missing(what, where, error);
  }
}
await (await browser.opened()?.catch(() => undefined))?.close();
if (!flags.json) console.log(`\n${flags.markdown ? report.markdown() : report.table()}`);
await end(0);
