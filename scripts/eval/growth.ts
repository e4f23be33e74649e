/**
 * Growth of the curvature ledger with made-up gradients: time and memory of building it, and of one answer. Each size runs
 * in a process of its own, so that its peak memory is its own. Blocks of records all cost the same and are freed one after
 * another, so where the whole takes too long, `--blocks` measures the first ones, with everything that the whole needs held.
 * `npx tsx scripts/eval/growth.ts [--records 1000,10000] [--checkpoints 3] [--blocks 8] [--json]`
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { randomWord } from '../../src/arithmetic/random.ts';
import { type GradientSource, buildRows, curvatureBytes, rowWidth } from '../../src/attribution/curvature/curvature-ledger.ts';
import { BLOCK_RECORDS } from '../../src/attribution/curvature/ledger-passes.ts';
import { CURVATURE, MOST_CHANCE_DRAWS, ROW_FORMAT, drawPlan } from '../../src/attribution/curvature/settings.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { createMatrix, freeMatrix, matrixBytes, matrixNT } from '../../src/kernels/matrix/matrix.ts';
import { Scope } from '../../src/kernels/scope.ts';
import { table } from './report/tables.ts';

const { values: flags } = parseArgs({
  options: {
    help: { type: 'boolean' }, json: { type: 'boolean' }, records: { type: 'string', default: '1000,10000,100000' }, dimension: { type: 'string', default: '4096' },
    checkpoints: { type: 'string', default: String(CURVATURE.checkpoints) }, blocks: { type: 'string' }, one: { type: 'boolean' },
  },
});
if (flags.help) {
  console.log('npx tsx scripts/eval/growth.ts [--records 1000,10000,100000] [--dimension 4096] [--checkpoints 3] [--blocks 8] [--json]\nTime and memory of a ledger of made-up gradients, and of one answer, on the CPU backend. --blocks: measure so many blocks of records and reckon the time of the others from them.');
  process.exit(0);
}

interface Growth {
  records: number;
  draws: number;
  dimension: number;
  checkpoints: number;
  /** Of the processor, one thread: what else the machine does does not count. */
  buildSeconds: number;
  /** Records whose rows were made; the time of the others is reckoned from theirs. */
  recordsMade: number;
  /** Of one answer, its gradient given. */
  answerMilliseconds: number;
  ledgerBytes: number;
  /** Most that the backend held, and the process with all else. */
  backendBytes: number;
  processBytes: number;
}

const WORD = 2 ** 32;

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Rows with a part in common by class (of 64) and a part of their own, both flat noise: nothing is measured of them but size. */
function madeUp(count: number, width: number, first: number, stream: number): Float32Array {
  const out = new Float32Array(count * width);
  for (let i = 0; i < count; i++) {
    let own = randomWord(stream, 1, first + i);
    let common = randomWord(7, 2, (first + i) % 64);
    for (let j = 0; j < width; j++) {
      // Two linear congruential generators: good enough for noise, and quick.
      own = (Math.imul(own, 1664525) + 1013904223) >>> 0;
      common = (Math.imul(common, 1664525) + 1013904223) >>> 0;
      out[i * width + j] = (own + 0.5 * common) / WORD - 0.75;
    }
  }
  return out;
}

