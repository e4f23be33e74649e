import { OpenLedgerError } from '../errors.ts';
import type { ModelConfig } from './config.ts';
import { type Budget, type ModulePattern, modulePattern, patternBudget } from './module-pattern.ts';

export const TARGETS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;
export type Target = (typeof TARGETS)[number];

/** Bound of a layer's rank, and of the sum of the ranks of adapters used together. */
export const MAX_RANK = 1024;
/** Entries of a list or pattern table: 128 layers of seven targets, and room. */
const MAX_ENTRIES = 4096;

/**
 * What this engine uses of PEFT's adapter_config.json. `rank`, `alpha`, `rslora` and `targets` say everything about
 * most adapters; the rest is there only where the file says more. Names are those of PEFT: `model.layers.0.mlp.up_proj`.
 */
export interface LoraConfig {
  rank: number;
  alpha: number;
  rslora: boolean;
  /** The kinds of layer that may be adapted; all of `TARGETS` where `modules` is a pattern. */
  targets: Target[];
  /** PEFT's `target_modules` where it is not a list of `targets`: a pattern for the whole name, or names and ends of names. */
  modules?: string | string[];
  /** PEFT's `exclude_modules`, in the same form. */
  exclude?: string | string[];
  /** Only these layers; does not apply to modules that are listed by their full name. */
  layers?: number[];
  /** Names of the list of layers for which `layers` holds; any where undefined. */
  layersPattern?: string[];
  /** Ranks and alphas of modules whose name, or the end of it, matches: the first pattern that matches counts. */
  rankPattern?: Record<string, number>;
  alphaPattern?: Record<string, number>;
}

/** One linear layer that an adapter changes: y += scale · (x Aᵀ) Bᵀ with A[rank, in], B[out, rank]. */
export interface AdaptedLayer {
  /** Such as `layers.0.self_attn.q_proj`. */
  name: string;
  target: Target;
  rank: number;
  /** float64; α/r, or α/√r for rsLoRA (Kalajdzievski 2023). */
  scale: number;
}

export function moduleOf(target: Target): 'self_attn' | 'mlp' {
  return ['q_proj', 'k_proj', 'v_proj', 'o_proj'].includes(target) ? 'self_attn' : 'mlp';
}

/** [out, in] of a linear layer. */
export function linearShape(config: ModelConfig, target: Target): [number, number] {
  const q = config.heads * config.headDim;
  const kv = config.groups * config.headDim;
  switch (target) {
    case 'q_proj': return [q, config.hidden];
    case 'k_proj':
    case 'v_proj': return [kv, config.hidden];
    case 'o_proj': return [config.hidden, q];
    case 'gate_proj':
    case 'up_proj': return [config.intermediate, config.hidden];
    case 'down_proj': return [config.hidden, config.intermediate];
  }
}

export function loraScale(rank: number, alpha: number, rslora: boolean): number {
  return alpha / (rslora ? Math.sqrt(rank) : rank);
}

/**
 * All adapted layers, in the one order that ledgers and traces use: by layer, then by target. Follows PEFT's
 * `check_target_module_exists` and `get_pattern_key`. Throws `adapter/unsupported` for patterns that also take in
 * embeddings or the head, that give impossible ranks, or that take too long.
 */
export function adaptedLayers(model: Pick<ModelConfig, 'layers'>, config: LoraConfig): AdaptedLayer[] {
  const budget = patternBudget();
  const isTarget = selector(config.modules ?? config.targets, budget);
  const isExcluded = config.exclude === undefined ? () => false : selector(config.exclude, budget);
  for (const name of ['model.embed_tokens', 'lm_head']) {
    if (isTarget(name) && !isExcluded(name)) throw unsupported('target_modules', config.modules, `It takes in ${name}; the engine adapts the linear layers of attention and MLP.`);
  }
  const inLayers = layerFilter(config, budget);
  const rankOf = settings(config.rankPattern, config.rank, budget);
  const alphaOf = settings(config.alphaPattern, config.alpha, budget);
  const kinds = TARGETS.filter((target) => config.targets.includes(target));
  const found: AdaptedLayer[] = [];
  for (let layer = 0; layer < model.layers; layer++) {
    for (const target of kinds) {
      const name = `layers.${layer}.${moduleOf(target)}.${target}`;
      const peft = `model.${name}`;
      if (isExcluded(peft) || !isTarget(peft) || !inLayers(peft, layer)) continue;
      const rank = rankOf(peft);
      found.push({ name, target, rank, scale: loraScale(rank, alphaOf(peft), config.rslora) });
    }
  }
  return found;
}

