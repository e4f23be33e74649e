import type { ModelConfig } from '../model/config.ts';
import { type LoraConfig, adaptedLayers, linearShape } from '../model/lora.ts';

/** Adapter tensors in ledger order with how many numbers each has, known before there is an adapter. */
export function ledgerShapes(model: ModelConfig, config: LoraConfig): { name: string; values: number }[] {
  return adaptedLayers(model, config).flatMap(({ name, target, rank }) => {
    const [out, input] = linearShape(model, target);
    return [{ name: `${name}.lora_A`, values: rank * input }, { name: `${name}.lora_B`, values: out * rank }];
  });
}
