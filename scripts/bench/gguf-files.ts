import { readBase } from './base.ts';
import { llamaGguf, loraGguf } from './llama-gguf.ts';
import { readPublic } from './machine.ts';
import { Prompts } from './prompts.ts';

/** The shipped base and adapter for llama.cpp, by the paths at which the bench page asks for them. */
export async function ggufFiles(): Promise<Map<string, Uint8Array>> {
  const { config, tensors, adapter } = await readBase(readPublic);
  const prompts = new Prompts();
  return new Map([
    ['/gguf/base.gguf', llamaGguf(config, tensors, prompts.file, { bos: prompts.id('<s>'), eos: prompts.end })],
    ['/gguf/adapter.gguf', loraGguf(config, adapter.config, adapter.tensors)],
  ]);
}
