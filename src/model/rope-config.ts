import { badConfig, unsupportedConfig } from './config-error.ts';

/** How a model's rotary frequencies were stretched when its context was made longer. `original` is the context before. */
export type RopeScaling =
  | { type: 'linear'; factor: number }
  | { type: 'llama3'; factor: number; lowFrequency: number; highFrequency: number; original: number }
  | {
      type: 'yarn';
      factor: number;
      original: number;
      betaFast: number;
      betaSlow: number;
      /** Whether the bounds of the ramp are rounded to whole dimensions. */
      truncate: boolean;
      /** What the tables are multiplied with, where the config says it; else `mscale` and `mscaleAll`, else the factor decides. */
      attentionFactor: number | undefined;
      mscale: number | undefined;
      mscaleAll: number | undefined;
    };

/**
 * Reads `rope_theta` and `rope_scaling`, or `rope_parameters`, which took their place in transformers 5. Throws
 * `model/unsupported-config` naming the kind of scaling, `model/bad-config` for impossible values.
 */
export function parseRope(raw: Record<string, unknown>, context: number): { ropeTheta: number; ropeScaling: RopeScaling | undefined } {
  const field = raw.rope_parameters != null ? 'rope_parameters' : 'rope_scaling';
  const given = raw[field] ?? {};
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw badConfig(field, 'is not an object');
  const values = given as Record<string, unknown>;

  const ropeTheta = values.rope_theta ?? raw.rope_theta ?? 10000;
  if (typeof ropeTheta !== 'number' || !(ropeTheta > 1 && ropeTheta < 1e12)) throw badConfig('rope_theta', `is ${String(JSON.stringify(ropeTheta)).slice(0, 80)}`);
  if ((values.partial_rotary_factor ?? 1) !== 1) throw unsupportedConfig(`${field}.partial_rotary_factor`, values.partial_rotary_factor, 'rotary positions over the whole head');

  const optional = (name: string, least: number, most: number): number | undefined => {
    const value = values[name];
    if (value == null) return undefined;
    if (typeof value !== 'number' || !(value >= least && value <= most)) throw badConfig(`${field}.${name}`, `is ${String(JSON.stringify(value)).slice(0, 80)}, not a number from ${least} to ${most}`);
    return value;
  };
  const needed = (name: string, least: number, most: number): number => {
    const value = optional(name, least, most);
    if (value === undefined) throw badConfig(`${field}.${name}`, 'is missing');
    return value;
  };

  const typeField = values.rope_type != null ? 'rope_type' : 'type';
  const type: unknown = values[typeField] ?? 'default';
  switch (type) {
    case 'default':
      // Per-layer tables of transformers 5, and scaling whose kind is not said.
      for (const [name, value] of Object.entries(values)) {
        if (name === 'factor' || (typeof value === 'object' && value !== null)) throw unsupportedConfig(`${field}.${name}`, value, 'one named kind of scaling for all layers');
      }
      return { ropeTheta, ropeScaling: undefined };
    case 'dynamic':
      // It stretches only beyond max_position_embeddings, where this engine does not go.
      needed('factor', 1, 1e6);
      return { ropeTheta, ropeScaling: undefined };
    case 'linear':
      return { ropeTheta, ropeScaling: { type: 'linear', factor: needed('factor', 1, 1e6) } };
    case 'llama3': {
      const lowFrequency = needed('low_freq_factor', 1e-6, 1e6);
      const highFrequency = needed('high_freq_factor', 1e-6, 1e6);
      if (highFrequency <= lowFrequency) throw badConfig(`${field}.high_freq_factor`, `(${highFrequency}) is not above low_freq_factor (${lowFrequency})`);
      return { ropeTheta, ropeScaling: { type: 'llama3', factor: needed('factor', 1, 1e6), lowFrequency, highFrequency, original: needed('original_max_position_embeddings', 1, 2 ** 24) } };
    }
    case 'yarn': {
      const betaFast = optional('beta_fast', 1e-6, 1e6) ?? 32;
      const betaSlow = optional('beta_slow', 1e-6, 1e6) ?? 1;
      if (betaFast < betaSlow) throw badConfig(`${field}.beta_fast`, `(${betaFast}) is below beta_slow (${betaSlow})`);
      return {
        ropeTheta,
        ropeScaling: {
          type: 'yarn', betaFast, betaSlow,
          factor: needed('factor', 1, 1e6),
          original: optional('original_max_position_embeddings', 1, 2 ** 24) ?? context,
          truncate: values.truncate !== false,
          attentionFactor: optional('attention_factor', 1e-3, 1e3),
          mscale: optional('mscale', 0, 1e3),
          mscaleAll: optional('mscale_all_dim', 0, 1e3),
        },
      };
    }
    default:
      throw unsupportedConfig(`${field}.${typeField}`, type, '"default", "linear", "llama3", "yarn" and, up to max_position_embeddings, "dynamic"');
  }
}
