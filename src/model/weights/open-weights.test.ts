import { describe, expect, it } from 'vitest';
import { type ModelFolder, memoryFolder } from '../../protocol/model-folder.ts';
import { type Tensors, writeSafetensors } from '../safetensors.ts';
import { openWeights } from './open-weights.ts';
import { writeHubLayout } from './write-hub-layout.ts';

const tensors: Tensors = new Map(['c', 'a', 'b', 'd'].map((name, i) => [name, { shape: [2, 8], values: new Float32Array(16).fill(i + 1) }]));
const sharded = () => writeHubLayout({ model_type: 'llama' }, tensors, { dtype: 'BF16', shardBytes: 70 });
const INDEX = 'model.safetensors.index.json';
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const weightMap = (files: Record<string, Uint8Array>) => (JSON.parse(new TextDecoder().decode(files[INDEX])) as { weight_map: Record<string, string> }).weight_map;

async function refusal(files: Record<string, Uint8Array>): Promise<{ code: string; message: string }> {
  return openWeights(memoryFolder('test', files)).then(() => { throw new Error('was read'); }, (error) => error);
}

describe('a folder as hubs keep it', () => {
  it('is written in shards and found again', async () => {
    const files = sharded();
    expect(Object.keys(files)).toEqual(['config.json', 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', INDEX]);
    const found = await openWeights(memoryFolder('test', files));
    expect([...found.values()].map(({ name, source, shape, dtype }) => [name, source.name, shape, dtype])).toEqual([
      ['a', 'model-00001-of-00002.safetensors', [2, 8], 'BF16'],
      ['c', 'model-00001-of-00002.safetensors', [2, 8], 'BF16'],
      ['b', 'model-00002-of-00002.safetensors', [2, 8], 'BF16'],
      ['d', 'model-00002-of-00002.safetensors', [2, 8], 'BF16'],
    ]);
  });
  it('is one file where that is enough, and then needs no index', async () => {
    const files = writeHubLayout({}, tensors, { dtype: 'F32' });
    expect(Object.keys(files)).toEqual(['config.json', 'model.safetensors']);
    expect((await openWeights(memoryFolder('test', files))).size).toBe(4);
  });
  it('may state a total size that is wrong', async () => {
    const files = sharded();
    files[INDEX] = json({ metadata: { total_size: 1 }, weight_map: weightMap(files) });
    expect((await openWeights(memoryFolder('test', files))).size).toBe(4);
  });
});

describe('a folder that is not right', () => {
  it.each([[null], [[]], [{}], [{ weight_map: [] }], [{ weight_map: {} }], [{ weight_map: { a: 1 } }]])('index %j', async (index) => {
    expect(await refusal({ ...sharded(), [INDEX]: json(index) })).toMatchObject({ code: 'weights/bad-index' });
  });
  it.each(['../model.safetensors', '/etc/passwd', 'a/b.safetensors', 'a\\b.safetensors', '.safetensors', 'model.bin', '', 'https://x/y.safetensors'])('an index that points to “%s”', async (file) => {
    expect(await refusal({ ...sharded(), [INDEX]: json({ weight_map: { a: file } }) })).toMatchObject({ code: 'weights/bad-index', message: expect.stringContaining('“a”') });
  });
  it('an index that is no JSON, or far too large', async () => {
    expect(await refusal({ ...sharded(), [INDEX]: new TextEncoder().encode('{') })).toMatchObject({ code: 'folder/not-json' });
    let reads = 0;
    const folder: ModelFolder = {
      label: 'large', list: async () => [{ name: INDEX, size: 2 ** 30 }],
      open: async (name) => ({ name, size: 2 ** 30, read: async () => (reads++, new Uint8Array()) }),
    };
    await expect(openWeights(folder)).rejects.toMatchObject({ code: 'folder/file-too-large' });
    expect(reads).toBe(0);
  });
  it('a shard that is missing is named', async () => {
    const { 'model-00002-of-00002.safetensors': _gone, ...rest } = sharded();
    expect(await refusal(rest)).toMatchObject({ code: 'weights/incomplete', message: expect.stringContaining('model-00002-of-00002.safetensors') });
  });
  it('a shard cut off anywhere', async () => {
    const files = sharded();
    const shard = files['model-00002-of-00002.safetensors']!;
    for (let length = 0; length < shard.length; length++) {
      expect(await refusal({ ...files, 'model-00002-of-00002.safetensors': shard.slice(0, length) })).toMatchObject({ code: 'safetensors/damaged', message: expect.stringContaining('model-00002-of-00002') });
    }
  });
  it('a tensor that the index places where it is not', async () => {
    const files = sharded();
    const map = weightMap(files);
    expect(await refusal({ ...files, [INDEX]: json({ weight_map: { ...map, a: map.b } }) })).toMatchObject({ code: 'weights/incomplete', message: expect.stringContaining('“a”') });
    expect(await refusal({ ...files, [INDEX]: json({ weight_map: { ...map, e: map.b } }) })).toMatchObject({ code: 'weights/incomplete', message: expect.stringContaining('“e”') });
  });
  it('a tensor in two shards', async () => {
    const files = sharded();
    files['model-00002-of-00002.safetensors'] = writeSafetensors(new Map([...tensors].filter(([name]) => name !== 'c')), 'BF16');
    expect(await refusal(files)).toMatchObject({ code: 'weights/incomplete', message: expect.stringContaining('“a”') });
  });
  it('no weights, or weights of another kind', async () => {
    expect(await refusal({ 'config.json': json({}) })).toMatchObject({ code: 'weights/none' });
    expect(await refusal({ 'pytorch_model.bin': json({}) })).toMatchObject({ code: 'weights/none', message: expect.stringContaining('pytorch_model.bin') });
  });
});
