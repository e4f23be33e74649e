import { describe, expect, it } from 'vitest';
import { runCase } from './case.ts';
import { caseLists } from './cases.ts';
import { compareCase } from './compare.ts';
import { createCpuBackend } from './cpu/backend.ts';
import { operations } from './operations.ts';
import { ReferenceBackend } from './reference/backend.ts';
import type { DawnKind } from './webgpu/dawn.node.ts';
import { shaders } from './webgpu/shaders.ts';
import { spawnEquality } from './webgpu/spawn-equality.node.ts';

const reference = new ReferenceBackend();
const cpu = await createCpuBackend();
const ROUNDS = 8;

describe('every operation', () => {
  it.each(operations.map(({ name }) => name))('%s has WGSL and declared cases', (name) => {
    expect(shaders[name]).toBeDefined();
    expect(caseLists.find(({ operation }) => operation.name === name)?.cases.length).toBeGreaterThan(0);
  });

  it('declares cases that stay in range', async () => {
    // A case that leaves RF32's range would compare error codes only.
    for (const { cases } of caseLists) for (const one of cases) await expect(runCase(reference, one), one.name).resolves.toBeDefined();
  });
});

describe('the CPU backend gives the bits of the plain TypeScript reference', () => {
  it.each(caseLists.map((list) => [list.operation.name, list] as const))('%s', async (_, list) => {
    const random = Array.from({ length: ROUNDS }, (_, round) => list.random(round * 104729 + 1));
    for (const one of [...list.cases, ...random]) expect(await compareCase(one, reference, cpu)).toBeUndefined();
  });
});

describe('WebGPU gives the bits of the plain TypeScript reference', () => {
  const devices: [string, DawnKind, string[]][] = [
    ['Dawn on Mesa llvmpipe', 'opengles', ['4', 'select']],
    ['Dawn on Mesa llvmpipe, protected programs for real processors, work split', 'opengles', ['0', 'protected', 'hardware', 'split']],
    ['Dawn on SwiftShader', 'swiftshader', ['1']],
    ['Dawn on SwiftShader, programs for 128 invocations', 'swiftshader', ['0', 'hardware', 'narrow']],
  ];
  for (const [name, kind, flags] of devices) {
    it(name, { timeout: 600_000 }, async (context) => {
      const report = await spawnEquality(kind, ...flags);
      if (report.skipped) {
        console.warn(`NOT TESTED: ${name}. ${report.skipped}`);
        return context.skip(report.skipped);
      }
      expect(report.differences).toEqual([]);
      expect(report.selfTest).toEqual([]);
      expect(report.deviceChecks).toEqual([]);
      expect(report.cases).toBeGreaterThan(150);
    });
  }
});
