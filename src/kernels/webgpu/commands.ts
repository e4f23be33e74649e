import type { Counts, ProfileEntry } from '../profile.ts';
import { GPU_COPY_DST, GPU_UNIFORM } from './buffer-pool.ts';
import type { Pace, Part } from './pace.ts';
import type { Pipeline } from './pipelines.ts';
import { UNIFORM_HEADER } from './shader-source.ts';
import { TimestampRing } from './timestamps.ts';

/** One call of a program. */
export interface Order {
  pipeline: Pipeline;
  bindGroup: GPUBindGroup;
  groups: number;
  uniforms: number[];
  /** Which operation, for errors. */
  sequence: number;
  /** What `Pace` counts. */
  units: number;
  /** Where the profiler notes it. */
  entry: ProfileEntry | undefined;
}

/** Commands recorded before they are submitted: few submissions, and the device starts early. */
const BATCH = 64;
/** Every dispatch has its own uniforms; 256 is the greatest alignment a device may ask for. */
export const SLOT = 256;
/** Values, 32 MiB. */
const WRITTEN_AT_ONCE = 2 ** 23;

/** Records commands, submits them in portions that the device does in `Pace`'s budget, and hears when they are done. */
export class Commands {
  readonly uniforms: GPUBuffer;
  readonly counts: Counts = { calls: 0, dispatches: 0, submissions: 0 };
  /** Number of the portion being recorded; from 1, so that a buffer written before any command differs from one never used (-1). */
  batch = 1;
  private readonly gpu: GPUDevice;
  private readonly pace: Pace;
  private readonly afterSubmit: () => void;
  private readonly slots = new ArrayBuffer(BATCH * SLOT);
  private readonly slotsU32 = new Uint32Array(this.slots);
  private readonly slotsF32 = new Float32Array(this.slots);
  private encoder: GPUCommandEncoder | undefined;
  private pass: GPUComputePassEncoder | undefined;
  private parts: Part[] = [];
  private predicted = 0;
  private timestamps: TimestampRing | undefined;
  /** While dispatches are timed one by one: what is still to be done, in order. */
  private tail: Promise<void> | undefined;

  constructor(gpu: GPUDevice, pace: Pace, afterSubmit: () => void) {
    this.gpu = gpu;
    this.pace = pace;
    this.afterSubmit = afterSubmit;
    this.uniforms = gpu.createBuffer({ label: 'uniforms', size: BATCH * SLOT, usage: GPU_UNIFORM | GPU_COPY_DST });
  }

  dispatch(order: Order): void {
    this.counts.calls++;
    if (this.tail) {
      this.inOrder(async () => {
        const start = performance.now();
        this.record(order, 0, order.groups, 0);
        this.submit();
        await this.gpu.queue.onSubmittedWorkDone();
        if (order.entry) order.entry.ms += performance.now() - start;
      });
      return;
    }
    const { pipeline, groups, units } = order;
    const pieces = Math.min(this.pace.pieces(pipeline.id, units), groups);
    const step = Math.ceil(groups / pieces);
    for (let first = 0; first < groups; first += step) {
      const end = Math.min(first + step, groups);
      this.record(order, first, end, (units * (end - first)) / groups);
    }
  }

  /** Overwrites a part of a buffer after everything recorded before. `lastBatch`: the portion that used the buffer last. */
  write(buffer: GPUBuffer, lastBatch: number, byteOffset: number, values: Float32Array | Uint32Array): void {
    if (this.tail) {
      const copy = values.slice();
      this.inOrder(() => this.writeNow(buffer, byteOffset, copy));
      return;
    }
    // Writes go before commands that are recorded but not submitted, so the buffer must not stand in one of them.
    if (lastBatch === this.batch) this.submit();
    this.writeNow(buffer, byteOffset, values);
  }

  clear(buffer: GPUBuffer, bytes: number): void {
    this.inOrder(() => this.outsidePass().clearBuffer(buffer, 0, bytes));
  }

  /** For commands besides dispatches; `submit` sends them. */
  outsidePass(): GPUCommandEncoder {
    this.pass?.end();
    this.pass = undefined;
    return (this.encoder ??= this.gpu.createCommandEncoder());
  }

