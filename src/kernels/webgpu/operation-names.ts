/** Which operation a sequence number stood for, kept until a check has found everything before it in range. */
export class OperationNames {
  last = 0;
  private first = 1;
  private list: { operation: string; tensor: string }[] = [];

  /** The sequence number of a new operation: from 1, below the "no failure" mark. */
  add(operation: string, tensor: string): number {
    // A run that reads nothing for long keeps the newest names only.
    if (this.list.length >= 200_000) {
      this.list = this.list.slice(100_000);
      this.first += 100_000;
    }
    if (this.last >= 0xfffffff0) {
      this.last = 0;
      this.first = 1;
      this.list = [];
    }
    this.list.push({ operation, tensor });
    return ++this.last;
  }

  of(sequence: number): { operation: string; tensor: string } {
    return this.list[sequence - this.first] ?? { operation: 'unknown', tensor: `operation ${sequence}` };
  }

  forgetUpTo(sequence: number): void {
    const count = Math.min(Math.max(sequence + 1 - this.first, 0), this.list.length);
    this.list.splice(0, count);
    this.first += count;
  }
}
