import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunName, Setup } from './setup.ts';

/** Outcomes on disk: one line per run, {run, losses}. A line is there whole or not at all. */
export class Outcomes {
  private readonly file: string;
  readonly done = new Map<RunName, number[]>();

  /** Opens the outcomes of a set-up; those of another set-up under the same name are dropped. */
  constructor(cache: string, { name, seed, size, key }: Pick<Setup, 'name' | 'seed' | 'size' | 'key'>) {
    const folder = join(cache, size === 'full' ? name : `${name}-small`, String(seed));
    this.file = join(folder, 'outcomes.jsonl');
    const keyFile = join(folder, 'setup-key.txt');
    mkdirSync(folder, { recursive: true });
    if (!existsSync(keyFile) || readFileSync(keyFile, 'utf8') !== key) {
      rmSync(this.file, { force: true });
      writeFileSync(keyFile, key);
    }
    if (!existsSync(this.file)) return;
    const bytes = readFileSync(this.file);
    const end = bytes.lastIndexOf(10) + 1;
    // A process that was killed while it wrote leaves half a line, which the next line must not be glued to.
    if (end < bytes.length) truncateSync(this.file, end);
    for (const line of bytes.subarray(0, end).toString('utf8').split('\n')) {
      const outcome = parseLine(line);
      if (outcome) this.done.set(outcome.run, outcome.losses);
    }
  }

  add(run: RunName, losses: number[]): void {
    this.done.set(run, losses);
    appendFileSync(this.file, `${JSON.stringify({ run, losses })}\n`);
  }
}

/** Undefined for a damaged line: its run is made again. */
function parseLine(line: string): { run: RunName; losses: number[] } | undefined {
  try {
    const { run, losses } = JSON.parse(line) as { run: unknown; losses: unknown };
    return typeof run === 'string' && Array.isArray(losses) && losses.length > 0 && losses.every(Number.isFinite) ? { run, losses: losses as number[] } : undefined;
  } catch {
    return undefined;
  }
}
