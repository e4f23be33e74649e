import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { OpenLedgerError } from '../../src/errors.ts';

/**
 * The native executable of forge or anvil inside its npm package. Called directly, not through npx or the package's
 * wrapper, so that signals reach the process itself.
 */
export function foundryBinary(name: 'forge' | 'anvil'): string {
  const require = createRequire(import.meta.url);
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const platform = process.platform;
  const file = platform === 'win32' ? `${name}.exe` : name;
  try {
    const home = path.dirname(require.resolve(`@foundry-rs/${name}-${platform}-${arch}/package.json`));
    const binary = path.join(home, 'bin', file);
    if (existsSync(binary)) return binary;
  } catch {
    // Falls through to the one error below.
  }
  throw new OpenLedgerError({
    code: 'contracts/no-foundry',
    what: `The program ${name} is not installed.`,
    why: `There is no @foundry-rs/${name} build for ${platform} ${process.arch} in node_modules.`,
    next: 'Run `npm install` without omitting optional packages.',
  });
}
