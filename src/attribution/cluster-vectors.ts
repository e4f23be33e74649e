import { sketchPlan } from '../kernels/sketch/plan.ts';
import { NEGATIVE } from '../kernels/sketch/operation.ts';
import type { Sequence } from '../model/batch.ts';
import { type LoraConfig, freeLora } from '../model/lora.ts';
import type { Model } from '../model/model.ts';
import { initialLora } from '../model/train.ts';
import { clusterRecords } from '../protocol/clusters/cluster-records.ts';
import type { CopyRule } from '../protocol/clusters/copy-rule.ts';
import { type Vectors, joinSameGradient, questionSharers } from '../protocol/clusters/same-gradient.ts';
import type { DatanetRecord } from '../protocol/record.ts';
import { type Progress, eachRecordGradients } from './record-gradients.ts';

interface Options {
  signal?: AbortSignal | undefined;
  onProgress?: Progress | undefined;
}

/**
 * For each record its cluster's representative (protocol/clusters): by wording, and where a rule is given also by what
 * records teach the base. Nothing is trained for it, and the run's own recipe plays no part, so that base and records alone
 * decide. `sequences` gives what training reads of some records. Throws `cancelled`, `rf32/out-of-range`, `record/…`.
 */
export async function findCopies(
  model: Model, records: readonly DatanetRecord[], rule: CopyRule | undefined, sequences: (records: readonly DatanetRecord[]) => readonly (readonly Sequence[])[], options: Options = {},
): Promise<number[]> {
  const clusters = clusterRecords(records);
  const which = rule ? questionSharers(records, clusters) : [];
  if (!rule || !which.length) return clusters;
  const values = await gradientRows(model, sequences(which.map((k) => records[k]!)), rule, options);
  const vectors: Vectors = { which, values, width: rule.width, cosine: Number(rule.cosine) };
  return joinSameGradient(records, clusters, vectors);
}

/**
 * Each record's gradient as a row of `width` numbers: of its loss, at a fresh adapter (A random, B zero, so that the base
 * answers as it does without one) on the last layer's down_proj. There only B has a gradient, the error of the predicted
 * tokens times a random projection of what the layer read, and no layer but the last is gone through backwards. [hidden × rank] numbers,
 * laid out as they are, or sketched (kernels/sketch/plan.ts) where they are more than `width`; zeros fill the rest. RF32 on
 * the backend, then float64 sums in a fixed order rounded once: the same bits everywhere.
 */
export async function gradientRows(
  model: Model, records: readonly (readonly Sequence[])[], { rank, seed, width }: Pick<CopyRule, 'rank' | 'seed' | 'width'>, { signal, onProgress }: Options = {},
): Promise<Float32Array> {
  const { backend, config } = model;
  const on: LoraConfig = { rank, alpha: rank, rslora: false, targets: ['down_proj'], layers: [config.layers - 1] };
  const lora = initialLora(backend, config, on, seed);
  const name = `${[...lora.pairs.keys()][0]!}.lora_B`;
  const count = config.hidden * rank;
  const plan = count > width ? sketchPlan(seed, 0, count, width) : undefined;
  const rows = new Float32Array(records.length * width);
  try {
    await eachRecordGradients(model, lora, records, [...records.keys()], async (_scope, gradients, first, group) => {
      const values = (await backend.read(gradients.get(name)!)) as Float32Array;
      for (let i = 0; i < group; i++) {
        const gradient = values.subarray(i * count, (i + 1) * count);
        const row = rows.subarray((first + i) * width, (first + i + 1) * width);
        if (plan) sketchInto(row, gradient, plan);
        else row.set(gradient);
      }
    }, { signal, onProgress });
  } finally {
    freeLora(backend, lora);
  }
  return rows;
}

function sketchInto(row: Float32Array, gradient: Float32Array, { starts, members }: { starts: Uint32Array; members: Uint32Array }): void {
  for (let j = 0; j < row.length; j++) {
    let sum = 0;
    for (let e = starts[j]!; e < starts[j + 1]!; e++) sum += members[e]! >= NEGATIVE ? -gradient[members[e]! - NEGATIVE]! : gradient[members[e]!]!;
    row[j] = sum;
  }
}