  submit(): void {
    if (!this.encoder) return;
    const { parts, predicted } = this;
    const encoder = this.outsidePass();
    const readTimes = this.timestamps?.resolve(encoder);
    const commands = encoder.finish();
    // Queue order: the previous batch has read its uniforms before these are written.
    if (parts.length > 0) this.gpu.queue.writeBuffer(this.uniforms, 0, this.slots, 0, parts.length * SLOT);
    this.gpu.queue.submit([commands]);
    readTimes?.();
    this.counts.submissions++;
    this.encoder = undefined;
    this.parts = [];
    this.predicted = 0;
    this.batch++;
    if (predicted > 0 && this.pace.worthLearning(parts)) this.hear(parts);
    if (!this.tail) this.afterSubmit();
  }

  /** Until what is waiting its turn has been recorded. At once, unless dispatches are timed one by one. */
  async settled(): Promise<void> {
    for (let tail = this.tail; tail; tail = this.tail) {
      await tail;
      if (tail === this.tail) return;
    }
  }

  /** From now on each dispatch's time is noted in its order's entry. */
  startTiming(): 'timestamps' | 'submissions' {
    this.submit();
    if (this.gpu.features.has('timestamp-query')) {
      this.timestamps ??= new TimestampRing(this.gpu, BATCH);
      return 'timestamps';
    }
    this.tail ??= Promise.resolve();
    return 'submissions';
  }

  /** Ends it when everything recorded has been noted. */
  async stopTiming(): Promise<void> {
    await this.settled();
    this.submit();
    this.tail = undefined;
    const { timestamps } = this;
    this.timestamps = undefined;
    await timestamps?.finish();
  }

  private inOrder(task: () => void | Promise<void>): void {
    if (!this.tail) void task();
    // A failed task means a failed device, which every call is told.
    else this.tail = this.tail.then(task).catch(() => undefined);
  }

  private writeNow(buffer: GPUBuffer, byteOffset: number, values: Float32Array | Uint32Array): void {
    // In pieces, because drivers copy what they are given.
    for (let from = 0; from < values.length; from += WRITTEN_AT_ONCE) {
      const piece = values.subarray(from, from + WRITTEN_AT_ONCE) as Float32Array<ArrayBuffer>;
      this.gpu.queue.writeBuffer(buffer, byteOffset + from * 4, piece);
    }
  }

  /** Workgroups `first` to `end` of an order. */
  private record({ pipeline, bindGroup, uniforms, sequence, entry }: Order, first: number, end: number, units: number): void {
    const ms = this.pace.predict(pipeline.id, units);
    if (this.parts.length > 0 && this.pace.isFull(this.predicted, ms)) this.submit();
    const slot = this.parts.length;
    const widest = this.gpu.limits.maxComputeWorkgroupsPerDimension;
    const x = Math.min(end - first, widest);
    const y = Math.ceil((end - first) / x);
    if (y > widest) throw new RangeError(`${pipeline.operation}: ${end - first} workgroups are too many`);
    const at = (slot * SLOT) / 4;
    this.slotsU32.set([0, sequence, end, x, first], at);
    pipeline.uniforms.forEach((type, index) => {
      (type === 'f32' ? this.slotsF32 : this.slotsU32)[at + UNIFORM_HEADER.length + index] = uniforms[index]!;
    });
    const pass = this.beginPass(slot, entry);
    pass.setPipeline(pipeline.pipeline);
    pass.setBindGroup(0, bindGroup, [slot * SLOT]);
    pass.dispatchWorkgroups(x, y);
    this.counts.dispatches++;
    if (entry) entry.dispatches++;
    this.parts.push({ pipeline: pipeline.id, units, ms });
    this.predicted += ms;
    if (this.parts.length === BATCH || this.pace.isFull(this.predicted)) this.submit();
  }

  private beginPass(slot: number, entry: ProfileEntry | undefined): GPUComputePassEncoder {
    if (this.timestamps && entry) {
      const encoder = this.outsidePass();
      this.pass = encoder.beginComputePass({ timestampWrites: this.timestamps.around(slot, entry) });
    } else {
      this.encoder ??= this.gpu.createCommandEncoder();
      this.pass ??= this.encoder.beginComputePass();
    }
    return this.pass;
  }

  private hear(parts: Part[]): void {
    this.pace.submitted(performance.now());
    this.gpu.queue.onSubmittedWorkDone().then(
      () => this.pace.finished(parts, performance.now()),
      () => undefined, // the device is lost, which is told elsewhere
    );
  }
}
