import { OpenLedgerError } from '../errors.ts';
import type { Tensor } from '../kernels/backend.ts';
import { placeFactors } from '../kernels/decode/tables.ts';
import type { ModelConfig } from './config.ts';
import { type Lora, type LoraConfig, TARGETS, type Target, fittedFactors, linearShape, moduleOf } from './lora.ts';
import type { Model } from './model.ts';
import type { Tensors } from './safetensors.ts';

/** Where one linear layer's factors lie in a slot, turned: Aᵀ[in, rank] at `a`, Bᵀ[rank, out] at `b`, the scale at `scale`. */
export interface FactorPlace {
  a: number;
  b: number;
  scale: number;
}

/** A slot of one layer: the factors of all seven linear layers, then their scales in the order of TARGETS. */
export interface SlotLayout {
  values: number;
  places: Readonly<Record<Target, FactorPlace>>;
}

export function slotLayout(config: ModelConfig, rank: number): SlotLayout {
  let at = 0;
  const places = {} as Record<Target, FactorPlace>;
  for (const target of TARGETS) {
    const [out, input] = linearShape(config, target);
    places[target] = { a: at, b: at + rank * input, scale: 0 };
    at += rank * (input + out);
  }
  TARGETS.forEach((target, i) => (places[target].scale = at + i));
  return { values: at + TARGETS.length, places };
}

/** A PEFT adapter as it is read: what `parseLoraConfig` and safetensors give. */
export interface HostAdapter {
  config: LoraConfig;
  tensors: Tensors;
}

interface Resident {
  slot: number;
  /** Requests that use it now; it stays as long as there are any. */
  users: number;
  lastUse: number;
}

export const linearName = (layer: number, target: Target): string => `layers.${layer}.${moduleOf(target)}.${target}`;

function poolError(code: string, what: string, why: string, next: string): OpenLedgerError {
  return new OpenLedgerError({ code, what, why, next });
}

/**
 * Low-rank adapters side by side on the backend, each in a slot, so that every row of a batch can use its own (as in
 * S-LoRA and Punica); switching is one integer. Ranks are padded with zeros up to the pool's, which changes no bit.
 * One tensor for each layer: [slots, values of a slot]. The base's weights are never touched.
 */
export class AdapterPool {
  readonly slots: number;
  readonly rank: number;
  readonly layout: SlotLayout;
  /** Factors of each layer. */
  readonly layers: readonly Tensor[];
  private readonly model: Model;
  private readonly residents = new Map<string, Resident>();
  private readonly arriving = new Map<string, Promise<number>>();
  private readonly written = new Set<number>();
  private clock = 0;

  /** Throws `adapter/pool-too-large` where a layer's slots pass what the device lets one tensor have. */
  constructor(model: Model, { slots, rank }: { slots: number; rank: number }) {
    this.model = model;
    this.slots = slots;
    this.rank = rank;
    this.layout = slotLayout(model.config, rank);
    const bytes = 4 * slots * this.layout.values;
    if (bytes > model.backend.maxBinding) {
      const fitting = Math.floor(model.backend.maxBinding / (4 * this.layout.values));
      throw poolError(
        'adapter/pool-too-large',
        `There is no room for ${slots} adapters of rank ${rank} side by side.`,
        `This device takes ${fitting} for this model.`,
        fitting ? `Keep ${fitting} at most, or choose the CPU.` : 'Use adapters of a smaller rank, or choose the CPU.',
      );
    }
    this.layers = Array.from({ length: model.config.layers }, (_, layer) => model.backend.create(`layers.${layer}.adapters`, [slots, this.layout.values], 'f32'));
  }

  get bytes(): number {
    return 4 * this.slots * this.layout.values * this.layers.length;
  }

  /**
   * Puts an adapter into a slot, over what was there. Throws `adapter/rank-too-large` and what `fittedFactors` throws; the
   * slot is untouched then.
   */
  load(slot: number, { config, tensors }: HostAdapter): void {
    this.expectSlot(slot);
    const factors = fittedFactors(this.model.config, config, tensors);
    for (const { name, rank } of factors) this.expectRank(name, rank);
    const { values, places } = this.layout;
    const byName = new Map(factors.map((one) => [one.name, one]));
    this.layers.forEach((tensor, layer) => {
      const block = new Float32Array(values);
      for (const target of TARGETS) {
        const found = byName.get(linearName(layer, target));
        if (!found) continue;
        const { rank, scale, a, b } = found;
        const place = places[target];
        const input = a.values.length / rank;
        const out = b.values.length / rank;
        for (let r = 0; r < rank; r++) {
          for (let t = 0; t < input; t++) block[place.a + t * this.rank + r] = a.values[r * input + t]!;
          for (let j = 0; j < out; j++) block[place.b + r * out + j] = b.values[j * rank + r]!;
        }
        block[place.scale] = scale;
      }
      this.model.backend.write(tensor, slot * values, block);
    });
    this.written.add(slot);
  }

