import { mkdirSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { RESULTS, type TestNetwork, startTestNetwork } from './network.ts';

declare module 'vitest' {
  interface ProvidedContext {
    network: TestNetwork;
  }
}

/** One network for all files: starting it costs more than most tests. */
export default async function setup({ provide }: TestProject) {
  if (!process.env.OPENLEDGER_E2E_DIST) {
    const { prepare } = (await import('../../scripts/prepare.mjs' as string)) as { prepare(what: { app: boolean }): Promise<void> };
    await prepare({ app: true });
  }
  mkdirSync(RESULTS, { recursive: true });
  const { stop, ...network } = await startTestNetwork();
  provide('network', network);
  return stop;
}
