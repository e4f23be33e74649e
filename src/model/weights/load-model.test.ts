import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { initialWeights } from '../../../scripts/pretrain/initial-weights.ts';
import { configJson } from '../../../scripts/pretrain/recipe.ts';
import type { Backend, Tensor } from '../../kernels/backend.ts';
import { CpuBackend } from '../../kernels/cpu/backend.ts';
import { gatherRows } from '../../kernels/matrix/matrix.ts';
import { Scope } from '../../kernels/scope.ts';
import { type ByteSource, type ModelFolder, memoryFolder } from '../../protocol/model-folder.ts';
import { roundedBaseRoot, tensorsRoot } from '../../protocol/tensors.ts';
import { parseConfig } from '../config.ts';
import { type Model, freeModel, uploadModel, weightShapes } from '../model.ts';
import { type Tensors, parseSafetensors } from '../safetensors.ts';
import { loadModel } from './load-model.ts';
import { openWeights } from './open-weights.ts';
import { planWeights } from './plan-weights.ts';
import { writeHubLayout } from './write-hub-layout.ts';

const json = configJson(64, 2, 160, 512);
const config = parseConfig(json);
const tensors: Tensors = new Map([...initialWeights(config, 1)].map(([name, tensor]) => [name === 'lm_head.weight' ? name : `model.${name}`, tensor]));
const layout = (dtype: 'F32' | 'F16' | 'BF16', given = tensors) => writeHubLayout(json, given, { dtype, shardBytes: 60_000 });
const folderOf = (files: Record<string, Uint8Array>) => memoryFolder('test', files);

