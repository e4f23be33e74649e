import { type ModelFolder, readJsonFile, readSmallFile } from '../protocol/model-folder.ts';
import { MAX_TEMPLATE } from './chat-template.ts';
import type { ModelConfig } from './config.ts';
import { type GenerationDefaults, parseGenerationConfig } from './generation-config.ts';
import { type PromptFormat, promptFormat } from './prompt-format.ts';
import { Tokenizer } from './tokenizer.ts';

/** How a model reads and writes: its tokenizer, how it is asked, what its publisher suggests. */
export interface Language {
  tokenizer: Tokenizer;
  prompts: PromptFormat;
  generation: GenerationDefaults;
}

/**
 * Reads tokenizer.json and, where the folder has them, tokenizer_config.json, special_tokens_map.json,
 * chat_template.jinja and generation_config.json. Throws `folder/…`, `tokenizer/…`, `template/…`.
 */
export async function readLanguage(folder: ModelFolder, config: ModelConfig, signal?: AbortSignal): Promise<Language> {
  const names = new Set((await folder.list(signal)).map(({ name }) => name));
  const optional = (name: string) => (names.has(name) ? readJsonFile(folder, name, signal) : undefined);
  const template = names.has('chat_template.jinja') ? new TextDecoder().decode(await readSmallFile(folder, 'chat_template.jinja', signal, 4 * MAX_TEMPLATE)) : undefined;
  const tokenizer = Tokenizer.fromJson(await readJsonFile(folder, 'tokenizer.json', signal), (await optional('tokenizer_config.json')) ?? {}, {
    specialTokensMap: await optional('special_tokens_map.json'),
    chatTemplate: template,
  });
  const generation = parseGenerationConfig(await optional('generation_config.json'), config);
  return { tokenizer, generation, prompts: await promptFormat(tokenizer, { eos: [...config.eos, ...generation.eos] }) };
}
