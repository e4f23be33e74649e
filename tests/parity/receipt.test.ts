import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { ReferenceBackend } from '../../src/kernels/reference/backend.ts';
import { receiptOf } from './receipt-of.ts';

const command = fileURLToPath(new URL('./receipt-of-command.ts', import.meta.url));

/** Training, ledger, answer, influence and receipt: the same 32 bytes wherever they are computed (Chromium: tests/e2e). */
describe('a receipt is the same 32 bytes', async () => {
  const expected = await receiptOf(new ReferenceBackend());

  it('in plain TypeScript and on the CPU backend', async () => {
    expect(await receiptOf(await createCpuBackend())).toEqual(expected);
  });

  for (const backend of ['llvmpipe', 'swiftshader']) {
    it(`in plain TypeScript and on Dawn with ${backend}`, { timeout: 300_000 }, (context) => {
      // A process of its own: Dawn keeps Node alive, and one process should open one driver.
      const { stdout, stderr } = spawnSync('node', ['--import', 'tsx', command, backend], { encoding: 'utf8', timeout: 280_000 });
      const line = stdout.trim().split('\n').pop() ?? '';
      const result = JSON.parse(line || JSON.stringify({ error: stderr.slice(-500) }));
      if (result.absent) {
        console.warn(`NOT TESTED on ${backend}: ${result.absent}`);
        return context.skip(result.absent);
      }
      expect(result).toEqual(expected);
    });
  }
});
