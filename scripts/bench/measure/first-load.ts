import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from '../machine.ts';
import type { Report } from '../report.ts';

const dist = join(root, 'dist');
const WHERE = 'dist/, gzipped';

/** A built file and what it imports statically: `import x from"./y.js"`, `import"./y.js"`, `export … from"./y.js"`. */
function withImports(path: string, seen = new Set<string>()): Set<string> {
  const file = join(dist, path);
  if (seen.has(path) || !existsSync(file) || !statSync(file).isFile()) return seen;
  seen.add(path);
  if (!path.endsWith('.js')) return seen;
  for (const [, name] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*["']\.\/([^"']+)["']/g)) withImports(join('assets', name!), seen);
  return seen;
}

/** Fonts are compressed already. */
const zipped = (path: string) => (path.endsWith('.woff2') ? statSync(join(dist, path)).size : gzipSync(readFileSync(join(dist, path))).length);
const kib = (paths: Iterable<string>) => [...paths].reduce((sum, path) => sum + zipped(path), 0) / 1024;

/** What a first visit fetches before anything is clicked, and the engine's part of it. */
export function reportFirstLoad(report: Report): void {
  if (!existsSync(join(dist, 'index.html'))) throw new Error('There is no dist/: build the app first (npx vite build).');
  const assets = readdirSync(join(dist, 'assets'));
  const named = (pattern: RegExp) => assets.filter((name) => pattern.test(name)).map((name) => join('assets', name));

  const engine = new Set<string>();
  for (const path of named(/^engine\.worker-.*\.js$/)) withImports(path, engine);
  if (!engine.size) throw new Error('dist/ has no engine worker.');
  // Fetched by what computes on this machine, so not imported statically: the larger of the backends counts.
  const backends = named(/^backend-.*\.js$/).map((path) => withImports(path, new Set(engine)));
  if (!backends.length) throw new Error('dist/ has no backends of their own.');
  for (const path of backends.sort((a, b) => kib(b) - kib(a))[0]!) engine.add(path);
  report.add('engine code in the first load', kib(engine), 'KiB', WHERE, { atMost: 250 });

  // index.html, what it names and imports, the page Ask, the engine's worker, the font.
  const first = new Set(['index.html', ...engine]);
  for (const [, path] of readFileSync(join(dist, 'index.html'), 'utf8').matchAll(/(?:src|href)="\.?\/?([^"]+)"/g)) withImports(path!, first);
  for (const path of named(/^(Ask|engine\.client|inter-latin-wght-normal)-/)) withImports(path, first);
  report.add('the whole first load without models', kib(first), 'KiB', WHERE, { atMost: 350 });
  report.add('parts of ONNX Runtime in the first load', [...first].filter((path) => /\/ort[.-]/.test(path)).length, 'files', WHERE, { atMost: 0 });
  report.add('all scripts of the app', kib(named(/\.js$/)), 'KiB', WHERE);
}
