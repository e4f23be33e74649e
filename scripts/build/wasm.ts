/**
 * Compiles AssemblyScript to WebAssembly, embedded as text so that browser and Node load it alike. Hexadecimal, because
 * gzip still sees bytes in it: the kernels go over the wire in 20 KB, in base64 they would take 28.
 */
import asc from 'assemblyscript/asc';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

await compile('src/kernels/cpu', 'kernels', ['--enable', 'simd', '--importMemory', '--initialMemory', '1', '--maximumMemory', '65536']);
await compile('src/protocol/keccak', 'keccak', []);

/** `<folder>/<name>.as.ts` and what it imports of the same folder, to `<folder>/generated/wasm.ts`. */
async function compile(path: string, name: string, flags: readonly string[]): Promise<void> {
  const folder = join(root, path);
  const target = join(folder, 'generated/wasm.ts');
  const digest = createHash('sha256').update('hexadecimal');
  const sources = readdirSync(folder).filter((file) => file.endsWith('.as.ts')).sort();
  for (const file of sources) digest.update(file).update(readFileSync(join(folder, file)));
  const stamp = `// ${digest.digest('hex')}`;
  if (existsSync(target) && readFileSync(target, 'utf8').startsWith(stamp)) return;
  // AssemblyScript resolves './x.as' to x.as.ts itself.
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [`${name}.as.ts`, '--outFile', `${name}.wasm`, '-O3', '--runtime', 'stub', '--noAssert', ...flags],
    {
      readFile: (file: string) => {
        const at = join(folder, file);
        return existsSync(at) ? readFileSync(at, 'utf8') : null;
      },
      writeFile: (file: string, contents: string | Uint8Array) => {
        if (file.endsWith('.wasm')) binary = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error || !binary) {
    console.error(String(stderr));
    throw error ?? new Error('AssemblyScript wrote no module');
  }
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, `${stamp}\nexport const wasmHex =\n  '${Buffer.from(binary).toString('hex')}';\n`);
  console.log(`${name}.wasm: ${binary.length} bytes`);
}
