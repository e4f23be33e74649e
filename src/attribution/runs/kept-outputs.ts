import type { Matrix } from '../trace/run.ts';

export const bytesOf = (made: readonly Matrix[]): number => made.reduce((sum, { values }) => sum + values.byteLength, 0);

/** What units made, on the host: what is still to be read, and of the rest as much as a budget holds, latest last. */
export class KeptOutputs {
  private readonly most: number;
  private readonly kept = new Map<number, { made: readonly Matrix[]; spare: boolean }>();
  private bytes = 0;

  constructor(most: number) {
    this.most = most;
  }

  get(unit: number): readonly Matrix[] | undefined {
    return this.kept.get(unit)?.made;
  }

  /** `spare`: may be given up. */
  set(unit: number, made: readonly Matrix[], spare: boolean): void {
    // Again: perhaps it was spare before.
    if (!this.kept.delete(unit)) this.bytes += bytesOf(made);
    this.kept.set(unit, { made, spare });
    this.trim();
  }

  /** From now on it may be given up. */
  release(unit: number): void {
    const found = this.kept.get(unit);
    if (found) found.spare = true;
    this.trim();
  }

  private trim(): void {
    if (this.bytes <= this.most) return;
    for (const [unit, { made, spare }] of this.kept) {
      if (!spare) continue;
      this.kept.delete(unit);
      this.bytes -= bytesOf(made);
      if (this.bytes <= this.most) return;
    }
  }
}
