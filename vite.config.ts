import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  // Relative addresses, so that one build works from any host and path.
  base: './',
  plugins: [svelte()],
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // New enough for light-dark(): every browser with WebGPU is.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // The companion's policy allows data: fonts and images, but files of their own are cached better.
    assetsInlineLimit: 2048,
    sourcemap: false,
    // In a chunk of their own: else the bundler puts helpers that every page needs beside them.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'curves', test: /node_modules.@noble.curves/ }] } } },
  },
});