/** PEFT's rule: a text is a pattern for the whole name; in a list each entry is a name or the end of one. */
function selector(wanted: string | readonly string[], budget: Budget): (name: string) => boolean {
  if (typeof wanted === 'string') {
    const pattern = modulePattern(wanted);
    return (name) => pattern.matches(name, budget);
  }
  return (name) => wanted.some((entry) => name === entry || name.endsWith(`.${entry}`));
}

function layerFilter({ modules, layers, layersPattern }: LoraConfig, budget: Budget): (name: string, layer: number) => boolean {
  if (!layers) return () => true;
  const direct = new Set(typeof modules === 'string' ? [] : modules);
  const among = new Set(layers);
  const patterns = layersPattern?.map((pattern) => modulePattern(`.*\\.${pattern}\\.\\d+\\..*`));
  return (name, layer) => direct.has(name) || (among.has(layer) && (patterns?.some((pattern) => pattern.matches(name, budget)) ?? true));
}

/** PEFT's rule: the first key that, after any beginning that ends with a dot, matches the rest of the name. */
function settings(table: Record<string, number> | undefined, usual: number, budget: Budget): (name: string) => number {
  const entries = Object.entries(table ?? {}).map(([key, value]) => ({ matches: endMatcher(key), value }));
  return (name) => entries.find(({ matches }) => matches(name, budget))?.value ?? usual;
}

function endMatcher(key: string): ModulePattern['matches'] {
  if (!/^[\w.]+$/.test(key)) return modulePattern(`(.*\\.)?(${key})`).matches;
  // Nearly all keys are plain names, of which a file may list hundreds. A dot stands for any character.
  return (name) => {
    const start = name.length - key.length;
    if (start < 0 || (start > 0 && name[start - 1] !== '.')) return false;
    for (let i = 0; i < key.length; i++) if (key[i] !== '.' && key[i] !== name[start + i]) return false;
    return true;
  };
}

function unsupported(field: string, value: unknown, why = 'The engine runs plain LoRA on the linear layers of attention and MLP.'): OpenLedgerError {
  return new OpenLedgerError({
    code: 'adapter/unsupported',
    what: `This adapter cannot be used: adapter_config.json has ${field} = ${String(JSON.stringify(value)).slice(0, 80)}.`,
    why,
    next: 'Choose another adapter.',
  });
}

const isEmpty = (value: unknown) =>
  value === undefined || value === null || value === false || (typeof value === 'object' && Object.keys(value).length === 0);

/** What PEFT knows and this engine does not run, with the reason that a person is told. */
const LACKS: [field: string, why: string][] = [
  ['use_dora', 'DoRA rescales the base’s weights by learned magnitudes; the engine adds plain LoRA to an unchanged base.'],
  ['use_qalora', 'QALoRA averages the inputs in groups; the engine runs plain LoRA.'],
  ['use_bdlora', 'Block-diagonal factors are not supported; the engine runs plain LoRA.'],
  ['modules_to_save', 'It replaces whole modules of the base; the engine adds to an unchanged base.'],
  ['trainable_token_indices', 'It replaces embeddings of the base; the engine adds to an unchanged base.'],
  ['target_parameters', 'It adapts bare parameters; the engine adapts the linear layers of attention and MLP.'],
  ['lora_bias', 'The engine has no biases in adapters.'],
  ['fan_in_fan_out', 'Its layers are stored transposed; those of the supported models are not.'],
  ['megatron_config', 'Layers divided by Megatron are not supported.'],
  ['layer_replication', 'It repeats layers of the base; the engine runs the base as it is.'],
  ['arrow_config', 'Arrow routes each token among several adapters; the engine uses one, or a fixed sum of several, for a whole request.'],
  ['alora_invocation_tokens', 'Activated LoRA switches the adapter on inside a text; the engine switches it per request.'],
];

