import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['tests/e2e/**/*.test.ts'],
    // The second needs what the first generates.
    globalSetup: ['scripts/chain/vitest-global-setup.ts', 'tests/e2e/global-setup.ts'],
    pool: 'forks',
    // One browser at a time: two cores.
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 300_000,
  },
});
