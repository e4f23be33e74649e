import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import { restrictedImports } from './scripts/import-directions.mjs';

export default ts.config(
  { ignores: ['dist/', '**/generated/', 'contracts/', '**/*.as.ts', '.cache/', '.openledger/', 'node_modules/'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs['flat/recommended'],
  { languageOptions: { globals: { ...globals.browser, ...globals.node, ...globals.worker } } },
  { files: ['**/*.svelte', '**/*.svelte.ts'], languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'] } } },
  {
    rules: {
      // The compiler checks names; a leading underscore marks what is taken but not used.
      'no-undef': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      // State is replaced, not mutated: Maps and Sets made inside a derivation are values.
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
  ...restrictedImports,
);
