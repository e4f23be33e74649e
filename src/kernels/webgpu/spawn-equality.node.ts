import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DawnKind } from './dawn.node.ts';
import type { EqualityReport } from './equality.node.ts';

/** Runs equality.node.ts in a process of its own and gives its report. */
export function spawnEquality(kind: DawnKind, ...flags: string[]): Promise<EqualityReport> {
  const script = fileURLToPath(new URL('equality.node.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 2 ** 26, timeout: 570_000 };
    execFile(process.execPath, ['--import', 'tsx', script, kind, ...flags], options, (error, stdout, stderr) => {
      // Drivers print lines of their own; the report is the last line.
      const last = stdout.trimEnd().split('\n').pop() ?? '';
      if (error || !last.startsWith('{')) reject(new Error(`${kind}: ${error?.message ?? 'no report'}\n${stderr.slice(-2000)}`));
      else resolve(JSON.parse(last) as EqualityReport);
    });
  });
}
