import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DawnKind } from './dawn.node.ts';
import type { VectorReport } from './vectors.node.ts';

/** Runs vectors.node.ts in a process of its own and gives its report. */
export function spawnVectors(kind: DawnKind, count: number): Promise<VectorReport> {
  const script = fileURLToPath(new URL('vectors.node.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 2 ** 20, timeout: 280_000 };
    execFile(process.execPath, ['--import', 'tsx', script, kind, String(count)], options, (error, stdout, stderr) => {
      // Drivers print lines of their own; the report is the last line.
      const last = stdout.trimEnd().split('\n').pop() ?? '';
      if (error || !last.startsWith('{')) reject(new Error(`${kind}: ${error?.message ?? 'no report'}\n${stderr.slice(-2000)}`));
      else resolve(JSON.parse(last) as VectorReport);
    });
  });
}
