/**
 * Generates with small models of several shapes on a WebGPU of Dawn and on the CPU and prints where they differ, as one
 * line of JSON. A process of its own, as Dawn wants it. `npx tsx src/model/testing/decode-equality.node.ts opengles [models]`
 */
import { toWire } from '../../errors.ts';
import type { Backend } from '../../kernels/backend.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import type { Format } from '../../kernels/matrix/matrix.ts';
import { createWebGpuBackend } from '../../kernels/webgpu/backend.ts';
import { type DawnKind, openDawn } from '../../kernels/webgpu/dawn.node.ts';
import { AdapterPool } from '../adapter-pool.ts';
import { generate } from '../generate.ts';
import { generateBatch } from '../generate-batch.ts';
import { TARGETS, parseLoraConfig, uploadLora } from '../lora.ts';
import { factorsOf } from './factors.ts';
import { randomModel, smallConfig } from './random-model.ts';

const [kind, models = '9'] = process.argv.slice(2) as [DawnKind, string?];
const prompt = (seed: number, length: number) => Array.from({ length }, (_, i) => 3 + ((seed * 37 + i * 11) % 90));
const loraConfig = (rank: number) => parseLoraConfig({ peft_type: 'LORA', r: rank, lora_alpha: 2 * rank, target_modules: [...TARGETS] });

const cases: [string, Record<string, unknown>, Format][] = [
  ['llama', {}, 'f32'],
  ['qwen2', { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], tie_word_embeddings: true }, 'f16'],
  ['mistral', { model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: 5, head_dim: 6 }, 'bf16'],
  ['wide', { hidden_size: 600, num_key_value_heads: 1 }, 'q8'],
  ['many heads', { num_key_value_heads: 6 }, 'q4'],
];

async function answers(backend: Backend, change: Record<string, unknown>, format: Format): Promise<Record<string, number[]>> {
  const config = smallConfig(change);
  const model = randomModel(backend, config, 3, format);
  const lora = uploadLora(backend, config, loraConfig(3), factorsOf(config, loraConfig(3)));
  const options = { maxTokens: 12, stop: [] };
  const pool = new AdapterPool(model, { slots: 2, rank: 3 });
  for (const slot of [0, 1]) pool.load(slot, { config: loraConfig(slot + 2), tensors: factorsOf(config, loraConfig(slot + 2), slot) });
  const batch = await generateBatch(model, pool, [0, undefined, 1, 1, 0].map((slot, i) => ({ ...options, slot, prompt: prompt(i, 3 + 2 * i) })));
  return {
    'with an adapter': await generate(model, lora, prompt(1, 9), options),
    'picked': await generate(model, lora, prompt(1, 9), { ...options, pick: (logits) => logits.indexOf(Math.min(...logits)) }),
    'without': await generate(model, undefined, prompt(2, 5), options),
    ...Object.fromEntries(batch.map((answer, i) => [`in a batch ${i}`, answer])),
  };
}

async function main(): Promise<{ skipped?: string; cases: number; differences: string[] }> {
  let backend: Backend;
  try {
    const { adapter } = await openDawn(kind);
    backend = await createWebGpuBackend({ adapter });
  } catch (error) {
    if (toWire(error).code !== 'webgpu/unavailable') throw error;
    return { skipped: toWire(error).why ?? toWire(error).what, cases: 0, differences: [] };
  }
  const cpu = await createCpuBackend();
  const differences: string[] = [];
  let count = 0;
  for (const [name, change, format] of cases.slice(0, Number(models))) {
    const [expected, got] = [await answers(cpu, change, format), await answers(backend, change, format)];
    for (const [what, answer] of Object.entries(expected)) {
      count++;
      if (answer.join() !== got[what]!.join()) differences.push(`${name} ${what}: ${answer.join()} and ${got[what]!.join()}`);
    }
  }
  backend.destroy();
  return { cases: count, differences };
}

main().then(
  (report) => {
    console.log(JSON.stringify(report));
    process.exit(0);
  },
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
