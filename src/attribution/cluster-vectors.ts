import { size } from '../kernels/operation.ts';
import { NEGATIVE } from '../kernels/sketch/operation.ts';
import { type SketchPlan, sketchPlan } from '../kernels/sketch/plan.ts';
import type { Sequence } from '../model/batch.ts';
import { TARGETS, freeLora } from '../model/lora.ts';
import type { Model } from '../model/model.ts';
import { initialLora } from '../model/train.ts';
import { clusterRecords } from '../protocol/clusters/cluster-records.ts';
import type { CopyRule } from '../protocol/clusters/copy-rule.ts';
import { rewordedPairs } from '../protocol/clusters/reworded.ts';
import { joinSameGradient } from '../protocol/clusters/same-gradient.ts';
import type { DatanetRecord } from '../protocol/record.ts';
import { type Progress, eachRecordGradients } from './record-gradients.ts';

interface Options {
  signal?: AbortSignal | undefined;
  onProgress?: Progress | undefined;
}

/**
 * For each record its cluster's representative (protocol/clusters): by wording, and where a rule is given also by what those
 * teach the base that wording leaves open. Nothing is trained for it, and the run's own recipe plays no part, so that base and records alone
 * decide. `sequences` gives what training reads of some records. Throws `cancelled`, `rf32/out-of-range`, `record/…`.
 */
export async function findCopies(
  model: Model, records: readonly DatanetRecord[], rule: CopyRule | undefined, sequences: (records: readonly DatanetRecord[]) => readonly (readonly Sequence[])[], options: Options = {},
): Promise<number[]> {
  const clusters = clusterRecords(records);
  const pairs = rule ? rewordedPairs(records, clusters) : [];
  if (!rule || !pairs.length) return clusters;
  const which = [...new Set(pairs.flat())].sort((a, b) => a - b);
  const values = await gradientRows(model, sequences(which.map((k) => records[k]!)), rule, options);
  return joinSameGradient(clusters, pairs, { which, values, width: rule.width, cosine: Number(rule.cosine) });
}

/**
 * Each record's gradient as a row of `width` numbers: of its loss, at a fresh adapter on every linear layer (A random, B zero,
 * so that the base answers as it does without one). Only the B have a gradient there: the errors on the way back times random
 * projections of what each layer read. Their numbers are sketched, tensor by tensor, into one row (kernels/sketch/plan.ts), which keeps
 * cosines to about 1/√width. RF32 on the backend, then float64 sums in a fixed order rounded once: the same bits everywhere.
 */
export async function gradientRows(
  model: Model, records: readonly (readonly Sequence[])[], { rank, seed, width }: Pick<CopyRule, 'rank' | 'seed' | 'width'>, { signal, onProgress }: Options = {},
): Promise<Float32Array> {
  const { backend, config } = model;
  const lora = initialLora(backend, config, { rank, alpha: rank, rslora: false, targets: [...TARGETS] }, seed);
  const rows = new Float64Array(records.length * width);
  try {
    const tensors = [...lora.pairs].map(([name, { b }], stream) => ({ name: `${name}.lora_B`, values: size(b.shape), plan: sketchPlan(seed, stream, size(b.shape), width) }));
    await eachRecordGradients(model, lora, records, [...records.keys()], async (_scope, gradients, first, count) => {
      for (const { name, values, plan } of tensors) {
        const found = (await backend.read(gradients.get(name)!)) as Float32Array;
        for (let i = 0; i < count; i++) addSketch(rows.subarray((first + i) * width, (first + i + 1) * width), found.subarray(i * values, (i + 1) * values), plan);
      }
    }, { signal, onProgress });
  } finally {
    freeLora(backend, lora);
  }
  return Float32Array.from(rows);
}

function addSketch(row: Float64Array, gradient: Float32Array, { starts, members }: SketchPlan): void {
  for (let j = 0; j < row.length; j++) {
    let sum = 0;
    for (let e = starts[j]!; e < starts[j + 1]!; e++) sum += members[e]! >= NEGATIVE ? -gradient[members[e]! - NEGATIVE]! : gradient[members[e]!]!;
    row[j]! += sum;
  }
}
