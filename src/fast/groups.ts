import type { ModelConfig } from '../model/config.ts';
import { type Target, linearShape, moduleOf } from '../model/lora.ts';

/** Linear layers that read the same input become one matrix product, their outputs side by side. */
export const GROUPS = {
  qkv: ['q_proj', 'k_proj', 'v_proj'],
  o: ['o_proj'],
  gateUp: ['gate_proj', 'up_proj'],
  down: ['down_proj'],
} as const satisfies Record<string, readonly Target[]>;
export type Group = keyof typeof GROUPS;

/** One linear layer inside its group: its outputs are the columns from `from` on. */
export interface Member {
  /** Hugging Face's name without `model.` and without `.weight`. */
  name: string;
  target: Target;
  from: number;
  out: number;
}

export interface GroupedLinear {
  /** Name in the graph: `layers.<n>.<group>`. */
  name: string;
  layer: number;
  group: Group;
  input: number;
  /** Outputs of all members together. */
  output: number;
  members: Member[];
}

/** The grouped linear layer of one layer of the model. */
export function groupedLinear(config: ModelConfig, layer: number, group: Group): GroupedLinear {
  let output = 0;
  const members = GROUPS[group].map((target): Member => {
    const [out] = linearShape(config, target);
    const from = output;
    output += out;
    return { name: `layers.${layer}.${moduleOf(target)}.${target}`, target, from, out };
  });
  return { name: `layers.${layer}.${group}`, layer, group, input: linearShape(config, GROUPS[group][0])[1], output, members };
}

/** All grouped linear layers, in the order of the graph. */
export function groupedLinears(config: ModelConfig): GroupedLinear[] {
  const groups = Object.keys(GROUPS) as Group[];
  return Array.from({ length: config.layers }, (_, layer) => groups.map((group) => groupedLinear(config, layer, group))).flat();
}
