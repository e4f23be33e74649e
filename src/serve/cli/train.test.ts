import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DEFAULT_RECIPE } from '../../model/recipe.ts';
import { type KeptTraining, readCheckpoint, writeCheckpoint } from './checkpoint-file.ts';
import { recipeFrom } from './train.ts';

const folder = mkdtempSync(join(tmpdir(), 'openledger-checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a recipe from flags', () => {
  it('is the default without any, and reads each', () => {
    expect(recipeFrom({})).toEqual(DEFAULT_RECIPE);
    expect(recipeFrom({ targets: 'all-linear', schedule: 'cosine' })).toEqual(DEFAULT_RECIPE);
    expect(recipeFrom({ targets: 'v_proj, q_proj', schedule: 'constant', accumulate: '4', rslora: true, rate: '1e-3', seed: '0' })).toEqual({
      ...DEFAULT_RECIPE, targets: ['q_proj', 'v_proj'], schedule: 'constant', accumulate: 4, rslora: true, rate: 1e-3, seed: 0,
    });
  });
  it.each([{ rank: '0' }, { rank: '2000' }, { accumulate: '1.5' }, { rate: '' }, { targets: 'q_proj,head' }, { targets: '' }, { schedule: 'linear' }])('refuses %j', (flags) => {
    expect(() => recipeFrom(flags)).toThrow(expect.objectContaining({ code: 'train/bad-recipe' }) as Error);
  });
});

describe('a checkpoint file', () => {
  const path = join(folder, 'run.checkpoint');
  const values = (...list: number[]) => Float32Array.of(...list);
  const kept: KeptTraining = {
    run: `0x${'ab'.repeat(32)}`, accumulate: 3,
    checkpoint: { step: 7, tokens: 2 ** 33, parameters: [{ name: 'layers.0.mlp.up_proj.lora_A', values: values(1.5, -2), m: values(0, 3), v: values(4, 0) }] },
  };
  const bytes = () => {
    writeCheckpoint(path, kept);
    return readFileSync(path);
  };

  it('comes back as it was written', () => {
    writeCheckpoint(path, kept);
    expect(readCheckpoint(path)).toEqual(kept);
  });

  it.each<[string, () => Uint8Array, string]>([
    ['cut off', () => bytes().subarray(0, -4), 'safetensors/damaged'],
    ['without its line', () => bytes().subarray(bytes().indexOf(10) + 1), 'train/bad-checkpoint'],
    ['empty', () => new Uint8Array(0), 'train/bad-checkpoint'],
    ['of another kind', () => Buffer.from(bytes().toString('latin1').replace('checkpoint/1', 'checkpoint/9'), 'latin1'), 'train/bad-checkpoint'],
    ['with an impossible step', () => Buffer.from(bytes().toString('latin1').replace('"step":7', '"step":-7'), 'latin1'), 'train/bad-checkpoint'],
    ['with NaN', () => Buffer.from(bytes().toString('latin1').replace('\x00\x00\xc0\x3f', '\x00\x00\xc0\x7f'), 'latin1'), 'safetensors/damaged'],
    ['without a moment', () => Buffer.from(bytes().toString('latin1').replace('lora_A.m"', 'lora_A.x"'), 'latin1'), 'train/bad-checkpoint'],
  ])('%s is refused', (_name, spoilt, code) => {
    const other = join(folder, 'spoilt');
    writeFileSync(other, spoilt());
    expect(() => readCheckpoint(other)).toThrow(expect.objectContaining({ code }) as Error);
  });
});
