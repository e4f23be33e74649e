// What start, test and the other commands need first: packages, generated code, the built app. Plain JavaScript.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a command in the repository; ends this process with its exit code where it fails. */
export function run(command, args, { forwardSignals = false, quiet = false, toStderr = false, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : toStderr ? ['ignore', 2, 2] : 'inherit', env: { ...process.env, ...env } });
    let output = '';
    child.stdout?.on('data', (data) => (output += data));
    child.stderr?.on('data', (data) => (output += data));
    if (forwardSignals) {
      // Ctrl-C reaches the child by the terminal as well; waiting for it lets it save.
      for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
    }
    child.on('error', (error) => {
      console.error(`${command} could not be started: ${error.message}`);
      process.exit(1);
    });
    child.on('exit', (code, signal) => {
      if (code === 0) return resolve(output);
      if (quiet) process.stderr.write(output);
      process.exit(code ?? (signal ? 130 : 1));
    });
  });
}

function digestOf(paths) {
  const hash = createHash('sha256');
  const add = (path) => {
    const full = join(root, path);
    if (!existsSync(full)) return;
    if (statSync(full).isDirectory()) for (const name of readdirSync(full).sort()) add(join(path, name));
    else hash.update(path).update(readFileSync(full));
  };
  for (const path of paths) add(path);
  return hash.digest('hex');
}

/** Does the work again only where its inputs changed since it last succeeded. */
async function onceFor(name, inputs, outputs, work) {
  const mark = join(root, '.cache', `${name}.done`);
  const digest = digestOf(inputs);
  if (outputs.every((path) => existsSync(join(root, path))) && existsSync(mark) && readFileSync(mark, 'utf8') === digest) return;
  await work();
  mkdirSync(join(root, '.cache'), { recursive: true });
  writeFileSync(mark, digest);
}

/** Standard output belongs to the command that follows (`--json`). */
const aside = { toStderr: true };

export async function prepare({ app = false } = {}) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Node ${process.versions.node} is too old: 20.19 or later is needed.`);
    process.exit(1);
  }
  await onceFor('install', ['package.json', 'package-lock.json'], ['node_modules/tsx', 'node_modules/vite'], () => {
    console.error('Installing packages …');
    // Not `npm ci`: it refuses a lock file without the platform packages that a registry may lack (Foundry's for other systems).
    return run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], aside);
  });
  await run('node', ['--import', 'tsx', 'scripts/build/wasm.ts'], aside);
  await run('node', ['--import', 'tsx', 'scripts/chain/generate.ts'], aside);
  if (app) {
    await onceFor('build', ['src', 'public', 'index.html', 'vite.config.ts', 'package-lock.json'], ['dist/index.html'], () => {
      console.error('Building the app …');
      return run('npx', ['vite', 'build', '--logLevel', 'warn'], aside);
    });
  }
}
