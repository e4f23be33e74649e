import { expect, it } from 'vitest';
import { parseGenerationConfig } from './generation-config.ts';

const config = { vocab: 1000 };

it('reads what publishers write', () => {
  const qwen = { eos_token_id: [645, 643], do_sample: true, temperature: 0.7, top_p: 0.8, top_k: 20, repetition_penalty: 1.05, pad_token_id: 643 };
  expect(parseGenerationConfig(qwen, config)).toEqual({ eos: [645, 643], sampling: { temperature: 0.7, topP: 0.8, topK: 20, repetitionPenalty: 1.05 } });
  expect(parseGenerationConfig({ eos_token_id: 2, temperature: 0.6 }, config)).toEqual({ eos: [2], sampling: undefined });
});

it('leaves out what cannot be used', () => {
  for (const json of [undefined, null, [], 'x', {}, { do_sample: true }]) expect(parseGenerationConfig(json, config)).toEqual({ eos: [], sampling: undefined });
  expect(parseGenerationConfig({ eos_token_id: [-1, 1000, 'a', 1.5, 3], do_sample: true, temperature: -1, top_k: 2.5, top_p: 7, repetition_penalty: '2' }, config)).toEqual({ eos: [3], sampling: undefined });
});
