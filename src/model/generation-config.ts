import type { ModelConfig } from './config.ts';
import type { Sampling } from './sampling.ts';

/** What the model's publisher suggests in generation_config.json. */
export interface GenerationDefaults {
  /** Ids that end an answer, besides the config's own. */
  eos: number[];
  /** What it says of sampling, as far as it can be used; undefined where it suggests greedy answers or nothing. */
  sampling: Partial<Sampling> | undefined;
}

/**
 * Suggestions only, so nothing is refused: what is missing, of the wrong type or out of bounds is left out.
 * `do_sample` is false unless the file says otherwise, as in transformers.
 */
export function parseGenerationConfig(json: unknown, config: Pick<ModelConfig, 'vocab'>): GenerationDefaults {
  const raw = (typeof json === 'object' && json !== null && !Array.isArray(json) ? json : {}) as Record<string, unknown>;
  const isId = (id: unknown): id is number => typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 && id < config.vocab;
  const eos = (Array.isArray(raw.eos_token_id) ? raw.eos_token_id.slice(0, 64) : [raw.eos_token_id]).filter(isId);
  const number = (field: string, least: number, most: number): number | undefined => {
    const value = raw[field];
    return typeof value === 'number' && value >= least && value <= most ? value : undefined;
  };
  if (raw.do_sample !== true) return { eos, sampling: undefined };
  const topK = number('top_k', 0, 2 ** 24);
  const found: Partial<Sampling> = {
    temperature: number('temperature', 0.01, 10),
    topK: Number.isInteger(topK) ? topK : undefined,
    topP: number('top_p', 0.001, 1),
    repetitionPenalty: number('repetition_penalty', 0.1, 10),
  };
  const said = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as Partial<Sampling>;
  return { eos, sampling: Object.keys(said).length ? said : undefined };
}
