import { type ModelConfig, parseConfig } from '../../../src/model/config.ts';
import { type LoraConfig, parseLoraConfig } from '../../../src/model/lora-config.ts';
import { type Tensors, parseSafetensors } from '../../../src/model/safetensors.ts';

/** The shipped base and an adapter, read once and given to every contender alike. */
export interface Base {
  config: ModelConfig;
  tensors: Tensors;
  adapter: { config: LoraConfig; tensors: Tensors };
}

const bytes = async (path: string) => {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};
const json = async (path: string) => JSON.parse(new TextDecoder().decode(await bytes(path))) as Record<string, unknown>;

/** Room for a prompt of 256 tokens and an answer, which the shipped base's own context is one short of. */
export const CONTEXT = 512;

export async function readBase(): Promise<Base> {
  return {
    config: parseConfig({ ...(await json('/public/base/config.json')), max_position_embeddings: CONTEXT }),
    tensors: parseSafetensors(await bytes('/public/base/model.safetensors')),
    adapter: {
      config: parseLoraConfig(await json('/public/adapters/exploits/adapter_config.json')),
      tensors: parseSafetensors(await bytes('/public/adapters/exploits/adapter_model.safetensors')),
    },
  };
}
