import { OpenLedgerError } from '../../errors.ts';

const PAGE = 65536;
/** Room for AssemblyScript's own static data. */
const START = 1024 * 16;
/** Kernels read whole vectors, so a little past the end of the last block. */
const GUARD = 256;

/** Blocks of the WebAssembly memory, 16-byte aligned, kept in lists by size for reuse. */
export class Heap {
  readonly memory = new WebAssembly.Memory({ initial: 16, maximum: 65536 });
  private top = START;
  private readonly spare = new Map<number, number[]>();
  bytes = 0;
  peakBytes = 0;

  /** Sizes are rounded to eighths of a power of two, so that freed blocks fit what comes next. */
  private static rounded(bytes: number): number {
    // The power of two below; sizes are below 2^32.
    const step = 2 ** Math.max(4, 28 - Math.clz32(bytes));
    return Math.ceil(bytes / step) * step || step;
  }

  allocate(bytes: number): number {
    const rounded = Heap.rounded(bytes);
    this.bytes += rounded;
    this.peakBytes = Math.max(this.peakBytes, this.bytes);
    const reused = this.spare.get(rounded)?.pop();
    if (reused !== undefined) return reused;
    const at = this.top;
    const end = Math.ceil((at + rounded) / 16) * 16;
    const missing = end + GUARD - this.memory.buffer.byteLength;
    if (missing > 0) {
      try {
        // Growing moves nothing but detaches views; grow by at least an eighth to do it seldom.
        this.memory.grow(Math.ceil(Math.max(missing, Math.min(this.memory.buffer.byteLength / 8, 2 ** 28)) / PAGE));
      } catch (cause) {
        throw new OpenLedgerError({
          code: 'cpu/out-of-memory',
          what: 'The model needs more memory than this machine gives one page.',
          why: `${Math.round(end / 2 ** 20)} MiB were needed.`,
          next: 'Close other tabs, or use a smaller model or shorter records.',
          cause,
        });
      }
    }
    this.top = end;
    return at;
  }

  free(at: number, bytes: number): void {
    const rounded = Heap.rounded(bytes);
    this.bytes -= rounded;
    const list = this.spare.get(rounded);
    if (list) list.push(at);
    else this.spare.set(rounded, [at]);
  }
}
