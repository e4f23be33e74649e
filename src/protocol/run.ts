import { OpenLedgerError } from '../errors.ts';
import type { Hex } from './bytes.ts';
import { type CopyRule, checkCopyRule } from './clusters/copy-rule.ts';

/** run.json beside an adapter: what made it, enough to make it again bit for bit, and what attribution stands on. */
export interface RunFile {
  openledger: 'run/1';
  arithmetic: string;
  method: string;
  /** `format`: how the weights were quantised when loaded; absent where they were used as they are stored. */
  base: { name: string; cid: string; root: Hex; format?: string };
  /** `clusters`: for each record the first one that it is a copy of, itself where it is none; only those were trained. Absent: no copies. `copies`: how they were found; absent: by wording alone. */
  datanet: { name: string; recordsRoot: Hex; records: number; copies?: CopyRule; clusters?: number[] };
  recipe: {
    rank: number;
    alpha: number;
    rslora: boolean;
    targets: string[];
    seed: number;
    epochs: number;
    batch: number;
    /** Decimal text of a float64. */
    rate: string;
    /** Absent: half a cosine. */
    schedule?: 'constant';
    /** Parts in which a step is computed, whose gradients are added in order; absent: 2. */
    accumulate?: number;
    /** PEFT's target_modules, exclude_modules, layers_to_transform, layers_pattern, rank_pattern and alpha_pattern where the recipe says more than `targets`. */
    modules?: string | string[];
    exclude?: string | string[];
    layers?: number[];
    layersPattern?: string[];
    rankPattern?: Record<string, number>;
    alphaPattern?: Record<string, number>;
  };
  adapter: { root: Hex };
  /** Settings of the ledger (attribution/curvature/settings.ts; damping as decimal text), the root of the checkpoints before the last, its own, and the hash of the program whose trace a claim commits to (docs/claims.md). */
  ledger: { checkpoints: number; draws: number; dimension: number; damping: string; seed: number; checkpointsRoot: Hex; root: Hex; program: Hex };
}

const BYTES32 = /^0x[0-9a-f]{64}$/;
/** Names of modules and patterns for them; what they mean is checked where they are used (model/lora-config.ts). */
const PATTERN = /^.{1,2000}$/su;
const MOST_MODULES = 4096;
const isPattern = (value: unknown) => typeof value === 'string' && PATTERN.test(value);
const CID_TEXT = /^[a-z0-9]{10,120}$/i;

/** Reads untrusted JSON; throws `run/invalid` naming the field. */
export function parseRunFile(json: unknown): RunFile {
  const run = new Checked(json, 'run/invalid', 'The adapter’s run.json is not valid.');
  run.literal('openledger', 'run/1');
  for (const field of ['base.root', 'datanet.recordsRoot', 'adapter.root', 'ledger.checkpointsRoot', 'ledger.root', 'ledger.program']) run.text(field, BYTES32);
  run.text('base.cid', CID_TEXT);
  if (run.has('base.format')) run.text('base.format', /^[a-z0-9/.-]{1,20}$/);
  run.text('base.name', /^.{1,200}$/su);
  run.text('datanet.name', /^.{0,200}$/su);
  run.text('arithmetic', /^.{1,40}$/);
  run.text('method', /^.{1,40}$/);
  run.whole('datanet.records', 1, 2 ** 24);
  if (run.has('datanet.copies')) checkCopyRule(run, 'datanet.copies');
  if (run.has('datanet.clusters')) checkClusters(run);
  run.whole('ledger.checkpoints', 1, 16);
  run.whole('ledger.draws', 1, 64);
  run.whole('ledger.dimension', 64, 2 ** 20);
  run.whole('ledger.seed', 0, 2 ** 32 - 1);
  run.text('ledger.damping', /^[0-9.e-]{1,30}$/);
  run.whole('recipe.rank', 1, 1024);
  run.whole('recipe.seed', 0, 2 ** 32 - 1);
  run.whole('recipe.epochs', 1, 10_000);
  run.whole('recipe.batch', 1, 2 ** 16);
  run.text('recipe.rate', /^[0-9.e-]{1,30}$/);
  run.list('recipe.targets', 16, (target) => typeof target === 'string' && /^[a-z_]{1,40}$/.test(target));
  if (run.has('recipe.schedule')) run.literal('recipe.schedule', 'constant');
  if (run.has('recipe.accumulate')) run.whole('recipe.accumulate', 1, 2 ** 16);
  for (const field of ['recipe.modules', 'recipe.exclude']) {
    if (!run.has(field)) continue;
    if (typeof run.at(field) === 'string') run.text(field, PATTERN);
    else run.list(field, MOST_MODULES, isPattern);
  }
  if (run.has('recipe.layers')) run.list('recipe.layers', MOST_MODULES, (layer) => Number.isSafeInteger(layer) && (layer as number) >= 0);
  if (run.has('recipe.layersPattern')) run.list('recipe.layersPattern', MOST_MODULES, isPattern);
  if (run.has('recipe.rankPattern')) run.table('recipe.rankPattern', MOST_MODULES, PATTERN, (rank) => Number.isSafeInteger(rank) && (rank as number) >= 1 && (rank as number) <= 1024);
  if (run.has('recipe.alphaPattern')) run.table('recipe.alphaPattern', MOST_MODULES, PATTERN, (alpha) => typeof alpha === 'number' && alpha > 0 && alpha < 2 ** 20);
  return json as RunFile;
}

