import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('what was printed arrives whole through a pipe, and the code is the one given', () => {
  const file = join(import.meta.dirname, 'end.ts');
  const code = `import(${JSON.stringify(file)}).then(async ({ end }) => { console.log('x'.repeat(3_000_000)); await end(3); });`;
  const { stdout, status } = spawnSync('node', ['--import', 'tsx', '-e', code], { encoding: 'utf8', maxBuffer: 2 ** 24, cwd: join(import.meta.dirname, '../../..') });
  expect(stdout.length).toBe(3_000_001);
  expect(status).toBe(3);
});
