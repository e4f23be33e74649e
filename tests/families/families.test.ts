import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { ReferenceBackend } from '../../src/kernels/reference/backend.ts';
import type { DawnKind } from '../../src/kernels/webgpu/dawn.node.ts';
import { digests } from './digest.ts';
import { FAMILIES, LORA, compute, makeFamily } from './families.ts';
import { oracle } from './float64.ts';

const cpu = await createCpuBackend();
const LORA_SCALE = LORA.alpha / LORA.rank;
/** Far inside the bounds of src/serve/verify-model.ts (3e-3 and 1e-2): what an option changes cannot hide in them. */
const BOUNDS = { logits: 1e-4, loss: 1e-4, gradients: 1e-3 };

function relativeError(out: ArrayLike<number>, reference: ArrayLike<number>): number {
  expect(out.length).toBe(reference.length);
  let [difference, norm] = [0, 0];
  for (let i = 0; i < reference.length; i++) {
    difference += (out[i]! - reference[i]!) ** 2;
    norm += reference[i]! ** 2;
  }
  return Math.sqrt(difference / norm);
}

describe('every family against its float64 form', () => {
  it.each(FAMILIES.map((family, i) => [family.name, family, i + 1] as const))('%s', async (_, family, seed) => {
    const made = makeFamily(family, seed);
    const got = await compute(cpu, made);
    const want = oracle(made, LORA_SCALE);
    expect(relativeError(got.logits, want.logits)).toBeLessThan(BOUNDS.logits);
    expect(Math.abs(got.loss / want.loss - 1)).toBeLessThan(BOUNDS.loss);
    expect([...got.gradients.keys()].sort()).toEqual([...want.gradients.keys()].sort());
    for (const [name, reference] of want.gradients) expect(relativeError(got.gradients.get(name)!, reference), name).toBeLessThan(BOUNDS.gradients);
    if (family.without) {
      // The option matters in this model, so the bounds above judge it.
      const other = oracle({ ...made, config: { ...made.config, ...family.without } }, LORA_SCALE);
      expect(relativeError(got.logits, other.logits)).toBeGreaterThan(100 * BOUNDS.logits);
    }
  });

  it('whose gradient is that of finite differences', () => {
    const made = makeFamily(FAMILIES[10]!, 3);
    const { gradients } = oracle(made, LORA_SCALE);
    for (const [name, i] of [['layers.0.self_attn.k_proj.lora_A', 5], ['layers.1.self_attn.q_proj.lora_B', 2], ['layers.0.mlp.gate_proj.lora_B', 7], ['layers.0.mlp.down_proj.lora_A', 11]] as const) {
      const at = (step: number) => {
        const key = `base_model.model.model.${name}.weight`;
        const { shape, values } = made.adapter.get(key)!;
        // Steps that float32 holds exactly beside the value.
        const moved = values.slice();
        moved[i] = Math.fround(values[i]! + step);
        return { x: moved[i]!, loss: oracle({ ...made, adapter: new Map([...made.adapter, [key, { shape, values: moved }]]) }, LORA_SCALE).loss };
      };
      const [a, b] = [at(2 ** -8), at(-(2 ** -8))];
      expect((a.loss - b.loss) / (a.x - b.x) / gradients.get(name)![i]!).toBeCloseTo(1, 2);
    }
  });
});

describe('every family has the same bits', async () => {
  const expected = await digests(cpu);

  it('on the CPU and in plain TypeScript', async () => expect(await digests(new ReferenceBackend())).toEqual(expected));
  it('however often it is computed, and leaves nothing behind', async () => {
    expect(await digests(cpu)).toEqual(expected);
    expect(new Set(Object.values(expected)).size).toBe(FAMILIES.length);
    expect(cpu.memory().bytes).toBe(0);
  });

  // SwiftShader is slow, so one in three: llama3 and linear scaling, a window, biases with a window and yarn.
  it.each([['Dawn on Mesa llvmpipe', 'opengles', 1], ['Dawn on SwiftShader', 'swiftshader', 3]] as [string, DawnKind, number][])('on %s', { timeout: 300_000 }, async (name, kind, every) => {
    const report = await spawnDigests(kind, every);
    if (report.skipped) return console.warn(`NOT TESTED: ${name}. ${report.skipped}`);
    expect(Object.keys(report.digests!)).toHaveLength(Math.floor(FAMILIES.length / every));
    expect(expected).toMatchObject(report.digests!);
  });
});

function spawnDigests(kind: DawnKind, every: number): Promise<{ skipped?: string; digests?: Record<string, string> }> {
  const script = fileURLToPath(new URL('digest.node.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--import', 'tsx', script, kind, String(every)], { timeout: 280_000, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      const last = stdout.trimEnd().split('\n').pop() ?? '';
      if (error || !last.startsWith('{')) reject(new Error(`${kind}: ${error?.message ?? 'no report'}\n${stderr.slice(-2000)}`));
      else resolve(JSON.parse(last) as { skipped?: string; digests?: Record<string, string> });
    });
  });
}
