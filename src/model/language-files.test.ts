import { describe, expect, it } from 'vitest';
import { chatModelTokenizer, sentencePieceTokenizer } from '../../tests/families/tokenizers.ts';
import { memoryFolder } from '../protocol/model-folder.ts';
import { parseConfig } from './config.ts';
import { readLanguage } from './language-files.ts';

const config = parseConfig({ model_type: 'qwen2', hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1, vocab_size: 300, eos_token_id: 261 });
const folder = (files: Record<string, unknown>) =>
  memoryFolder('a model', Object.fromEntries(Object.entries(files).map(([name, content]) => [name, new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content))])));
const chat = chatModelTokenizer();
const plain = sentencePieceTokenizer();

describe('the files of a model’s language', () => {
  it('are read where they are', async () => {
    const { tokenizer, prompts, generation } = await readLanguage(
      folder({
        'tokenizer.json': chat.json, 'tokenizer_config.json': { ...chat.config, chat_template: undefined },
        'chat_template.jinja': '{% for m in messages %}{{ m.role }}: {{ m.content }}<|im_end|>{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}',
        'generation_config.json': { eos_token_id: [263, 261], do_sample: true, temperature: 0.6 },
      }),
      config,
    );
    expect(prompts.kind).toBe('chat');
    expect(tokenizer.decode(prompts.question('Hi'))).toBe('user: Hiassistant:');
    // The template's end of turn first, then those of both configs.
    expect(prompts.stop).toEqual([chat.size - 3, 261, 263]);
    expect(generation.sampling).toEqual({ temperature: 0.6 });
  });

  it('may be few', async () => {
    const { tokenizer, prompts, generation } = await readLanguage(folder({ 'tokenizer.json': plain.json, 'special_tokens_map.json': { eos_token: '</s>' } }), config);
    expect(prompts.kind).toBe('plain');
    expect(prompts.stop).toEqual([261, 2]);
    expect(tokenizer.special).toMatchObject({ bos: undefined, eos: 2 });
    expect(generation).toEqual({ eos: [], sampling: undefined });
  });

  it.each([
    ['no tokenizer', {}, 'folder/no-such-file'],
    ['a damaged config', { 'tokenizer.json': chat.json, 'tokenizer_config.json': '{' }, 'folder/not-json'],
    ['a template that is none', { 'tokenizer.json': chat.json, 'tokenizer_config.json': chat.config, 'chat_template.jinja': '{% if %}' }, 'template/unreadable'],
    ['a template of a megabyte', { 'tokenizer.json': chat.json, 'tokenizer_config.json': chat.config, 'chat_template.jinja': 'x'.repeat(2 ** 20) }, 'folder/file-too-large'],
  ])('with %s say so', async (_, files, code) => {
    await expect(readLanguage(folder(files), config)).rejects.toMatchObject({ code });
  });
});