/** One number a record: itself, or an earlier record that stands for itself. */
function checkClusters(run: Checked): void {
  run.list('datanet.clusters', 2 ** 24, (k) => Number.isSafeInteger(k) && (k as number) >= 0);
  const clusters = run.at('datanet.clusters') as number[];
  if (clusters.length !== run.at('datanet.records')) throw run.fail('datanet.clusters', 'has not one number for each record');
  if (clusters.some((k, at) => k > at || clusters[k] !== k)) throw run.fail('datanet.clusters', 'does not name the first record of each cluster');
}

/** Path-wise checks of untrusted JSON; each failure names the field. */
export class Checked {
  private readonly root: unknown;
  private readonly code: string;
  private readonly what: string;

  constructor(root: unknown, code: string, what: string) {
    this.root = root;
    this.code = code;
    this.what = what;
  }

  at(path: string): unknown {
    let value = this.root;
    for (const key of path.split('.')) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) throw this.fail(path, 'is missing');
      value = (value as Record<string, unknown>)[key];
    }
    return value;
  }

  /** Whether an optional field is there. */
  has(path: string): boolean {
    let value = this.root;
    for (const key of path.split('.')) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false;
      value = (value as Record<string, unknown>)[key];
    }
    return true;
  }

  literal(path: string, expected: string): void {
    if (this.at(path) !== expected) throw this.fail(path, `is not "${expected}"`);
  }

  text(path: string, pattern: RegExp): void {
    const value = this.at(path);
    if (typeof value !== 'string' || !pattern.test(value)) throw this.fail(path, 'has not the right form');
  }

  whole(path: string, min: number, max: number): void {
    const value = this.at(path);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) throw this.fail(path, `is not a whole number from ${min} to ${max}`);
  }

  list(path: string, max: number, item: (value: unknown) => boolean): void {
    const value = this.at(path);
    if (!Array.isArray(value) || value.length > max) throw this.fail(path, `is not a list of at most ${max}`);
    const wrong = value.findIndex((entry) => !item(entry));
    if (wrong >= 0) throw this.fail(`${path}[${wrong}]`, 'has not the right form');
  }

  table(path: string, max: number, key: RegExp, item: (value: unknown) => boolean): void {
    const value = this.at(path);
    if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).length > max) throw this.fail(path, `is not a table of at most ${max}`);
    for (const [name, entry] of Object.entries(value)) if (!key.test(name) || !item(entry)) throw this.fail(`${path}.${name.slice(0, 80)}`, 'has not the right form');
  }

  fail(path: string, why: string): OpenLedgerError {
    return new OpenLedgerError({ code: this.code, what: this.what, why: `${path} ${why}.`, next: 'Ask whoever gave it to you for the original.' });
  }
}
