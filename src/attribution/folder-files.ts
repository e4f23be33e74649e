import { OpenLedgerError } from '../errors.ts';
import { type Tensors, parseSafetensors } from '../model/safetensors.ts';

/** A folder's files by name. */
export type Files = Record<string, Uint8Array>;
export const BASE_FILES = [
  'config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'chat_template.jinja',
] as const;
export const ADAPTER_FILES = ['adapter_config.json', 'adapter_model.safetensors', 'run.json'] as const;
/** What attribution reads beside them. */
export const ATTRIBUTION_FILES = ['checkpoints.safetensors', 'ledger.safetensors'] as const;

/** Throws `engine/missing-file`, `engine/damaged-file`. */
export function jsonFile(files: Files, name: string): unknown {
  const bytes = files[name];
  if (!bytes) {
    throw new OpenLedgerError({ code: 'engine/missing-file', what: `The folder has no ${name}.`, next: 'Publish or fetch the whole folder again.' });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new OpenLedgerError({ code: 'engine/damaged-file', what: `${name} is damaged.`, why: 'It is not JSON.', next: 'Fetch it again.', cause });
  }
}

/** Throws `engine/missing-file`, `safetensors/…`. */
export function weightsFile(files: Files, name: string): Tensors {
  const bytes = files[name];
  if (!bytes) throw new OpenLedgerError({ code: 'engine/missing-file', what: `The folder has no ${name}.`, next: 'Publish or fetch the whole folder again.' });
  return parseSafetensors(bytes);
}