/** All weights of a model as float32, by name. */
async function weightsOf(model: Model): Promise<Map<string, Float32Array>> {
  const found = new Map<string, Float32Array>();
  for (const [name, tensor] of model.vectors) found.set(name, (await model.backend.read(tensor)) as Float32Array);
  for (const [name, matrix] of model.matrices) {
    const scope = new Scope(model.backend);
    const ids = scope.upload('ids', [matrix.rows], Uint32Array.from({ length: matrix.rows }, (_, i) => i));
    found.set(name, (await model.backend.read(gatherRows(scope, name, matrix, ids))) as Float32Array);
    scope.release();
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What is in the files, as one parses them whole. */
function inFiles(files: Record<string, Uint8Array>): Tensors {
  return new Map(Object.entries(files).filter(([name]) => name.endsWith('.safetensors')).flatMap(([, bytes]) => [...parseSafetensors(bytes)]));
}
const rootOf = (all: Tensors) => tensorsRoot([...all.keys()].sort().map((name) => {
  const { shape, values } = all.get(name)!;
  const columns = shape[shape.length - 1]!;
  return { name, rows: values.length / columns, columns, values };
}));

describe('a model loaded in pieces', () => {
  it.each(['F32', 'F16', 'BF16'] as const)('from %s has the weights and the root of one uploaded whole', async (dtype) => {
    const backend = await CpuBackend.create();
    const files = layout(dtype);
    expect(Object.keys(files).length).toBeGreaterThan(5);
    const whole = inFiles(files);
    const seen: number[] = [];
    const loaded = await loadModel(backend, config, folderOf(files), { onProgress: (done, total) => seen.push(done / total) });
    expect(await weightsOf(loaded.model)).toEqual(await weightsOf(uploadModel(backend, config, whole)));
    expect(loaded.fileRoot).toBe(rootOf(whole));
    expect(loaded).toMatchObject({ root: loaded.fileRoot, rounded: undefined });
    expect(new Set([...loaded.model.matrices.values()].map(({ format }) => format))).toEqual(new Set([dtype.toLowerCase()]));
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen[seen.length - 1]).toBe(1);
  });

  it.each(['F16', 'BF16'] as const)('keeps the bits of %s, but those of what RF32 stores as +0', async (dtype) => {
    const backend = await CpuBackend.create();
    const values = tensors.get('model.embed_tokens.weight')!.values.slice();
    values.set([-0, 0, -1, 65504, -65280, 2 ** -24, -(2 ** -24), 2 ** -14, ...(dtype === 'BF16' ? [2 ** -100, -(2 ** -100), 2 ** -101, -(2 ** -120), 2 ** 50, -(2 ** 50)] : [])], 64);
    const files = layout(dtype, new Map([...tensors, ['model.embed_tokens.weight', { shape: [512, 64], values }]]));
    const codesOf = async (model: Model) => backend.read(model.matrices.get('embed_tokens.weight')!.parts[0]!.codes);
    const loaded = await loadModel(backend, config, folderOf(files), { fileRoot: 'skip' });
    const codes = await codesOf(loaded.model);
    expect(codes).toEqual(await codesOf(uploadModel(backend, config, inFiles(files), true, dtype === 'F16' ? 'f16' : 'bf16')));
    expect(codes[32]).toBe(0);
    expect(codes[33]).not.toBe(0);
  });

  it.each([['F16', 0x7c00], ['F16', 0xfe00], ['BF16', 0x5881], ['BF16', 0xff80], ['BF16', 0x7fc0]] as const)('in %s refuses the bits %d by tensor and place, hashed or not', async (dtype, bits) => {
    const files = writeHubLayout(json, tensors, { dtype });
    const file = files['model.safetensors']!;
    const { from } = (await openWeights(folderOf(files))).get('model.layers.0.self_attn.k_proj.weight')!;
    file.set([bits & 255, bits >> 8], from + 2 * 999);
    for (const fileRoot of ['skip', undefined] as const) {
      await expect(loadModel(await CpuBackend.create(), config, folderOf(files), { fileRoot })).rejects.toMatchObject({ code: 'safetensors/damaged', message: expect.stringMatching(/layers\.0\.self_attn\.k_proj\.weight” holds .* at 999\./) });
    }
  });

  it('has rows of an odd length, and rows split over parts, like one uploaded whole', async () => {
    const odd = parseConfig({ ...json, intermediate_size: 161, vocab_size: 700 });
    const all: Tensors = new Map([...initialWeights(odd, 2)].map(([name, tensor]) => [`model.${name}`, tensor]));
    for (const dtype of ['F32', 'BF16'] as const) {
      const backend = await CpuBackend.create();
      // 640 rows fit: the embedding's 700 take two parts.
      Object.defineProperty(backend, 'maxBinding', { value: 256 * 64 * (dtype === 'F32' ? 4 : 2) * 2.5 });
      const files = writeHubLayout(json, all, { dtype });
      const { model } = await loadModel(backend, odd, folderOf(files));
      expect(model.matrices.get('embed_tokens.weight')!.parts.length).toBe(2);
      expect(await weightsOf(model)).toEqual(await weightsOf(uploadModel(await CpuBackend.create(), odd, inFiles(files))));
    }
  });

  it('held in a coarser format has another root; in a finer one the same', async () => {
    const backend = await CpuBackend.create();
    const exact = await loadModel(backend, config, folderOf(layout('BF16')), { format: 'f32' });
    expect(exact).toMatchObject({ root: exact.fileRoot, rounded: undefined });
    const coarse = await loadModel(backend, config, folderOf(layout('F32')), { format: 'bf16' });
    expect(coarse).toMatchObject({ rounded: 'bf16', root: roundedBaseRoot(coarse.fileRoot!, 'bf16') });
    expect(await weightsOf(coarse.model)).toEqual(await weightsOf(exact.model));
  });

  it.each(['q8', 'q4'] as const)('quantised to %s is the one uploaded whole, with a root of its own; embeddings keep 8 bits', async (format) => {
    const backend = await CpuBackend.create();
    const files = layout('BF16');
    const loaded = await loadModel(backend, config, folderOf(files), { format });
    expect(loaded).toMatchObject({ rounded: format, root: roundedBaseRoot(loaded.fileRoot!, format) });
    expect(await weightsOf(loaded.model)).toEqual(await weightsOf(uploadModel(backend, config, inFiles(files), true, format)));
    expect(loaded.model.matrices.get('embed_tokens.weight')!.format).toBe('q8');
    expect(loaded.model.matrices.get('layers.0.mlp.up_proj.weight')!.format).toBe(format);
    const { weightBytes, rounded } = planWeights(config, await openWeights(folderOf(files)), format);
    const onDevice = [...loaded.model.matrices.values()].flatMap(({ parts }) => parts.flatMap(({ codes, scales }) => [codes, ...(scales ? [scales] : [])]));
    const sum = [...onDevice, ...loaded.model.vectors.values()].reduce((total, { shape }) => total + 4 * shape.reduce((a, b) => a * b), 0);
    expect([weightBytes, rounded]).toEqual([sum, format]);
  });

  it('is not hashed again where its root is known, or not wanted', async () => {
    const backend = await CpuBackend.create();
    const known = `0x${'12'.repeat(32)}` as const;
    expect(await loadModel(backend, config, folderOf(layout('F32')), { fileRoot: known })).toMatchObject({ fileRoot: known, root: known });
    expect(await loadModel(backend, config, folderOf(layout('F32')), { fileRoot: 'skip' })).toMatchObject({ fileRoot: undefined, root: undefined });
  });

  it('may have names without model., a tied head’s copy, and tensors without a place; they count in the root', async () => {
    const backend = await CpuBackend.create();
    const more: Tensors = new Map([...tensors].map(([name, tensor]) => [name.replace(/^model\./, ''), tensor]));
    more.set('lm_head.weight', tensors.get('model.embed_tokens.weight')!);
    more.set('layers.0.self_attn.rotary_emb.inv_freq', { shape: [16], values: new Float32Array(16).fill(0.5) });
    more.set('step', { shape: [], values: Float32Array.of(3) });
    const files = layout('F32', more);
    const loaded = await loadModel(backend, config, folderOf(files));
    expect(await weightsOf(loaded.model)).toEqual(await weightsOf(uploadModel(backend, config, tensors)));
    expect(loaded.fileRoot).toBe(rootOf(new Map([...more].map(([name, { shape, values }]) => [name, { shape: shape.length ? shape : [1], values }]))));
  });

  it('prepares positions up to a bound, and no more than the context', async () => {
    const backend = await CpuBackend.create();
    const long = { ...config, context: 131_072 };
    const folder = folderOf(layout('F32'));
    expect((await loadModel(backend, long, folder, { fileRoot: 'skip' })).model).toMatchObject({ positions: 8192, cos: { shape: [8192, 16] } });
    expect((await loadModel(backend, long, folder, { fileRoot: 'skip', positions: 100 })).model.positions).toBe(100);
    expect((await loadModel(backend, config, folder, { fileRoot: 'skip' })).model.positions).toBe(config.context);
  });
});

/** A folder that counts what is read, and lets a test step in. */
function counting(folder: ModelFolder, onRead: (from: number, to: number) => void): ModelFolder {
  return {
    label: folder.label,
    list: () => folder.list(),
    open: async (name): Promise<ByteSource> => {
      const source = await folder.open(name);
      return { name, size: source.size, read: (from, to, signal) => (onRead(from, to), source.read(from, to, signal)) };
    },
  };
}

describe('a model that cannot be loaded', () => {
  it.each([
    ['a tensor is missing', 'model/weights-do-not-fit', 'layers.1.mlp.up_proj.weight', (all: Tensors) => all.delete('model.layers.1.mlp.up_proj.weight')],
    ['a shape does not fit', 'model/weights-do-not-fit', 'norm.weight', (all: Tensors) => all.set('model.norm.weight', { shape: [65], values: new Float32Array(65) })],
  ] as const)('because %s: nothing is read or allocated', async (_, code, named, change) => {
    const backend = await CpuBackend.create();
    const before = backend.memory().bytes;
    const changed = new Map(tensors);
    change(changed);
    let read = 0;
    const loading = loadModel(backend, config, counting(folderOf(layout('F32', changed)), (from, to) => (read += to - from)));
    await expect(loading).rejects.toMatchObject({ code, message: expect.stringContaining(named) });
    expect(read).toBeLessThan(10_000);
    expect(backend.memory()).toEqual({ bytes: before, peakBytes: before });
  });

  it('because its config names a billion layers: found at once', async () => {
    const backend = await CpuBackend.create();
    await expect(loadModel(backend, { ...config, layers: 1e9 }, folderOf(layout('F32')))).rejects.toMatchObject({ code: 'model/weights-do-not-fit', message: expect.stringContaining('layers.2.') });
  });

  it('because it is too large: the sizes are named, nothing is read or allocated, and a smaller format fits', async () => {
    const backend = await CpuBackend.create();
    const before = backend.memory().bytes;
    const { weightBytes, tableBytes, cacheBytes } = planWeights(config, await openWeights(folderOf(layout('F32'))), 'auto');
    expect(weightBytes).toBe([...weightShapes(config).values()].reduce((sum, shape) => sum + 4 * shape.reduce((a, b) => a * b), 0));
    const memoryLimit = weightBytes + tableBytes + cacheBytes - 1;
    let read = 0;
    const folder = counting(folderOf(layout('F32')), (from, to) => (read += to - from));
    await expect(loadModel(backend, config, folder, { memoryLimit })).rejects.toMatchObject({ code: 'model/too-large', message: expect.stringMatching(/needs .* MiB .*; .* MiB are left/) });
    expect(read).toBeLessThan(10_000);
    expect(backend.memory().peakBytes).toBe(before);
    expect((await loadModel(backend, config, folder, { memoryLimit, format: 'bf16' })).model.matrices.size).toBe(15);
  });

  it.each([NaN, Infinity, -(2 ** 51)])('because a weight is %d: tensor and place are named, nothing stays allocated', async (value) => {
    const backend = await CpuBackend.create();
    const before = backend.memory().bytes;
    const bad = tensors.get('model.layers.1.mlp.down_proj.weight')!.values.slice();
    bad[777] = value;
    const loading = loadModel(backend, config, folderOf(layout('F32', new Map([...tensors, ['model.layers.1.mlp.down_proj.weight', { shape: [64, 160], values: bad }]]))));
    await expect(loading).rejects.toMatchObject({ code: 'safetensors/damaged', message: expect.stringMatching(/layers\.1\.mlp\.down_proj\.weight” holds .* at 777/) });
    expect(backend.memory().bytes).toBe(before);
  });

  it('because it is cancelled, or the source fails, in the middle: nothing stays allocated', async () => {
    for (const failing of [false, true]) {
      const backend = await CpuBackend.create();
      const before = backend.memory().bytes;
      const stop = new AbortController();
      let reads = 0;
      const folder = counting(folderOf(layout('F32')), (_, to) => {
        if (to > 20_000 && ++reads === 3) {
          stop.abort();
          if (failing) throw new RangeError('the disk is gone');
        }
      });
      await expect(loadModel(backend, config, folder, failing ? {} : { signal: stop.signal })).rejects.toThrow(failing ? 'the disk is gone' : 'Cancelled.');
      expect(backend.memory().bytes).toBe(before);
    }
  });
});

describe('a model of 300 MB', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;

  /** Takes what it is given and keeps nothing: what is measured is the loader's own memory. */
  class Sink implements Backend {
    readonly kind = 'reference';
    readonly device = 'nothing';
    readonly maxBinding = Infinity;
    held = 0;
    reads = 0;
    upload(name: string, shape: readonly number[]): Tensor {
      return this.create(name, shape, 'f32');
    }
    create(name: string, shape: readonly number[], dtype: Tensor['dtype']): Tensor {
      this.held++;
      return { name, shape: [...shape], dtype };
    }
    write(): void {}
    run(): Tensor[] {
      throw new RangeError('not here');
    }
    async read() {
      this.reads++;
      return new Float32Array(1);
    }
    free(): void {
      this.held--;
    }
    memory() {
      return { bytes: 0, peakBytes: 0 };
    }
    destroy(): void {}
  }

  it.each([['BF16', 2], ['F32', 4]] as const)('in %s never has more than 128 MiB of it in memory', async (dtype, width) => {
    const large = parseConfig({ ...configJson(1024, 8, 2816, 512), vocab_size: 160_000 / width });
    let at = 0;
    const header = new Map<string, unknown>();
    for (const [name, shape] of weightShapes(large)) {
      const bytes = width * shape.reduce((a, b) => a * b);
      header.set(`model.${name}`, { dtype, shape, data_offsets: [at, at + bytes] });
      at += bytes;
    }
    const head = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
    const start = new Uint8Array(8 + head.length);
    new DataView(start.buffer).setBigUint64(0, BigInt(head.length), true);
    start.set(head, 8);
    const size = start.length + at;
    expect(size).toBeGreaterThan(300e6);

    collect();
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    let longest = 0;
    const source: ByteSource = {
      name: 'model.safetensors', size,
      read: async (from, to) => {
        collect();
        most = Math.max(most, process.memoryUsage().arrayBuffers - before + (to - from));
        longest = Math.max(longest, to - from);
        const out = new Uint8Array(to - from);
        if (from < start.length) out.set(start.subarray(from, to));
        return out;
      },
    };
    const folder: ModelFolder = { label: 'large', list: async () => [{ name: source.name, size }], open: async () => source };
    let progress = 0;
    const { model } = await loadModel(new Sink(), large, folder, { fileRoot: 'skip', onProgress: (done) => (progress = done) });
    expect(progress).toBe(at);
    expect(model.matrices.size).toBe(57);
    expect(longest).toBeLessThanOrEqual(16 * 2 ** 20);
    console.log(`${dtype}: ${(most / 2 ** 20).toFixed(0)} MiB at most, of ${(size / 2 ** 20).toFixed(0)}`);
    expect(most).toBeLessThan(128 * 2 ** 20);
    freeModel(model);
    // The device was waited for on the way, and everything was let go of.
    expect((model.backend as Sink).reads).toBeGreaterThan(5);
    expect((model.backend as Sink).held).toBe(0);
  });
});
