import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foundryBinary } from '../../chain/foundry-binary.ts';
import type { Report } from '../report.ts';

/** Gas is another without the optimiser, which coverage needs off: these tests bound it. */
const GAS_TESTS = ['--no-match-contract', 'Gas', '--no-match-test', '[gG]as|drawnTarget'];
const WHERE = 'contracts, forge coverage';

interface Counts {
  lines: [hit: number, all: number];
  branches: [hit: number, all: number];
}

/** Lines and branches of contracts/src that the contracts' tests reach. A few minutes. */
export function reportCoverage(report: Report): void {
  const folder = mkdtempSync(join(tmpdir(), 'openledger-coverage-'));
  try {
    const file = join(folder, 'lcov.info');
    const run = spawnSync(foundryBinary('forge'), ['coverage', '--report', 'lcov', '--report-file', file, '--no-match-coverage', '(test|script)/', ...GAS_TESTS], {
      // What random inputs reach, few of them reach too.
      env: { ...process.env, FOUNDRY_FUZZ_RUNS: '50', FOUNDRY_INVARIANT_RUNS: '2' }, encoding: 'utf8', maxBuffer: 2 ** 28,
    });
    if (run.status !== 0) throw new Error(`forge coverage: ${(run.stdout + run.stderr).split('\n').filter((line) => /FAIL|Error/.test(line)).slice(0, 5).join('; ')}`);
    const files = countsOf(readFileSync(file, 'utf8'));
    for (const [what, atLeast] of [['lines', 98], ['branches', 95]] as const) {
      const sum = (at: 0 | 1) => [...files.values()].reduce((total, counts) => total + counts[what][at], 0);
      const worst = [...files].filter(([, counts]) => counts[what][0] < counts[what][1]).map(([path, counts]) => `${path.split('/').at(-1)} ${counts[what].join('/')}`);
      report.add(`coverage of contracts, ${what}`, (100 * sum(0)) / sum(1), '%', WHERE, { atLeast }, `${sum(0)} of ${sum(1)}${worst.length ? `; short: ${worst.join(', ')}` : ''}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** By file, from lcov's records: SF file, LF and LH lines found and hit, BRF and BRH branches. */
function countsOf(lcov: string): Map<string, Counts> {
  const files = new Map<string, Counts>();
  for (const record of lcov.split('end_of_record')) {
    const number = (key: string) => Number(new RegExp(`^${key}:(\\d+)$`, 'm').exec(record)?.[1] ?? 0);
    const path = /^SF:(.+)$/m.exec(record)?.[1];
    if (path?.includes('contracts/src/')) files.set(path, { lines: [number('LH'), number('LF')], branches: [number('BRH'), number('BRF')] });
  }
  return files;
}
