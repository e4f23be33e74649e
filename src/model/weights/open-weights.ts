import { OpenLedgerError, throwIfAborted } from '../../errors.ts';
import { type ByteSource, type ModelFolder, readJsonFile } from '../../protocol/model-folder.ts';
import { INDEX_BYTES, INDEX_FILE, WEIGHTS_FILE, parseWeightsIndex } from '../../protocol/weights-index.ts';
import { type TensorEntry, readSafetensorsHeader } from '../safetensors.ts';

/** A tensor and the file it lies in. */
export interface StoredTensor extends TensorEntry {
  source: ByteSource;
}

/** All tensors of a model by the names their files give them, in the order of files and of places in them. */
export type StoredTensors = Map<string, StoredTensor>;

function broken(why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'weights/incomplete',
    what: 'The model’s weight files do not belong together.',
    why,
    next: 'Fetch the whole model again; if it stays so, tell whoever published it.',
  });
}

/**
 * Finds a model's tensors: in `model.safetensors`, or in the shards that `model.safetensors.index.json` names. Reads
 * headers only. Throws `weights/…` and `safetensors/damaged`.
 */
export async function openWeights(folder: ModelFolder, signal?: AbortSignal): Promise<StoredTensors> {
  const files = new Set((await folder.list(signal)).map(({ name }) => name));
  if (files.has(WEIGHTS_FILE)) return tensorsOf([await folder.open(WEIGHTS_FILE, signal)], signal);
  if (!files.has(INDEX_FILE)) {
    const other = [...files].find((name) => /\.(bin|pt|pth|gguf|ggml|h5|msgpack)$/.test(name));
    throw new OpenLedgerError({
      code: 'weights/none',
      what: `There are no weights in ${folder.label} that can be read.`,
      why: `It has neither ${WEIGHTS_FILE} nor ${INDEX_FILE}${other ? `, but ${other.slice(0, 80)}` : ''}.`,
      next: 'Choose a model published as safetensors.',
    });
  }
  const weightMap = parseWeightsIndex(await readJsonFile(folder, INDEX_FILE, signal, INDEX_BYTES));
  const shards = [...new Set(weightMap.values())].sort();
  const missing = shards.filter((name) => !files.has(name));
  if (missing.length) throw broken(`The index names ${missing[0]}, which is not there${missing.length > 1 ? `, nor are ${missing.length - 1} more` : ''}.`);
  const tensors = await tensorsOf(await Promise.all(shards.map((name) => folder.open(name, signal))), signal);
  for (const [name, file] of weightMap) {
    const found = tensors.get(name);
    if (found?.source.name !== file) throw broken(`The index places tensor “${name.slice(0, 120)}” in ${file}; it is ${found ? `in ${found.source.name}` : 'not there'}.`);
  }
  return tensors;
}

async function tensorsOf(sources: readonly ByteSource[], signal: AbortSignal | undefined): Promise<StoredTensors> {
  const tensors: StoredTensors = new Map();
  for (const source of sources) {
    throwIfAborted(signal);
    for (const entry of await readSafetensorsHeader(source, signal)) {
      const other = tensors.get(entry.name);
      if (other) throw broken(`Tensor “${entry.name.slice(0, 120)}” is in ${other.source.name} and in ${source.name}.`);
      tensors.set(entry.name, { ...entry, source });
    }
  }
  return tensors;
}
