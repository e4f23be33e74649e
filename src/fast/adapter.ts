import type { ModelConfig } from '../model/config.ts';
import { type LoraConfig, fittedFactors } from '../model/lora.ts';
import type { Tensors } from '../model/safetensors.ts';
import { groupedLinears } from './groups.ts';
import { transposeInto } from './weights.ts';

/** The factors of one grouped linear layer: update = (x · a) · b with a[in, R], b[R, out]. */
export interface GroupFactors {
  /** Name in the graph, such as `layers.0.qkv`. */
  name: string;
  rank: number;
  input: number;
  output: number;
  a: Float32Array;
  b: Float32Array;
}

/** Columns of A come in fours, so that ONNX Runtime's kernels can read four values at a time; the rest are zeros. */
const MULTIPLE = 4;

/**
 * An adapter's factors as the graph takes them: members of a group side by side in A and each in its own rows and
 * columns of B, which is 0 elsewhere; the scale is multiplied into B. Without an adapter all factors are zeros.
 * Throws `adapter/does-not-fit`.
 */
export function packFactors(model: ModelConfig, adapter?: { config: LoraConfig; tensors: Tensors }): GroupFactors[] {
  const fitted = new Map(adapter ? fittedFactors(model, adapter.config, adapter.tensors).map((layer) => [layer.name, layer]) : []);
  return groupedLinears(model).map(({ name, input, output, members }) => {
    const present = members.flatMap(({ name: layer, from, out }) => {
      const factors = fitted.get(layer);
      return factors ? [{ ...factors, from, out }] : [];
    });
    const used = present.reduce((sum, { rank }) => sum + rank, 0);
    const rank = MULTIPLE * Math.max(1, Math.ceil(used / MULTIPLE));
    const a = new Float32Array(input * rank);
    const b = new Float32Array(rank * output);
    let at = 0;
    for (const member of present) {
      transposeInto(a, { from: at, of: rank }, member.a.values, member.rank, input);
      transposeInto(b.subarray(at * output), { from: member.from, of: output }, member.b.values, member.out, member.rank, member.scale);
      at += member.rank;
    }
    return { name, rank, input, output, a, b };
  });
}
