/** Runs in a browser page (chromium.test.ts): ONNX Runtime in that browser against the CPU backend's exact lane. */
import { createCpuBackend } from '../kernels/cpu/backend.ts';
import { parseConfig } from '../model/config.ts';
import { generate } from '../model/generate.ts';
import { parseLoraConfig, uploadLora } from '../model/lora.ts';
import { uploadModel } from '../model/model.ts';
import { parseSafetensors } from '../model/safetensors.ts';
import { agreement } from './agreement.ts';
import { FastLane } from './lane.ts';
import type { Provider } from './runtime.ts';

export interface PageReport {
  tokens: number;
  same: number;
}

/** `inputs`: weights as inputs of each run, as large models have them. */
async function fastLane(provider: Provider, prompts: number[][], inputs: boolean): Promise<PageReport> {
  const bytes = async (path: string) => new Uint8Array(await (await fetch(path)).arrayBuffer());
  const json = async (path: string): Promise<unknown> => (await fetch(path)).json();
  const config = parseConfig(await json('base/config.json'));
  const tensors = parseSafetensors(await bytes('base/model.safetensors'));
  const lora = parseLoraConfig(await json('adapter/adapter_config.json'));
  const factors = parseSafetensors(await bytes('adapter/adapter_model.safetensors'));
  const model = uploadModel(await createCpuBackend(), config, tensors);
  const adapter = uploadLora(model.backend, config, lora, factors);
  const lane = await FastLane.open({ config, provider, tensors: [...tensors].map(([name, tensor]) => ({ name, ...tensor })), ...(inputs ? { atOnceBytes: 0 } : {}) });
  lane.loadAdapter(3, lora, factors);
  const report = { tokens: 0, same: 0 };
  for (const [i, prompt] of prompts.entries()) {
    const slot = i % 2 ? 3 : undefined;
    const answer = await generate(model, slot === undefined ? undefined : adapter, prompt, { maxTokens: 4, stop: config.eos });
    report.tokens += answer.length;
    report.same += await agreement(lane, slot, prompt, answer);
  }
  await lane.close();
  return report;
}

Object.assign(globalThis, { openledgerFastLane: fastLane });
