import type { FolderEntry, ModelFolder } from '../../protocol/model-folder.ts';
import { OpenLedgerError } from '../../errors.ts';
import { readJsonFile } from '../../protocol/model-folder.ts';
import { INDEX_BYTES, INDEX_FILE, WEIGHTS_FILE, parseWeightsIndex } from '../../protocol/weights-index.ts';

export type ModelKind = 'base' | 'adapter';

/** Files beside the weights that say how a base is used. */
const BASE_TEXTS = [
  'config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json',
  'added_tokens.json', 'vocab.json', 'merges.txt', 'chat_template.jinja', 'chat_template.json',
];
const ADAPTER_WEIGHTS = 'adapter_model.safetensors';
const ADAPTER_TEXTS = ['adapter_config.json', 'run.json'];

/** What to ask a server for that lists nothing. */
export const KNOWN_TEXTS = [...BASE_TEXTS, ...ADAPTER_TEXTS, INDEX_FILE];
export const KNOWN_WEIGHTS = [WEIGHTS_FILE, ADAPTER_WEIGHTS];

/** Whether a folder holds an adapter (PEFT's files) or a base. Throws `folder/no-model`. */
export function modelKind(label: string, entries: readonly FolderEntry[]): ModelKind {
  const names = new Set(entries.map(({ name }) => name));
  if (names.has('adapter_config.json')) return 'adapter';
  if (names.has('config.json')) return 'base';
  throw new OpenLedgerError({
    code: 'folder/no-model',
    what: `There is no model in ${label}.`,
    why: `It has neither config.json nor adapter_config.json${names.size ? `, but ${[...names].slice(0, 8).join(', ').slice(0, 200)}` : ''}.`,
    next: 'Choose the folder that holds config.json and the .safetensors files.',
  });
}

/**
 * The files of a folder that the engine reads: hubs keep the same weights in many formats, and pictures. Throws
 * `folder/no-model`, `folder/no-such-file` for missing weights and `weights/bad-index`.
 */
export async function neededFiles(folder: ModelFolder, signal?: AbortSignal): Promise<{ kind: ModelKind; entries: FolderEntry[] }> {
  const entries = await folder.list(signal);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const kind = modelKind(folder.label, entries);
  const wanted = new Set(kind === 'base' ? BASE_TEXTS : [...ADAPTER_TEXTS, 'tokenizer.json', 'tokenizer_config.json']);
  const required = new Set<string>();
  if (kind === 'adapter') required.add(ADAPTER_WEIGHTS);
  else if (byName.has(WEIGHTS_FILE) || !byName.has(INDEX_FILE)) required.add(WEIGHTS_FILE);
  else {
    required.add(INDEX_FILE);
    for (const shard of parseWeightsIndex(await readJsonFile(folder, INDEX_FILE, signal, INDEX_BYTES)).values()) required.add(shard);
  }
  const missing = [...required].filter((name) => !byName.has(name));
  if (missing.length) {
    throw new OpenLedgerError({
      code: 'folder/no-such-file',
      what: `${folder.label} is not complete.`,
      why: `${missing[0]} is not there.`,
      next: 'Choose a model published as safetensors, whole.',
    });
  }
  return { kind, entries: entries.filter(({ name }) => wanted.has(name) || required.has(name)).sort((a, b) => a.size - b.size || (a.name < b.name ? -1 : 1)) };
}
