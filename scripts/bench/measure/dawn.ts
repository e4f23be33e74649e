import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../machine.ts';
import type { Report } from '../report.ts';
import { type KernelFigures, reportKernels } from './kernels.ts';

const LONGEST_MS = 120_000;

/** Kernels on Dawn in Node on Mesa's llvmpipe, another compiler than Chromium's SwiftShader. */
export async function reportDawnKernels(report: Report, budgetMs: number): Promise<void> {
  const { device, figures } = JSON.parse(await output(['--import', 'tsx', join(root, 'scripts/bench/dawn-kernels.node.ts'), String(budgetMs)])) as { device: string; figures: KernelFigures };
  reportKernels(report, figures, `WebGPU, Dawn in Node, ${device}`);
}

function output(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
    let out = '';
    let errors = '';
    child.stdout.on('data', (piece) => (out += piece));
    child.stderr.on('data', (piece) => (errors += piece));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(out);
      else reject(new Error(`The process ended with ${code ?? signal}. ${errors.trim().slice(-300)}`));
    });
  });
}
