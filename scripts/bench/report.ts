import { toWire } from '../../src/errors.ts';

/** Where a figure was taken, for people. */
export const NODE_CPU = 'CPU backend, Node';
export const CHROMIUM_CPU = 'CPU, Chromium, one thread';
export const CHROMIUM_GPU = 'WebGPU, Chromium';

export interface Row {
  what: string;
  /** Undefined where it was not measured; `note` says why. */
  value: number | undefined;
  unit: string;
  /** What issue 3 asks for, in words; empty where a figure is reported only. */
  reach: string;
  /** Whether it was reached; undefined where nothing is asked. */
  met?: boolean | undefined;
  where: string;
  note?: string | undefined;
}

/** What a figure has to reach. */
export type Reach = { atLeast: number } | { atMost: number } | undefined;

const HEADS = ['what', 'value', 'unit', 'reach', 'reached', 'where measured'];

const significant = (value: number) => (value === 0 ? 0 : Number(value.toPrecision(4)));

/** Collects figures and prints each as one JSON line as soon as it is there. */
export class Report {
  readonly rows: Row[] = [];
  private readonly print: (line: string) => void;

  constructor(print: (line: string) => void = console.log) {
    this.print = print;
  }

  add(what: string, value: number, unit: string, where: string, reach?: Reach, note?: string): void {
    const words = !reach ? '' : 'atLeast' in reach ? `at least ${reach.atLeast}` : `at most ${reach.atMost}`;
    const met = !reach ? undefined : 'atLeast' in reach ? value >= reach.atLeast : value <= reach.atMost;
    this.push({ what, value: significant(value), unit, reach: words, met, where, note });
  }

  /** A figure that could not be taken, told as loudly as the others. */
  missing(what: string, where: string, cause: unknown): void {
    const { what: failed, why } = toWire(cause);
    this.push({ what, value: undefined, unit: '', reach: '', where, note: `not measured: ${failed}${why ? ` ${why}` : ''}` });
  }

  private push(row: Row): void {
    this.rows.push(row);
    this.print(JSON.stringify(row));
  }

  /** The rows as lines of fixed columns. */
  table(): string {
    const cells = this.cells();
    const widths = HEADS.map((head, i) => Math.max(head.length, ...cells.map((row) => row[i]!.length)));
    const line = (row: readonly string[]) =>
      row.map((cell, i) => (i === 1 ? cell.padStart(widths[i]!) : cell.padEnd(i === row.length - 1 ? 0 : widths[i]!))).join('  ');
    return [line(HEADS), widths.slice(0, -1).map((width) => '─'.repeat(width)).join('  '), ...cells.map(line)].join('\n');
  }

  /** The same for docs/bench.md. */
  markdown(): string {
    const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
    return [line(HEADS), line(HEADS.map((_, i) => (i === 1 ? '--:' : '---'))), ...this.cells().map(line)].join('\n');
  }

  private cells(): string[][] {
    return this.rows.map(({ what, value, unit, reach, met, where, note }) => [
      what, value === undefined ? '–' : String(value), unit, reach, met === undefined ? '' : met ? 'yes' : 'NO', note ? `${where}; ${note}` : where,
    ]);
  }
}
