import { describe, expect, it } from 'vitest';
import type { Case } from '../case.ts';
import { caseLists } from '../cases.ts';
import type { Shape } from '../operation.ts';
import { formCases } from '../self-test-cases.ts';
import { shaders } from './shaders.ts';
import { shaderSource } from './shader-source.ts';
import type { DeviceTraits } from './wgsl.ts';

/** WebGPU's guaranteed limits. */
const least: DeviceTraits = { software: false, invocations: 256, workgroupBytes: 16_384, storageBuffers: 8 };
const BYTES: Readonly<Record<string, number>> = { f32: 4, u32: 4, i32: 4, vec4f: 16 };

/** Bytes of workgroup memory that a program declares. */
function workgroupBytes(code: string): number {
  let bytes = 0;
  for (const [, type] of code.matchAll(/var<workgroup>\s+\w+\s*:\s*([^;]+);/g)) {
    const [, element, count] = /^array<(\w+), (\d+)>$/.exec(type!.trim()) ?? [];
    if (!element || !BYTES[element]) throw new Error(`workgroup memory of type ${type}`);
    bytes += BYTES[element] * Number(count);
  }
  return bytes;
}

const cases: Case[] = [...caseLists.flatMap((list) => [...list.cases, list.random(1), list.random(2), list.random(3)]), ...formCases()];

function worst(device: DeviceTraits): Map<string, { bytes: number; invocations: number; buffers: number }> {
  const found = new Map<string, { bytes: number; invocations: number; buffers: number }>();
  for (const { operation, inputs, params } of cases) {
    const shapes = inputs.map(({ shape }) => shape) as Shape[];
    const wgsl = shaders[operation.name]!;
    const { variant = '' } = wgsl.dispatch(shapes, params, device);
    const key = `${operation.name} ${variant}`;
    if (found.has(key)) continue;
    const { code, bindings, workgroup } = shaderSource(operation, wgsl, operation.outputs(shapes, params), variant, false);
    found.set(key, { bytes: workgroupBytes(code), invocations: workgroup, buffers: bindings.filter(({ kind }) => kind !== 'uniform').length });
  }
  return found;
}

describe.each([
  ['WebGPU', least],
  ['WebGPU in software', { ...least, software: true }],
])('every program keeps to the guaranteed limits of %s', (_, device) => {
  const found = worst(device);
  it('was looked at in many forms', () => {
    expect(found.size).toBeGreaterThan(60);
  });
  it('workgroup memory', () => {
    expect([...found].filter(([, { bytes }]) => bytes > device.workgroupBytes)).toEqual([]);
  });
  it('invocations', () => {
    expect([...found].filter(([, { invocations }]) => invocations > device.invocations)).toEqual([]);
  });
  it('storage buffers', () => {
    expect([...found].filter(([, { buffers }]) => buffers > device.storageBuffers)).toEqual([]);
  });
});

it('devices of 128 invocations get programs of 128, fused decoding apart', () => {
  const wide = [...worst({ ...least, invocations: 128 })].filter(([name, { invocations }]) => invocations > 128 && !name.startsWith('decode'));
  expect(wide).toEqual([]);
});
