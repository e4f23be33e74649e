import { OpenLedgerError } from '../errors.ts';
import type { Tensor } from '../kernels/backend.ts';
import { copyRows, joinTurns } from '../kernels/decode/tables.ts';
import type { Model } from './model.ts';

/** Rows that a cache has at first beyond what is asked for, and by which it grows at least. */
const STEP = 256;

/**
 * Rotated keys and values of several sequences, of every layer: k and v are [sequences · capacity, G·E], sequence s has
 * the rows from s · capacity on. Grows by copying on the device, so a long context takes memory only once it is there.
 */
export class KvCache {
  readonly sequences: number;
  /** Rows of each sequence. */
  capacity: number;
  layers: { k: Tensor; v: Tensor }[];
  /** Cosines and sines of the positions below `capacity`, side by side [capacity, E]. */
  turns: Tensor;
  private readonly model: Model;
  /** Rows that were asked for, of each sequence. */
  private readonly used: number[];

  /** Throws `model/context-too-large` where the device cannot hold one layer's rows in a tensor. */
  constructor(model: Model, sequences: number, rows: number) {
    this.model = model;
    this.sequences = sequences;
    this.capacity = this.fitting(rows);
    this.used = Array.from({ length: sequences }, () => 0);
    this.layers = this.tensors();
    this.turns = this.joined();
  }

  base(sequence: number): number {
    return sequence * this.capacity;
  }

  /** Makes room for `rows` rows of a sequence, at once or by growing; rows of other sequences stay what they are. */
  reserve(sequence: number, rows: number): void {
    if (rows > this.capacity) this.grow(rows);
    this.used[sequence] = Math.max(this.used[sequence]!, rows);
  }

  /** The sequence's rows are of no more use. */
  clear(sequence: number): void {
    this.used[sequence] = 0;
  }

  free(): void {
    for (const { k, v } of this.layers) this.release(k, v);
    this.release(this.turns);
  }

  private grow(rows: number): void {
    const { backend } = this.model;
    const before = this.capacity;
    const old = this.layers;
    this.capacity = this.fitting(Math.max(rows, 2 * before));
    this.layers = [];
    // One layer after the other: at no time are there two whole caches.
    for (const [layer, { k, v }] of old.entries()) {
      const moved = this.layer(layer);
      this.used.forEach((count, sequence) => {
        if (!count) return;
        const params = { from: sequence * before, at: sequence * this.capacity, rows: count };
        backend.run(copyRows, `layers.${layer}.cache.k`, [moved.k, k], params);
        backend.run(copyRows, `layers.${layer}.cache.v`, [moved.v, v], params);
      });
      this.release(k, v);
      this.layers.push(moved);
    }
    this.release(this.turns);
    this.turns = this.joined();
  }

  private fitting(rows: number): number {
    const { backend, config, positions } = this.model;
    const most = Math.min(positions, Math.floor(backend.maxBinding / (4 * this.sequences * config.groups * config.headDim)));
    if (rows > positions) throw new RangeError(`${rows} rows for ${positions} positions`);
    if (rows <= most) return Math.min(most, Math.ceil(rows / STEP) * STEP);
    throw new OpenLedgerError({
      code: 'model/context-too-large',
      what: 'The conversation is too long for this graphics processor.',
      why: `${rows} tokens are needed for each of ${this.sequences}; it takes ${most}.`,
      next: 'Shorten the question, ask fewer at once, or choose the CPU.',
    });
  }

  private tensors(): { k: Tensor; v: Tensor }[] {
    return Array.from({ length: this.model.config.layers }, (_, layer) => this.layer(layer));
  }

  private layer(layer: number): { k: Tensor; v: Tensor } {
    const { backend, config } = this.model;
    const shape = [this.sequences * this.capacity, config.groups * config.headDim];
    return { k: backend.create(`layers.${layer}.cache.k`, shape, 'f32'), v: backend.create(`layers.${layer}.cache.v`, shape, 'f32') };
  }

  private joined(): Tensor {
    const { backend, cos, sin } = this.model;
    return backend.run(joinTurns, 'rope.turns', [cos, sin], { rows: this.capacity })[0]!;
  }

  private release(...tensors: Tensor[]): void {
    for (const tensor of tensors) this.model.backend.free(tensor);
  }
}
