import type { ProfileEntry } from '../profile.ts';
import { GPU_COPY_DST, GPU_COPY_SRC, GPU_MAP_MODE_READ, GPU_MAP_READ, GPU_QUERY_RESOLVE } from './buffer-pool.ts';

/** The device's own clock around each dispatch of a submission. Browsers round it (to 0.1 ms, as a rule): sums of many are right. */
export class TimestampRing {
  private readonly gpu: GPUDevice;
  private readonly queries: GPUQuerySet;
  private readonly resolved: GPUBuffer;
  private readonly idle: GPUBuffer[] = [];
  private readonly reading = new Set<Promise<void>>();
  private noted: { slot: number; entry: ProfileEntry }[] = [];

  /** `slots`: dispatches in one submission. */
  constructor(gpu: GPUDevice, slots: number) {
    this.gpu = gpu;
    this.queries = gpu.createQuerySet({ type: 'timestamp', count: 2 * slots });
    this.resolved = gpu.createBuffer({ label: 'timestamps', size: 16 * slots, usage: GPU_QUERY_RESOLVE | GPU_COPY_SRC });
  }

  around(slot: number, entry: ProfileEntry): GPUComputePassTimestampWrites {
    this.noted.push({ slot, entry });
    return { querySet: this.queries, beginningOfPassWriteIndex: 2 * slot, endOfPassWriteIndex: 2 * slot + 1 };
  }

  /** Adds the reading of what was noted to a submission; what it returns is to be called after the submission. */
  resolve(encoder: GPUCommandEncoder): (() => void) | undefined {
    const { noted } = this;
    if (noted.length === 0) return undefined;
    this.noted = [];
    const count = 2 * (1 + Math.max(...noted.map(({ slot }) => slot)));
    const staging = this.idle.pop() ?? this.gpu.createBuffer({ label: 'times', size: this.resolved.size, usage: GPU_MAP_READ | GPU_COPY_DST });
    encoder.resolveQuerySet(this.queries, 0, count, this.resolved, 0);
    encoder.copyBufferToBuffer(this.resolved, 0, staging, 0, count * 8);
    return () => {
      const reading = staging.mapAsync(GPU_MAP_MODE_READ).then(
        () => {
          const times = new BigUint64Array(staging.getMappedRange());
          // A device that restarts its clock between the two gives nonsense: nothing is noted.
          for (const { slot, entry } of noted) entry.ms += Math.max(0, Number(times[2 * slot + 1]! - times[2 * slot]!)) / 1e6;
          staging.unmap();
          this.idle.push(staging);
        },
        () => undefined, // the device is lost, which is told elsewhere
      );
      this.reading.add(reading);
      void reading.then(() => this.reading.delete(reading));
    };
  }

  async finish(): Promise<void> {
    await Promise.all(this.reading);
    for (const buffer of [this.resolved, ...this.idle]) buffer.destroy();
    this.queries.destroy();
  }
}
