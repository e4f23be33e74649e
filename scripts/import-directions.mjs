/**
 * Imports point downwards only (docs and design: arithmetic, protocol, errors ← kernels ← model ← attribution;
 * storage, chain ← protocol; workers join them; state ← workers, chain; components, pages ← state; serve may use
 * everything except the UI). For each folder of src: the folders it may not import.
 */
const folders = ['protocol', 'arithmetic', 'kernels', 'model', 'fast', 'attribution', 'storage', 'chain', 'workers', 'state', 'components', 'pages', 'serve'];

const allowed = {
  protocol: [],
  arithmetic: [],
  kernels: ['arithmetic'],
  model: ['kernels', 'arithmetic', 'protocol'],
  fast: ['model', 'kernels', 'arithmetic', 'protocol'],
  attribution: ['model', 'kernels', 'arithmetic', 'protocol', 'storage'],
  storage: ['protocol'],
  chain: ['protocol'],
  workers: ['attribution', 'fast', 'model', 'kernels', 'arithmetic', 'protocol', 'storage'],
  state: ['workers', 'chain', 'protocol'],
  components: ['state', 'protocol', 'components'],
  pages: ['state', 'components', 'protocol', 'pages'],
  serve: ['attribution', 'fast', 'model', 'kernels', 'arithmetic', 'protocol', 'storage', 'chain', 'workers'],
};

export const restrictedImports = Object.entries(allowed).map(([folder, may]) => ({
  files: [`src/${folder}/**/*.{ts,svelte}`],
  ignores: ['**/*.test.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: folders.filter((other) => other !== folder && !may.includes(other)).map((other) => `**/${other}/**`),
            message: `src/${folder} may import ${may.length ? may.map((name) => `src/${name}`).join(', ') : 'nothing'} of src only.`,
            allowTypeImports: folder === 'state' || folder === 'components' || folder === 'pages' || folder === 'workers',
          },
          ...(['state', 'components', 'pages'].includes(folder) ? [] : [{ group: ['svelte', 'svelte/**', '*.svelte'], message: 'Nothing below state imports Svelte.' }]),
        ],
      },
    ],
  },
}));
