import type { Backend } from '../../../src/kernels/backend.ts';
import { AdapterPool, type HostAdapter } from '../../../src/model/adapter-pool.ts';
import { loraConfigJson, parseLoraConfig } from '../../../src/model/lora-config.ts';
import { initialLora } from '../../../src/model/train.ts';
import { downloadLora, freeLora } from '../../../src/model/lora.ts';
import { freeModel, uploadModel } from '../../../src/model/model.ts';
import { parseSafetensors, writeSafetensors } from '../../../src/model/safetensors.ts';
import type { Base } from '../base.ts';
import { median } from '../timing.ts';

/** The rank at which an adapter of the shipped base's seven targets has 10 MB. */
const RANK = 208;
/** Behind one sample: a browser's clock ticks in tenths of milliseconds. */
const SWITCHES = 1000;

export interface AdapterSwitch {
  /** Milliseconds from asking for an adapter that is on the device to knowing its slot. */
  resident: number;
  /** Milliseconds to read the file, and from its bytes to factors on the device. */
  read: number;
  load: number;
  bytes: number;
}

/**
 * Switching between adapters of 10 MB. `store` keeps the file's bytes and returns how to read them again, from the
 * browser's private file system or a disk.
 */
export async function measureAdapterSwitch(
  backend: Backend, { config, tensors }: Base, store: (bytes: Uint8Array) => Promise<() => Promise<Uint8Array>>, rounds: number,
): Promise<AdapterSwitch> {
  const model = uploadModel(backend, config, tensors);
  const loraConfig = parseLoraConfig(loraConfigJson({ rank: RANK, alpha: 2 * RANK, rslora: false, targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] }, 'bench'));
  const made = initialLora(backend, config, loraConfig, 7);
  const file = writeSafetensors(await downloadLora(backend, made), 'F32');
  freeLora(backend, made);
  const read = await store(file);
  const pool = new AdapterPool(model, { slots: 2, rank: RANK });
  /** Comes after everything that was written. */
  const arrive = async () => void (await backend.read(pool.layers[pool.layers.length - 1]!));
  const times = { resident: [] as number[], read: [] as number[], load: [] as number[], wait: [] as number[] };
  try {
    for (let round = 0; round <= rounds; round++) {
      let began = performance.now();
      const bytes = await read();
      const reading = performance.now() - began;
      const host = (): HostAdapter => ({ config: loraConfig, tensors: parseSafetensors(bytes) });
      pool.evict('other');
      await arrive();
      began = performance.now();
      await pool.acquire('other', host);
      await arrive();
      const loading = performance.now() - began;
      began = performance.now();
      await arrive();
      const wait = performance.now() - began;
      pool.release('other');
      began = performance.now();
      for (let i = 0; i < SWITCHES; i++) {
        await pool.acquire('other', host);
        pool.release('other');
      }
      const resident = (performance.now() - began) / SWITCHES;
      // The first round allocates.
      if (round) for (const [name, value] of Object.entries({ read: reading, load: loading, wait, resident })) times[name as keyof typeof times].push(value);
    }
    return { resident: median(times.resident), read: median(times.read), load: Math.max(0, median(times.load) - median(times.wait)), bytes: file.length };
  } finally {
    pool.free();
    freeModel(model);
  }
}