  /** Puts factors that are on the backend already into a slot: nothing passes the host. Throws `adapter/rank-too-large`. */
  place(slot: number, lora: Lora): void {
    this.expectSlot(slot);
    for (const [name, { rank }] of lora.pairs) this.expectRank(name, rank);
    const { backend, config } = this.model;
    const { values, places } = this.layout;
    for (let layer = 0; layer < config.layers; layer++) {
      if (this.written.has(slot)) backend.write(this.layers[layer]!, slot * values, new Float32Array(values));
      for (const target of TARGETS) {
        const name = linearName(layer, target);
        const pair = lora.pairs.get(name);
        if (!pair) continue;
        const { a, b, scale } = places[target];
        backend.run(placeFactors, `${name}.slot`, [this.layers[layer]!, pair.a, pair.b], { slot, rank: this.rank, a, b, scaleAt: scale, scale: pair.scale });
      }
    }
    this.written.add(slot);
  }

  /** The slot of an adapter that is here, to look at; `acquire` to use it. */
  slotOf(key: string): number | undefined {
    return this.residents.get(key)?.slot;
  }

  /**
   * The slot of an adapter by its key (its root, say), read and loaded where it is not here, in the place of the one
   * that was used least recently. It stays until `release`. Throws `adapter/pool-full` where every slot is in use, and
   * whatever reading and `load` throw.
   */
  async acquire(key: string, read: () => HostAdapter | Promise<HostAdapter>): Promise<number> {
    for (let arriving = this.arriving.get(key); arriving; arriving = this.arriving.get(key)) await arriving.catch(() => undefined);
    const here = this.residents.get(key);
    if (here) return this.use(here);
    const arrival = this.admit(key, read).finally(() => this.arriving.delete(key));
    this.arriving.set(key, arrival);
    return arrival;
  }

  /** One user less. */
  release(key: string): void {
    const resident = this.residents.get(key);
    if (resident && resident.users > 0) resident.users--;
  }

  /** Forgets an adapter that nobody uses; its slot is free. Returns whether it did. */
  evict(key: string): boolean {
    const resident = this.residents.get(key);
    if (!resident || resident.users > 0) return false;
    return this.residents.delete(key);
  }

  free(): void {
    for (const tensor of this.layers) this.model.backend.free(tensor);
    this.residents.clear();
  }

  private use(resident: Resident): number {
    resident.users++;
    resident.lastUse = ++this.clock;
    return resident.slot;
  }

  private async admit(key: string, read: () => HostAdapter | Promise<HostAdapter>): Promise<number> {
    const adapter = await read();
    const slot = this.freeSlot();
    const resident = { slot, users: 0, lastUse: 0 };
    this.residents.set(key, resident);
    try {
      this.load(slot, adapter);
    } catch (error) {
      this.residents.delete(key);
      throw error;
    }
    return this.use(resident);
  }

  private freeSlot(): number {
    const taken = new Set([...this.residents.values()].map(({ slot }) => slot));
    for (let slot = 0; slot < this.slots; slot++) if (!taken.has(slot)) return slot;
    const idle = [...this.residents].filter(([, { users }]) => users === 0).sort(([, a], [, b]) => a.lastUse - b.lastUse)[0];
    if (!idle) {
      throw poolError('adapter/pool-full', 'No further adapter can be used now.', `All ${this.slots} places are in use.`, 'Wait until an answer is finished.');
    }
    this.residents.delete(idle[0]);
    return idle[1].slot;
  }

  private expectSlot(slot: number): void {
    if (!(Number.isInteger(slot) && slot >= 0 && slot < this.slots)) throw new RangeError(`slot ${slot} of ${this.slots}`);
  }

  private expectRank(name: string, rank: number): void {
    if (rank <= this.rank) return;
    throw poolError(
      'adapter/rank-too-large',
      'This adapter does not fit beside the others.',
      `${name} has rank ${rank}; places are made for ranks up to ${this.rank}.`,
      'Give the pool a greater rank.',
    );
  }
}
