import { argmax } from '../kernels/argmax/operation.ts';
import { Scope } from '../kernels/scope.ts';
import { decode } from './decoder.ts';
import { head } from './loss.ts';
import type { Lora } from './lora.ts';
import type { Model } from './model.ts';

/** Bytes of logits at once. */
const LOGIT_BYTES = 64 * 2 ** 20;

/**
 * What greedy generation would choose at each place of an answer, given the answer's own tokens before it: one pass
 * over prompt and answer (teacher forcing). The choices equal those of `generate` token by token, bit for bit.
 */
export async function greedyChoices(model: Model, lora: Lora | undefined, prompt: readonly number[], answer: readonly number[]): Promise<number[]> {
  const { backend, config } = model;
  if (!answer.length) return [];
  // The last token predicts nothing that is asked for.
  const ids = [...prompt, ...answer].slice(0, -1);
  const scope = new Scope(backend);
  try {
    const index = (name: string, value: (i: number) => number) => scope.upload(name, [ids.length], Uint32Array.from(ids, (_, i) => value(i)));
    const low = (i: number) => (config.window === undefined ? 0 : Math.max(0, i - config.window + 1));
    const { hidden } = decode(scope, model, lora, {
      ids: index('ids', (i) => ids[i]!), positions: index('positions', (i) => i), lo: index('lo', low), hi: index('hi', (i) => i + 1),
      width: Math.min(ids.length, config.window ?? Infinity),
    });
    const choices: number[] = [];
    const atOnce = Math.max(1, Math.floor(Math.min(LOGIT_BYTES, backend.maxBinding) / (4 * config.vocab)));
    for (let from = 0; from < answer.length; from += atOnce) {
      const part = new Scope(backend);
      try {
        const count = Math.min(atOnce, answer.length - from);
        const rows = part.upload('rows', [count], Uint32Array.from({ length: count }, (_, i) => prompt.length - 1 + from + i));
        const { logits } = head(part, model, hidden, rows);
        choices.push(...(await backend.read(part.one(argmax, 'choices', [logits]))));
      } finally {
        part.release();
      }
    }
    return choices;
  } finally {
    scope.release();
  }
}
