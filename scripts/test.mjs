// `npm test`: installs what is missing (a browser too) and runs everything; ends with one line of totals.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

if (process.argv.includes('--help')) {
  console.log(`npm test -- [--only types,lint,unit,contracts,browser]
Types, lint, unit and kernel tests (software GPUs), contracts, the walk in a browser.`);
  process.exit(0);
}
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1]?.split(',') : undefined;
const totals = { passed: 0, failed: 0, skipped: 0 };

/** Debian packages that the tests need and this machine lacks. */
function systemPackages() {
  const needed = [
    ['chromium', '/usr/bin/chromium'],
    ['libvulkan1', '/usr/lib/x86_64-linux-gnu/libvulkan.so.1'],
    ['libegl1', '/usr/lib/x86_64-linux-gnu/libEGL.so.1'],
    ['libgles2', '/usr/lib/x86_64-linux-gnu/libGLESv2.so.2'],
    ['libgl1-mesa-dri', '/usr/lib/x86_64-linux-gnu/dri/swrast_dri.so'],
  ];
  const missing = needed.filter(([, file]) => !existsSync(file)).map(([name]) => name);
  if (!missing.length) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    console.error(`Missing: ${missing.join(', ')}. Tests that need them are skipped; on Debian: apt-get install ${missing.join(' ')}`);
    return;
  }
  console.log(`Installing ${missing.join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'inherit', env });
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], { stdio: ['ignore', 'ignore', 'inherit'], env });
}

function suite(name, command, args, count, env = {}) {
  if (only && !only.includes(name)) return;
  console.log(`\n== ${name}`);
  const began = Date.now();
  const result = spawnSync(command, args, { cwd: root, stdio: count === exitCode ? 'inherit' : ['ignore', 'pipe', 'inherit'], encoding: 'utf8', maxBuffer: 2 ** 28, env: { ...process.env, ...env } });
  if (result.stdout) process.stdout.write(result.stdout.slice(-20_000));
  const counted = count(result);
  for (const key of Object.keys(totals)) totals[key] += counted[key];
  // A suite that fell over without counting a failure has failed all the same.
  if (result.status !== 0 && counted.failed === 0) totals.failed++;
  console.log(`-- ${name}: ${counted.passed} passed, ${counted.failed} failed, ${counted.skipped} skipped, ${Math.round((Date.now() - began) / 1000)} s`);
}

const exitCode = ({ status }) => ({ passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 });

const vitestReport = (file) => () => {
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(readFileSync(file, 'utf8'));
  for (const { name, assertionResults } of report.testResults) {
    for (const test of assertionResults) {
      if (test.status === 'pending' || test.status === 'skipped') console.log(`skipped: ${name.replace(root, '')} > ${test.fullName}`);
    }
  }
  const brokenFiles = report.testResults.filter(({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed')).length;
  return { passed: report.numPassedTests, failed: report.numFailedTests + brokenFiles, skipped: report.numPendingTests + report.numTodoTests };
};

const forgeSummary = ({ stdout }) => {
  const match = [...(stdout ?? '').matchAll(/(\d+) tests passed, (\d+) failed, (\d+) skipped/g)].pop();
  return match ? { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3]) } : { passed: 0, failed: 1, skipped: 0 };
};

systemPackages();
await prepare({ app: true });
const reports = join(root, '.cache/reports');
mkdirSync(reports, { recursive: true });
const vitest = (name, config) => {
  const file = join(reports, `${name}.json`);
  rmSync(file, { force: true });
  suite(name, 'npx', ['vitest', 'run', '--config', config, '--reporter=default', '--reporter=json', `--outputFile=${file}`], vitestReport(file));
};
suite('types', 'npx', ['svelte-check', '--tsconfig', './tsconfig.json', '--fail-on-warnings', '--output', 'human'], exitCode);
suite('lint', 'npx', ['eslint', '.', '--max-warnings', '0'], exitCode);
vitest('unit', 'vitest.config.ts');
suite('contracts', 'npx', ['forge', 'test'], forgeSummary);
vitest('browser', 'tests/e2e/vitest.config.ts');
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed ? 1 : 0);
