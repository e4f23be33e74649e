import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { influence } from '../attribution/datainf.ts';
import { buildLedger, freeLedger, ledgerNames } from '../attribution/ledger.ts';
import { LOSS_SCALE } from '../attribution/record-gradients.ts';
import { OpenLedgerError } from '../errors.ts';
import type { Backend } from '../kernels/backend.ts';
import { Scope } from '../kernels/scope.ts';
import { packBatch } from '../model/batch.ts';
import { parseConfig } from '../model/config.ts';
import { head, loss } from '../model/loss.ts';
import { freeLora, parseLoraConfig, uploadLora } from '../model/lora.ts';
import { freeModel, uploadModel } from '../model/model.ts';
import { parseSafetensors } from '../model/safetensors.ts';
import { decode } from '../model/decoder.ts';

/** The oracle file beside a model: see ../shared/fixtures. */
interface Expected {
  train: { ids: number[]; start: number; loss: number }[];
  query: { ids: number[]; start: number; loss: number; logits: number[]; base_logits?: number[]; gradient: Record<string, number[]> }[];
  influence: number[][];
}

export interface Comparison {
  backend: string;
  device: string;
  quantity: string;
  /** ‖out − ref‖ / ‖ref‖, or Spearman's rank correlation. */
  measure: 'relative error' | 'spearman';
  value: number;
  bound: number;
  ok: boolean;
}

const BOUNDS = { logits: 3e-3, losses: 3e-3, gradients: 1e-2, influence: 0.999 };

export function relativeError(out: ArrayLike<number>, reference: ArrayLike<number>): number {
  if (out.length !== reference.length) return Infinity;
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < reference.length; i++) {
    difference += (out[i]! - reference[i]!) ** 2;
    norm += reference[i]! ** 2;
  }
  return Math.sqrt(difference) / Math.sqrt(norm);
}

/** Spearman's rank correlation; equal values share their mean rank. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const ranks = (values: ArrayLike<number>) => {
    const order = Array.from(values, (_, i) => i).sort((i, j) => values[i]! - values[j]!);
    const out = new Array<number>(values.length);
    for (let i = 0; i < order.length; ) {
      let end = i;
      while (end < order.length && values[order[end]!] === values[order[i]!]) end++;
      for (let j = i; j < end; j++) out[order[j]!] = (i + end - 1) / 2;
      i = end;
    }
    return out;
  };
  const x = ranks(a);
  const y = ranks(b);
  const mean = (x.length - 1) / 2;
  let xy = 0, xx = 0, yy = 0;
  for (let i = 0; i < x.length; i++) {
    xy += (x[i]! - mean) * (y[i]! - mean);
    xx += (x[i]! - mean) ** 2;
    yy += (y[i]! - mean) ** 2;
  }
  return xy / Math.sqrt(xx * yy);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new OpenLedgerError({
      code: 'verify-model/unreadable',
      what: `${path} cannot be read.`,
      why: cause instanceof Error ? cause.message : String(cause),
      next: 'Give a folder with config.json, model.safetensors, adapter_config.json, adapter_model.safetensors and expected.json.',
      cause,
    });
  }
}

/** Compares one backend with a folder's float64 answers. */
export async function verifyModel(folder: string, backend: Backend): Promise<Comparison[]> {
  const config = parseConfig(readJson(join(folder, 'config.json')));
  const expected = readJson(join(folder, 'expected.json')) as Expected;
  const model = uploadModel(backend, config, parseSafetensors(readFileSync(join(folder, 'model.safetensors'))));
  const lora = uploadLora(
    backend, config,
    parseLoraConfig(readJson(join(folder, 'adapter_config.json'))),
    parseSafetensors(readFileSync(join(folder, 'adapter_model.safetensors'))),
  );
  const out: Comparison[] = [];
  const report = (quantity: string, measure: Comparison['measure'], value: number, bound: number) =>
    out.push({ backend: backend.kind, device: backend.device, quantity, measure, value, bound, ok: measure === 'spearman' ? value >= bound : value <= bound });

  const losses: number[] = [];
  const meanWeight = ({ ids, start }: { ids: number[]; start: number }) => 1 / (ids.length - start);
  for (const example of [...expected.train, ...expected.query]) {
    const scope = new Scope(backend);
    const batch = packBatch([[example]], () => meanWeight(example), config.window);
    losses.push((await backend.read(loss(scope, model, lora, batch, 'loss').total))[0]!);
    scope.release();
  }
  report('losses', 'relative error', relativeError(losses, [...expected.train, ...expected.query].map(({ loss: value }) => value)), BOUNDS.losses);

  const ledger = await buildLedger(model, lora, expected.train.map((example) => [example]));
  for (const [q, query] of expected.query.entries()) {
    for (const [quantity, adapter, reference] of [['logits', lora, query.logits], ['base logits', undefined, query.base_logits]] as const) {
      if (!reference) continue;
      const scope = new Scope(backend);
      const n = query.ids.length;
      const index = (name: string, value: (i: number) => number) => scope.upload(name, [n], Uint32Array.from({ length: n }, (_, i) => value(i)));
      const low = (i: number) => (config.window === undefined ? 0 : Math.max(0, i - config.window + 1));
      const { hidden } = decode(scope, model, adapter, {
        ids: index('ids', (i) => query.ids[i]!), positions: index('positions', (i) => i), lo: index('lo', low), hi: index('hi', (i) => i + 1), width: n,
      });
      const { logits } = head(scope, model, hidden, index('rows', (i) => i));
      report(`query ${q} ${quantity}`, 'relative error', relativeError(await backend.read(logits), reference), BOUNDS.logits);
      scope.release();
    }
    const scope = new Scope(backend);
    const batch = packBatch([[query]], () => LOSS_SCALE * meanWeight(query), config.window);
    const { gradients } = loss(scope, model, lora, batch, 'adapter');
    for (const name of ledgerNames(lora)) {
      const reference = gradientOf(query.gradient, name);
      if (!reference) continue;
      const values = Array.from(await backend.read(gradients.get(name)!), (value) => value / LOSS_SCALE);
      report(`query ${q} gradient ${name}`, 'relative error', relativeError(values, reference), BOUNDS.gradients);
    }
    scope.release();
    const { scores } = await influence(model, lora, ledger, query);
    report(`query ${q} influence`, 'spearman', spearman(scores, expected.influence[q]!), BOUNDS.influence);
  }
  freeLedger(model, ledger);
  freeLora(backend, lora);
  freeModel(model);
  return out;
}

/** An oracle names gradients by the adapter tensor, with or without PEFT's prefix and `.weight`. */
function gradientOf(gradients: Record<string, number[]>, name: string): number[] | undefined {
  const found = Object.keys(gradients).find((key) => key.replace(/^base_model\.model\./, '').replace(/^model\./, '').replace(/\.weight$/, '').replace(/\.default$/, '') === name);
  return found === undefined ? undefined : gradients[found];
}