async function measure(records: number, dimension: number, checkpoints: number, blocks: number): Promise<Growth> {
  const backend = await createCpuBackend();
  const settings = { ...CURVATURE, checkpoints, dimension };
  const { owners } = drawPlan(records, settings.draws);
  const chance = drawPlan(records, 1, MOST_CHANCE_DRAWS).owners;
  // As of an adapter with more numbers than the rows have.
  const width = rowWidth(Infinity, settings);
  const rows = (scope: Scope, count: number, first: number, stream: number) => Promise.resolve(scope.upload('made up', [count, width], madeUp(count, width, first, stream)));
  const most = Math.min(records, blocks * BLOCK_RECORDS);
  const enough = new AbortController();
  let firstBlock = 0;
  const source: GradientSource = {
    draws: (scope, at) => rows(scope, owners.length, 0, 100 + at),
    chance: () => Promise.resolve(madeUp(chance.length, checkpoints * width, 0, 200)),
    records: (scope, at, first, count) => {
      firstBlock ||= processorSeconds();
      if (first + count >= most && most < records) enough.abort();
      return rows(scope, count, first, 300 + at);
    },
  };
  const began = processorSeconds();
  const built = await buildRows(backend, source, checkpoints, records, width, chance, 1, enough.signal).catch((error: unknown) => {
    if (!enough.signal.aborted) throw error;
    return undefined;
  });
  const buildSeconds = firstBlock - began + ((processorSeconds() - firstBlock) * records) / most;
  const matrix = built?.rows ?? createMatrix(backend, 'ledger.rows', records, checkpoints * width, ROW_FORMAT);
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const scope = new Scope(backend);
    const answer = scope.upload('answer', [1, checkpoints * width], madeUp(1, checkpoints * width, i, 400));
    const start = processorSeconds();
    await backend.read(matrixNT(scope, 'influence', answer, matrix));
    times.push(1000 * (processorSeconds() - start));
    scope.release();
  }
  const { peakBytes } = backend.memory();
  freeMatrix(backend, matrix);
  return {
    records, draws: owners.length, dimension, checkpoints, buildSeconds, recordsMade: most, answerMilliseconds: times.sort((a, b) => a - b)[2]!,
    ledgerBytes: matrixBytes(records, checkpoints * width, ROW_FORMAT), backendBytes: peakBytes, processBytes: process.resourceUsage().maxRSS * 1024,
  };
}

const sizes = flags.records.split(',').map(Number);
const [dimension, checkpoints] = [Number(flags.dimension), Number(flags.checkpoints)];
const blocks = Number(flags.blocks ?? 2 ** 20);
if ([...sizes, dimension, checkpoints, blocks].some((value) => !Number.isSafeInteger(value) || value < 1)) throw new RangeError('sizes are whole numbers above 0');
if (flags.one) {
  console.log(JSON.stringify(await measure(sizes[0]!, dimension, checkpoints, blocks)));
} else {
  const results = sizes.map((records): Growth => {
    console.error(`${records} records …`);
    const { stdout, status } = spawnSync(
      process.execPath, ['--import', 'tsx', fileURLToPath(import.meta.url), '--one', '--records', String(records), '--dimension', String(dimension), '--checkpoints', String(checkpoints), '--blocks', String(blocks)],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
    );
    if (status !== 0) throw new Error(`${records} records: the process ended with ${status}`);
    return JSON.parse(stdout) as Growth;
  });
  const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 24 ? 1 : 0)} MiB`;
  if (flags.json) console.log(JSON.stringify({ command: 'growth', results }));
  else {
    console.log(table(
      ['records', 'of them made', 'draws', 'numbers a record', 'checkpoints', 'building', 'one answer', 'ledger', 'backend at most', 'process at most'],
      results.map((one) => [
        one.records.toLocaleString('en'), one.recordsMade.toLocaleString('en'), one.draws.toLocaleString('en'), one.dimension.toLocaleString('en'), String(one.checkpoints), `${one.buildSeconds.toFixed(1)} s`,
        `${one.answerMilliseconds.toFixed(1)} ms`, mebibytes(one.ledgerBytes), mebibytes(one.backendBytes), mebibytes(one.processBytes),
      ]),
    ));
    console.log('\nThe default ledger, of an adapter of a million numbers, as planned before it is built:\n');
    console.log(table(['records', 'ledger', 'at most while built'], sizes.map((records) => {
      const { kept, building } = curvatureBytes(records, 2 ** 20, CURVATURE);
      return [records.toLocaleString('en'), mebibytes(kept), mebibytes(building)];
    })));
  }
}
process.exit(0);
