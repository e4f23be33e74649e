import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Engine } from '../../../src/attribution/engine.ts';
import type { Backend } from '../../../src/kernels/backend.ts';
import { memoryFolder } from '../../../src/protocol/model-folder.ts';
import { nodeFolder } from '../../../src/storage/models/node-folder.node.ts';
import { baseExample } from './corpus.ts';
import { BASE, type BaseRecipe, SMALL_BASE, pretrainBase } from './pretrain.ts';
import { buildEvalTokenizer } from './tokenizer.ts';

export type Size = 'full' | 'small';

/** Git-ignored: all that the evaluation keeps between runs. */
export const CACHE = fileURLToPath(new URL('../../../.cache/eval', import.meta.url));
const IDENTITY = { name: 'OpenLedger evaluation base', cid: 'bafyevaluation00' };
/** What the cached base was made from, beside its files. */
const KEY_FILE = 'made-from.txt';

/** Changes with the recipe, the tokenizer and the corpus (of which the first examples stand for all). */
function baseKey(recipe: BaseRecipe): string {
  const examples = Array.from({ length: 500 }, (_, i) => baseExample(recipe.seed, i));
  return createHash('sha256').update(JSON.stringify([recipe, buildEvalTokenizer(), examples])).digest('hex');
}

export interface BaseOptions {
  size?: Size | undefined;
  signal?: AbortSignal | undefined;
  onStep?: ((step: number, loss: number) => void) | undefined;
}

/** The folder of the base; makes it (some two minutes on one thread) where it is missing or was made from something else. */
export async function ensureBase({ signal, onStep }: Omit<BaseOptions, 'size'> = {}): Promise<string> {
  const folder = join(CACHE, 'base');
  const key = baseKey(BASE);
  if (existsSync(join(folder, KEY_FILE)) && readFileSync(join(folder, KEY_FILE), 'utf8') === key) return folder;
  const files = await pretrainBase(BASE, { signal, onStep });
  const fresh = `${folder}.new-${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(fresh, name), bytes);
  writeFileSync(join(fresh, KEY_FILE), key);
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  return folder;
}

/** The evaluation's base on a backend. The small one is made anew each time, in a second or two. */
export async function openEvalEngine(backend: Backend, { size = 'full', ...options }: BaseOptions = {}): Promise<Engine> {
  if (size === 'full') return Engine.open(backend, IDENTITY, nodeFolder(await ensureBase(options)));
  return Engine.open(backend, IDENTITY, memoryFolder('small evaluation base', await pretrainBase(SMALL_BASE, options)));
}
