/** Compiles src/kernels/cpu/kernels.as.ts to WebAssembly, embedded as base64 so that browser and Node load it alike. */
import asc from 'assemblyscript/asc';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const folder = join(root, 'src/kernels/cpu');
const target = join(folder, 'generated/wasm.ts');

const sources = readdirSync(folder).filter((name) => name.endsWith('.as.ts')).sort();
const digest = createHash('sha256');
for (const name of sources) digest.update(name).update(readFileSync(join(folder, name)));
const stamp = `// ${digest.digest('hex')}`;

if (!existsSync(target) || !readFileSync(target, 'utf8').startsWith(stamp)) {
  // AssemblyScript resolves './x.as' to x.as.ts itself.
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    ['kernels.as.ts', '--outFile', 'kernels.wasm', '-O3', '--runtime', 'stub', '--noAssert', '--enable', 'simd', '--importMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
    {
      readFile: (name: string) => {
        const path = join(folder, name);
        return existsSync(path) ? readFileSync(path, 'utf8') : null;
      },
      writeFile: (name: string, contents: string | Uint8Array) => {
        if (name.endsWith('.wasm')) binary = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error || !binary) {
    console.error(String(stderr));
    throw error ?? new Error('AssemblyScript wrote no module');
  }
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, `${stamp}\nexport const wasmBase64 =\n  '${Buffer.from(binary).toString('base64')}';\n`);
  console.log(`kernels.wasm: ${binary.length} bytes`);
}
