/**
 * Compiles the contracts and writes typed ABIs and bytecode for src/chain. Skips all work when no source changed.
 * Run: npx tsx scripts/chain/generate.ts
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { OpenLedgerError } from '../../src/errors.ts';
import { foundryBinary } from './foundry-binary.ts';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const OUT = path.join(ROOT, 'src/chain/generated');
const CONTRACTS = ['Treasury', 'DatanetRegistry', 'Contributions', 'AdapterRegistry', 'Settlement', 'Disputes', 'Runs', 'PayoutJudge', 'Replies', 'AnswersFile', 'Referee', 'LedgerReferee'] as const;

interface AbiItem {
  type: string;
  name?: string;
  stateMutability?: string;
  inputs?: { type: string }[];
}
/** By file, by library: where its address goes, in bytes. */
type Links = Record<string, Record<string, { start: number; length: number }[]>>;
interface Artifact {
  abi: AbiItem[];
  bytecode: { object: string; linkReferences?: Links };
  deployedBytecode: { object: string; linkReferences?: Links; immutableReferences?: Record<string, { start: number; length: number }[]> };
}

/** Everything that the output depends on: sources, settings, the compiler and this script. */
function inputsDigest(): string {
  const hash = createHash('sha256');
  const source = path.join(ROOT, 'contracts/src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sol'))
    .sort();
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(path.join(source, file)));
  hash.update(readFileSync(path.join(ROOT, 'foundry.toml')));
  hash.update(readFileSync(fileURLToPath(import.meta.url)));
  const require = createRequire(import.meta.url);
  for (const name of ['solc', '@openzeppelin/contracts'])
    hash.update(readFileSync(require.resolve(`${name}/package.json`)));
  return hash.digest('hex');
}

/** Written beside and renamed, so that a reader never sees half a file. */
function writeWhole(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, file);
}

function compile(): void {
  const built = spawnSync(foundryBinary('forge'), ['build', '--skip', 'test', '--skip', 'script', '--quiet'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (built.status !== 0) {
    throw new OpenLedgerError({
      code: 'contracts/build-failed',
      what: 'The contracts did not compile.',
      why: (built.stderr || built.stdout || String(built.error ?? '')).trim().slice(0, 4000),
      next: 'Run `npx forge build` for the full output.',
    });
  }
}

function readArtifact(name: string): Artifact {
  return JSON.parse(readFileSync(path.join(ROOT, `contracts/out/${name}.sol/${name}.json`), 'utf8')) as Artifact;
}

/** Without what nobody reads: the compiler's own names of types, and that no event is anonymous. */
const plainItem = <T>(item: T): T => JSON.parse(JSON.stringify(item, (key, value: unknown) => (key === 'internalType' || value === false && key === 'anonymous' ? undefined : value))) as T;

/** Views for other contracts, wallets and tests, which the app does not read: whoever opens it need not load them. */
const UNREAD = new Set([
  'totalWithdrawn', 'totalDeposited', 'totalClaimable', 'tokenURI', 'symbol', 'supportsInterface', 'replyGas', 'ownerOf', 'isApprovedForAll', 'heldUntil', 'heldBonds', 'getApproved', 'balanceOf',
  'NODE_GAS', 'ALL', 'version', 'trainedRootOf', 'pendingOwner', 'minStakeOf', 'curatorOf', 'MOST_STAKE_PER_RECORD', 'MOST_RATE',
]);

const camel = (name: string) => name[0]!.toLowerCase() + name.slice(1);

/** Returns whether anything had to be made. */
export function generateContracts(options: { force?: boolean } = {}): boolean {
  const digest = inputsDigest();
  const stamp = path.join(OUT, 'inputs.sha256');
  const complete = ['abis.ts', 'bytecode.ts'].every((file) => existsSync(path.join(OUT, file)));
  if (!options.force && complete && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return false;

  compile();
  mkdirSync(OUT, { recursive: true });
  const head = '// Made by scripts/chain/generate.ts from contracts/src. Not to be edited.\n';
  const artifacts = CONTRACTS.map((name) => ({ name, ...readArtifact(name) })).map((artifact) => ({ ...artifact, abi: artifact.abi.map(plainItem) }));
  // A file each, so that a page loads what it calls: events and views apart from what only some pages send. Errors stand in a
  // list of their own, below: translateChainError decodes them from the revert's data.
  mkdirSync(path.join(OUT, 'abis'), { recursive: true });
  const modules: string[] = [];
  const write = (file: string, name: string, items: readonly AbiItem[]) => {
    writeWhole(path.join(OUT, 'abis', `${file}.ts`), `${head}export const ${name} = ${JSON.stringify(items, null, 1)} as const;\n`);
    modules.push(`export * from './abis/${file}.ts';\n`);
  };
  for (const { name, abi } of artifacts) {
    write(camel(name), `${camel(name)}Abi`, abi.filter(({ type }) => type !== 'error'));
    write(`${camel(name)}Events`, `${camel(name)}EventsAbi`, abi.filter(({ type }) => type === 'event'));
    write(`${camel(name)}Views`, `${camel(name)}ViewsAbi`, abi.filter((item) => (item.stateMutability === 'view' || item.stateMutability === 'pure') && !UNREAD.has(item.name ?? '')));
  }
  // A call can revert with an error of a contract further down: one list of all errors decodes any of them.
  const errors = new Map<string, AbiItem>();
  for (const { abi } of artifacts) {
    for (const item of abi) {
      const signature = `${item.name}(${item.inputs?.map((input) => input.type).join()})`;
      if (item.type === 'error') errors.set(signature, item);
    }
  }
  write('errors', 'errorsAbi', [...errors.values()]);
  writeWhole(path.join(OUT, 'abis.ts'), head + modules.join(''));
  const codes = artifacts.map(
    ({ name, bytecode }) => `export const ${camel(name)}Bytecode = '${bytecode.object}' as const;\n`,
  );
  // What lies on chain, with the places in bytes that the constructor or the linker fills.
  const runtimes = artifacts.map(({ name, deployedBytecode: { object, immutableReferences = {}, linkReferences = {} } }) => {
    const places = [...Object.values(immutableReferences), ...Object.values(linkReferences).flatMap((libraries) => Object.values(libraries))];
    const filled = places.flat().map(({ start, length }) => [start, length]);
    return [camel(name), { code: object, filled }] as const;
  });
  codes.push(`export const runtimes: Record<string, { code: string; filled: number[][] }> = ${JSON.stringify(Object.fromEntries(runtimes))};\n`);
  const links = artifacts.flatMap(({ name, bytecode: { linkReferences = {} } }) =>
    Object.values(linkReferences).flatMap((libraries) => Object.entries(libraries).map(([library, places]) => ({ contract: camel(name), library: camel(library), starts: places.map(({ start }) => start) }))),
  );
  codes.push('/** Where bytecode needs the 20 bytes of a library\u2019s address. */');
  codes.push(`export const links: { contract: string; library: string; starts: number[] }[] = ${JSON.stringify(links)};\n`);
  writeWhole(path.join(OUT, 'bytecode.ts'), head + codes.join('\n'));
  writeWhole(stamp, digest);
  return true;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const made = generateContracts({ force: process.argv.includes('--force') });
  console.log(made ? 'contracts: compiled, src/chain/generated written' : 'contracts: unchanged');
}