/** Starts that subtract what they put into the factors from the base's weights, which are then another base. */
const CHANGED_BASE = /^(pissa|olora|loftq|corda|lora_ga|mica)/i;
const PLAIN_STARTS = [true, false, 'gaussian', 'orthogonal', 'eva'];

/** Reads PEFT's adapter_config.json; throws `adapter/unsupported` naming what the engine lacks. */
export function parseLoraConfig(json: unknown): LoraConfig {
  const raw = (typeof json === 'object' && json !== null && !Array.isArray(json) ? json : {}) as Record<string, unknown>;
  const refuse = (field: string, why?: string) => unsupported(field, raw[field], why);
  if (raw.peft_type !== 'LORA') throw refuse('peft_type', 'The engine runs adapters of the type LORA.');
  if ((raw.bias ?? 'none') !== 'none') throw refuse('bias', 'It changes biases of the base; the engine adds to an unchanged base.');
  for (const [field, why] of LACKS) if (!isEmpty(raw[field])) throw refuse(field, why);
  const start = raw.init_lora_weights ?? true;
  if (typeof start === 'string' && CHANGED_BASE.test(start)) {
    throw refuse('init_lora_weights', 'This way of starting changes the base’s own weights, so the factors fit only that changed base. PEFT converts such adapters when it saves them with path_initial_model_for_weight_conversion.');
  }
  if (!PLAIN_STARTS.includes(start as boolean | string)) throw refuse('init_lora_weights', 'The engine does not know this start and cannot tell whether it changed the base.');
  if (!isEmpty(raw.loftq_config)) throw refuse('loftq_config', 'LoftQ’s factors fit only the base that it quantised.');

  const rank = raw.r ?? 8;
  if (!isRank(rank)) throw refuse('r', `A rank is a whole number from 1 to ${MAX_RANK}.`);
  const alpha = raw.lora_alpha ?? 8;
  if (!isAlpha(alpha)) throw refuse('lora_alpha', 'It must be a number above 0.');
  const config: LoraConfig = { rank, alpha, rslora: raw.use_rslora === true, targets: [...TARGETS] };

  const named = raw.target_modules;
  if (typeof named === 'string') {
    if (named.toLowerCase() !== 'all-linear') {
      modulePattern(named);
      config.modules = named;
    }
  } else {
    if (!isTextList(named) || !named.length) throw refuse('target_modules');
    const kinds = new Set<string>();
    for (const entry of named) {
      const kind = targetOf(entry);
      if (!kind) throw unsupported('target_modules', named, `The engine has no adapters for ${JSON.stringify(entry.slice(0, 80))}: it adapts ${TARGETS.join(', ')}.`);
      kinds.add(kind);
    }
    config.targets = TARGETS.filter((target) => kinds.has(target));
    if (named.some((entry) => !TARGETS.includes(entry as Target))) config.modules = [...named];
  }
  if (!isEmpty(raw.exclude_modules)) {
    const { exclude_modules: exclude } = raw;
    if (typeof exclude === 'string') {
      if (exclude) {
        modulePattern(exclude);
        config.exclude = exclude;
      }
    } else if (isTextList(exclude)) config.exclude = [...exclude];
    else throw refuse('exclude_modules', 'It is neither a pattern nor a list of names.');
  }
  if (raw.layers_to_transform != null && !(Array.isArray(raw.layers_to_transform) && !raw.layers_to_transform.length)) {
    const layers = Array.isArray(raw.layers_to_transform) ? raw.layers_to_transform : [raw.layers_to_transform];
    if (layers.length > MAX_ENTRIES || !layers.every((layer) => Number.isSafeInteger(layer) && layer >= 0)) throw refuse('layers_to_transform', 'It is not a list of layer numbers.');
    if (typeof named === 'string') throw refuse('layers_to_transform', 'It works only where target_modules is a list.');
    config.layers = layers as number[];
    const patterns = typeof raw.layers_pattern === 'string' && raw.layers_pattern ? [raw.layers_pattern] : (raw.layers_pattern ?? []);
    if (!isTextList(patterns)) throw refuse('layers_pattern', 'It is neither a pattern nor a list of patterns.');
    for (const pattern of patterns) modulePattern(pattern);
    if (patterns.length) config.layersPattern = [...patterns];
  }
  if (!isEmpty(raw.rank_pattern)) config.rankPattern = table(raw.rank_pattern, isRank, () => refuse('rank_pattern', `It is not a table of ranks from 1 to ${MAX_RANK}.`));
  if (!isEmpty(raw.alpha_pattern)) config.alphaPattern = table(raw.alpha_pattern, isAlpha, () => refuse('alpha_pattern', 'It is not a table of numbers above 0.'));
  return config;
}

