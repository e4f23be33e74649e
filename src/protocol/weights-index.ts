import { OpenLedgerError } from '../errors.ts';

export const WEIGHTS_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';
/** A large vocabulary of names: 100,000 tensors need about 10 MiB. */
export const INDEX_BYTES = 32 * 2 ** 20;
const MOST_SHARDS = 1000;

/** Shard file by tensor name. */
export type WeightMap = Map<string, string>;

function badIndex(why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'weights/bad-index',
    what: `The list of the model's weight files (${INDEX_FILE}) is not right.`,
    why,
    next: 'Fetch it again; if it stays so, tell whoever published it.',
  });
}

/**
 * Reads model.safetensors.index.json as transformers writes it. Shards are plain file names, so an index cannot point
 * outside its folder. `metadata.total_size` is not looked at: published ones are often wrong, and the shards' own
 * headers say it. Throws `weights/bad-index`.
 */
export function parseWeightsIndex(json: unknown): WeightMap {
  const map = typeof json === 'object' && json !== null ? (json as { weight_map?: unknown }).weight_map : undefined;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw badIndex('It has no weight_map.');
  const weights: WeightMap = new Map();
  for (const [tensor, file] of Object.entries(map)) {
    if (typeof file !== 'string' || !isShardName(file)) {
      throw badIndex(`The file of tensor “${tensor.slice(0, 120)}” is ${String(JSON.stringify(file)).slice(0, 120)}, which is not a plain .safetensors file name.`);
    }
    weights.set(tensor, file);
  }
  if (!weights.size) throw badIndex('It names no tensor.');
  const shards = new Set(weights.values()).size;
  if (shards > MOST_SHARDS) throw badIndex(`It names ${shards} files; ${MOST_SHARDS} are accepted.`);
  return weights;
}

function isShardName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,200}\.safetensors$/.test(name);
}
