import { describe, expect, it } from 'vitest';
import { type ChatMessage, readChatTemplate } from './chat-template.ts';

const CHATML = `{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant") %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
`;
const LLAMA3 = `{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}`;
const MISTRAL = `{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}`;
const DEEPSEEK = `{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, system_prompt='') %}{%- for message in messages %}{%- if message['role'] == 'system' %}{% set ns.system_prompt = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system_prompt}}{%- for message in messages %}{%- if message['role'] == 'user' %}{{'<｜User｜>' + message['content']}}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is not none %}{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>'}}{%- endif %}{%- endfor %}{% if add_generation_prompt %}{{'<｜Assistant｜>'}}{% endif %}`;

const user = (content: string): ChatMessage => ({ role: 'user', content });
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });
const values = (messages: ChatMessage[], addGenerationPrompt = true) => ({ messages, addGenerationPrompt, bosToken: '<s>', eosToken: '</s>' });
const render = async (source: string, messages: ChatMessage[], addGenerationPrompt = true) => (await readChatTemplate(source)).render(values(messages, addGenerationPrompt));

describe('chat templates', () => {
  // The right sides are what transformers' apply_chat_template writes for these templates.
  it.each([
    ['ChatML', CHATML, [user('Hi ')], '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nHi <|im_end|>\n<|im_start|>assistant\n'],
    ['ChatML with a system', CHATML, [{ role: 'system' as const, content: 'Be brief.' }, user('Hi')], '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n'],
    ['LLaMA 3', LLAMA3, [user(' Hi ')], '<s><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n'],
    ['Mistral', MISTRAL, [user('Hi'), assistant('Yes?'), user('Go')], '<s>[INST] Hi [/INST]Yes?</s>[INST] Go [/INST]'],
    ['DeepSeek R1', DEEPSEEK, [user('Hi'), assistant('<think>hm</think>Yes?'), user('Go')], '<s><｜User｜>Hi<｜Assistant｜>Yes?<｜end▁of▁sentence｜><｜User｜>Go<｜Assistant｜>'],
  ])('%s', async (_, source, messages, text) => expect(await render(source, messages)).toBe(text));

  it('has loop variables, tojson, slices, macros and a day that stays', async () => {
    expect(await render(`{% for m in messages %}{{ loop.index }}{{ m | tojson(indent=2) if loop.last }}{% endfor %}`, [user('"é"')])).toBe('1{\n  "role": "user",\n  "content": "\\"é\\""\n}');
    expect(await render(`{% macro x(a) %}[{{ a }}]{% endmacro %}{{ x(messages[1:][0].content) }}{{ range(3) | list if false }}`, [user('a'), user('b')])).toBe('[b]');
    expect(await render(`{{ strftime_now("%d %b %Y") }}`, [])).toBe('26 Jul 2024');
  });

  it('reports what the template refuses, and what it cannot do', async () => {
    await expect(render(MISTRAL, [assistant('Hi')])).rejects.toMatchObject({ code: 'template/refused', why: expect.stringContaining('must alternate') });
    await expect(render('{{ messages.nothing.more() }}', [])).rejects.toMatchObject({ code: 'template/failed' });
    await expect(render('{% for %}', [])).rejects.toMatchObject({ code: 'template/unreadable' });
    await expect(render('x'.repeat(200_000), [])).rejects.toMatchObject({ code: 'template/too-long' });
  });

  it.each([
    ['nested loops', '{% for a in range(9000) %}{% for b in range(9000) %}{% for c in range(9000) %}x{% endfor %}{% endfor %}{% endfor %}'],
    ['empty nested loops', '{% for a in range(9000) %}{% for b in range(9000) %}{% endfor %}{% endfor %}'],
    ['a long range', '{% for a in range(1000000000) %}{% endfor %}'],
    ['text that doubles', `{% set ns = namespace(t='aaaaaaaa') %}{% for a in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ ns.t }}`],
    ['text that replaces itself', `{% set ns = namespace(t='aaaaaaaaaaaaaaaa') %}{% for a in range(60) %}{% set ns.t = ns.t.replace('a', ns.t) %}{% endfor %}`],
    ['lists of lists', `{% set ns = namespace(t=['a']) %}{% for a in range(60) %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.t | tojson }}`],
    ['lists that double', `{% set ns = namespace(t=['a']) %}{% for a in range(60) %}{% set ns.t = ns.t + ns.t %}{% endfor %}{{ ns.t | join('-') }}`],
    ['itself', `{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}`],
    ['a macro without end', `{% macro x() %}{{ x() }}{% endmacro %}{{ x() }}`],
    ['two macros in each', `{% macro x(n) %}{% if n > 0 %}{{ x(n - 1) }}{{ x(n - 1) }}{% endif %}{% endmacro %}{{ x(40) }}`],
    ['a wide indent', `{{ 'a\nb\nc' | indent(500000000) }}`],
    ['a wide indent by name', `{{ messages | tojson(indent=100000000) }}`],
    ['a computed indent', `{% set w = 9999999 %}{{ 'a\nb' | indent(w) }}`],
    ['a great power', '{{ 9 ** 9 ** 9 }}'],
    ['deep brackets', `{{ ${'('.repeat(50_000)}1${')'.repeat(50_000)} }}`],
    ['many brackets', '{{'.repeat(60_000)],
  ])('a template with %s ends with an error in under a second', async (_, source) => {
    const began = performance.now();
    await expect(render(source, [user('Hi')])).rejects.toMatchObject({ code: expect.stringMatching(/^template\/(too-much|failed|unreadable)$/) });
    expect(performance.now() - began).toBeLessThan(1000);
  });

  it.each(['{{ messages.constructor }}', '{{ messages.__proto__ }}', "{{ 'a'.constructor('return 1')() }}", '{{ messages[0].constructor.constructor }}', '{{ raise_exception.constructor }}'])('%s reaches nothing of JavaScript', async (source) => {
    const text = await render(source, [user('Hi')]).catch((error: { code: string }) => error.code);
    expect(['', 'template/failed']).toContain(text);
  });
});