const isRank = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= MAX_RANK;
const isAlpha = (value: unknown): value is number => typeof value === 'number' && value > 0 && value < 2 ** 20;
const isTextList = (value: unknown): value is string[] => Array.isArray(value) && value.length <= MAX_ENTRIES && value.every((entry) => typeof entry === 'string' && entry !== '');

/** The kind of layer that a name or the end of one stands for, if it is a linear layer of the models run here. */
function targetOf(entry: string): Target | undefined {
  const [target, module, ...rest] = entry.split('.').reverse();
  if (!TARGETS.includes(target as Target)) return undefined;
  if (module === undefined) return target as Target;
  const above = rest.reverse().join('.');
  return module === moduleOf(target as Target) && (above === '' || /^((model\.)?layers\.)?\d+$/.test(above)) ? (target as Target) : undefined;
}

function table(value: unknown, fits: (entry: unknown) => entry is number, wrong: () => OpenLedgerError): Record<string, number> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong();
  const entries = Object.entries(value);
  if (entries.length > MAX_ENTRIES) throw wrong();
  for (const [key, entry] of entries) {
    if (!fits(entry)) throw wrong();
    endMatcher(key);
  }
  return Object.fromEntries(entries) as Record<string, number>;
}

/** PEFT's adapter_config.json for the factors made here. */
export function loraConfigJson(config: LoraConfig, base: string): Record<string, unknown> {
  return {
    peft_type: 'LORA', task_type: 'CAUSAL_LM', r: config.rank, lora_alpha: config.alpha, lora_dropout: 0, bias: 'none',
    use_rslora: config.rslora, target_modules: config.modules ?? config.targets,
    ...(config.exclude !== undefined && { exclude_modules: config.exclude }),
    ...(config.layers && { layers_to_transform: config.layers }),
    ...(config.layersPattern && { layers_pattern: config.layersPattern }),
    ...(config.rankPattern && { rank_pattern: config.rankPattern }),
    ...(config.alphaPattern && { alpha_pattern: config.alphaPattern }),
    base_model_name_or_path: base, inference_mode: true,
  };
}

/**
 * A sentence of warning where an adapter's config does not name the loaded base: same shapes do not make it the same
 * model. Undefined where it names it. For folders without run.json, which would settle it by roots.
 */
export function adapterBaseWarning(adapterConfig: unknown, identity: { name: string; cid?: string }): string | undefined {
  const named = (adapterConfig as Record<string, unknown> | null | undefined)?.base_model_name_or_path;
  if (typeof named !== 'string' || !named.trim()) {
    return `This adapter does not say which base it was made for. On another base than its own its answers are worth nothing; loaded is ${identity.name}.`;
  }
  const last = (path: string) => path.trim().replace(/[/\\]+$/, '').split(/[/\\]/).pop()!.toLowerCase();
  if ([identity.name, identity.cid].some((known) => known !== undefined && last(known) === last(named))) return undefined;
  return `This adapter was made for the base “${named.trim().slice(0, 120)}”; loaded is “${identity.name}”. The shapes fit, but on another base its answers may be worth nothing.`;
}
