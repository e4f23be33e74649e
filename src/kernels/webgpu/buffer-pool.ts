import { outOfMemory, tooLarge } from './errors.ts';

/** A GPU buffer and the batch of commands that used it last: writes must not overtake recorded commands. */
export interface PooledBuffer {
  readonly buffer: GPUBuffer;
  readonly bytes: number;
  readonly id: number;
  lastBatch: number;
}

/** Free buffers kept, as a share of those in use: beyond it they are given back to the driver. */
const KEPT = 0.5;
const ALWAYS_KEPT = 64 * 2 ** 20;

/** Four classes for each power of two: at most a quarter is wasted, and freed buffers fit again. */
export function sizeClass(bytes: number): number {
  const least = Math.max(bytes, 256);
  const step = 2 ** Math.max(8, Math.floor(Math.log2(least)) - 2);
  return Math.ceil(least / step) * step;
}

export class BufferPool {
  bytesInUse = 0;
  peakBytes = 0;
  private readonly device: GPUDevice;
  private readonly limit: number;
  private readonly onFailure: (error: Error) => void;
  private readonly idle = new Map<number, PooledBuffer[]>();
  private idleBytes = 0;
  private nextId = 1;
  private dropped = false;

  /** `limit`: bytes that one buffer may have. */
  constructor(device: GPUDevice, limit: number, onFailure: (error: Error) => void) {
    this.device = device;
    this.limit = limit;
    this.onFailure = onFailure;
  }

  take(name: string, bytes: number): PooledBuffer {
    const { limit } = this;
    if (bytes > limit) throw tooLarge(name, bytes, limit);
    const size = Math.min(sizeClass(bytes), Math.floor(limit / 4) * 4);
    const held = this.idle.get(size)?.pop();
    if (held) this.idleBytes -= size;
    const taken = held ?? this.create(name, size);
    this.bytesInUse += size;
    this.peakBytes = Math.max(this.peakBytes, this.bytesInUse);
    return taken;
  }

  give(held: PooledBuffer): void {
    if (this.dropped) return;
    this.bytesInUse -= held.bytes;
    const list = this.idle.get(held.bytes) ?? [];
    this.idle.set(held.bytes, list);
    list.push(held);
    this.idleBytes += held.bytes;
  }

  /** Gives idle buffers back; true if it did. Only between batches: recorded commands must not name a destroyed buffer. */
  trim(): boolean {
    if (this.idleBytes <= Math.max(ALWAYS_KEPT, this.bytesInUse * KEPT)) return false;
    for (const list of this.idle.values()) for (const held of list) held.buffer.destroy();
    this.idle.clear();
    this.idleBytes = 0;
    return true;
  }

  /** The device is gone, and with it every buffer: nothing is held any more, and what comes back is not kept. */
  drop(): void {
    this.dropped = true;
    this.idle.clear();
    this.idleBytes = 0;
    this.bytesInUse = 0;
  }

  private create(name: string, size: number): PooledBuffer {
    this.device.pushErrorScope('out-of-memory');
    const buffer = this.device.createBuffer({
      label: name,
      size,
      usage: GPU_STORAGE | GPU_COPY_SRC | GPU_COPY_DST,
    });
    this.device.popErrorScope().then(
      (error) => error && this.onFailure(outOfMemory(name, size)),
      () => undefined, // the device is lost, which is told elsewhere
    );
    return { buffer, bytes: size, id: this.nextId++, lastBatch: -1 };
  }
}

// The numbers of GPUBufferUsage and GPUMapMode, which are globals in browsers but not in Node.
export const GPU_MAP_READ = 0x0001;
export const GPU_COPY_SRC = 0x0004;
export const GPU_COPY_DST = 0x0008;
export const GPU_UNIFORM = 0x0040;
export const GPU_STORAGE = 0x0080;
export const GPU_QUERY_RESOLVE = 0x0200;
export const GPU_MAP_MODE_READ = 0x0001;
export const GPU_SHADER_COMPUTE = 0x4;
