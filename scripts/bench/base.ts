import { type ModelConfig, parseConfig } from '../../src/model/config.ts';
import { type LoraConfig, parseLoraConfig } from '../../src/model/lora-config.ts';
import { type Tensors, parseSafetensors } from '../../src/model/safetensors.ts';

/** The shipped base and its adapter `exploits`, read once and given to every contender alike. */
export interface Base {
  config: ModelConfig;
  tensors: Tensors;
  adapter: { config: LoraConfig; tensors: Tensors };
}

/** Bytes of a file by its path in public/. */
export type ReadPublic = (path: string) => Promise<Uint8Array>;

/** Room for a prompt of 256 tokens and an answer, which the shipped base's own context is one short of. */
export const CONTEXT = 512;

export async function readBase(read: ReadPublic): Promise<Base> {
  const json = async (path: string) => JSON.parse(new TextDecoder().decode(await read(path))) as Record<string, unknown>;
  return {
    config: parseConfig({ ...(await json('base/config.json')), max_position_embeddings: CONTEXT }),
    tensors: parseSafetensors(await read('base/model.safetensors')),
    adapter: {
      config: parseLoraConfig(await json('adapters/exploits/adapter_config.json')),
      tensors: parseSafetensors(await read('adapters/exploits/adapter_model.safetensors')),
    },
  };
}

/** Adapters of the same shapes that answer differently: the given one with its B scaled. */
export function variants({ config, tensors }: Base['adapter'], count: number): Base['adapter'][] {
  return Array.from({ length: count }, (_, i) => ({
    config,
    tensors: new Map([...tensors].map(([name, { shape, values }]) => [name, { shape, values: name.includes('lora_B') ? values.map((value) => value * (1 - i / 16)) : values }])),
  }));
}
