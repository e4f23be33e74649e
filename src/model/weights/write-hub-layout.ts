import { type NamedTensor, type Tensors, writeSafetensors } from '../safetensors.ts';
import { INDEX_FILE, WEIGHTS_FILE } from '../../protocol/weights-index.ts';
import { FLOAT_BYTES, type FloatType } from './decode.ts';

export interface HubLayoutOptions {
  /** Values are rounded to nearest, ties to even. */
  dtype: FloatType;
  /** Most bytes of tensors in one file; a larger tensor gets a file of its own. 5 GB where none is given, as hubs do. */
  shardBytes?: number;
}

/**
 * The files of a model as hubs keep them: config.json, and either model.safetensors or model-00001-of-0000N.safetensors
 * with model.safetensors.index.json. Files are filled in the order of the tensors; tokenizers and other files are added by callers.
 */
export function writeHubLayout(configJson: Record<string, unknown>, tensors: Tensors, options: HubLayoutOptions): Record<string, Uint8Array> {
  const { dtype, shardBytes = 5e9 } = options;
  const bytesOf = ({ values }: NamedTensor) => values.length * FLOAT_BYTES[dtype];
  const shards: Tensors[] = [new Map()];
  let filled = 0;
  for (const [name, tensor] of tensors) {
    if (filled > 0 && filled + bytesOf(tensor) > shardBytes) {
      shards.push(new Map());
      filled = 0;
    }
    shards[shards.length - 1]!.set(name, tensor);
    filled += bytesOf(tensor);
  }
  const json = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
  const torchName = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' }[dtype];
  const files: Record<string, Uint8Array> = { 'config.json': json({ ...configJson, torch_dtype: torchName }) };
  if (shards.length === 1) {
    files[WEIGHTS_FILE] = writeSafetensors(tensors, dtype, { format: 'pt' });
    return files;
  }
  const digits = (n: number) => String(n).padStart(5, '0');
  const weightMap: Record<string, string> = {};
  for (const [i, shard] of shards.entries()) {
    const file = `model-${digits(i + 1)}-of-${digits(shards.length)}.safetensors`;
    files[file] = writeSafetensors(shard, dtype, { format: 'pt' });
    for (const name of shard.keys()) weightMap[name] = file;
  }
  const total = [...tensors.values()].reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  files[INDEX_FILE] = json({ metadata: { total_size: total }, weight_map: Object.fromEntries(Object.entries(weightMap).sort(([a], [b]) => (a < b ? -1 : 1))) });
  return files;
}
