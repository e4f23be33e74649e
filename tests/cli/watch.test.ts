/** The watch command in a process of its own, on a scratch chain with the contracts, the shipped base and a shipped adapter. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readClaim } from '../../src/chain/list-claims.ts';
import { commandOnChain } from './command-on-chain.ts';

const command = commandOnChain('watch');
const run = (...args: string[]) => command.run('watch', ...args);

test('a claim with one flipped bit loses its bond, a right one does not; no key is told or kept', async () => {
  const { chain, watched, state, key } = command;
  const claimant = await chain.wallet('claimant');
  const { right } = watched;
  const honest = await watched.claim(claimant, right);
  const at = Math.floor(right.length / 2);
  const values = right[at]!.values.slice();
  new Uint32Array(values.buffer)[values.length >> 1]! ^= 2 ** 9;
  const bit = await watched.claim(claimant, right.with(at, { ...right[at]!, values }));
  const args = ['--key-env', 'TEST_KEY', '--confirmations', '0', '--once'];
  const first = run(...args);
  expect(first.status, first.text).toBe(0);
  expect(first.lines.map(({ event, claim }) => `${claim} ${event}`)).toEqual([`${honest} found`, `${bit} found`, `${bit} committed`]);
  expect(first.lines[1]!.text).toContain(`instruction ${at}`);
  await chain.pass(1);
  const second = run(...args);
  expect(second.lines.map(({ event }) => event), second.text).toEqual(['proved', 'withdrawn']);
  expect([(await readClaim(chain.connection, bit)).state, (await readClaim(chain.connection, honest)).state]).toEqual(['refuted', 'open']);
  const kept = readdirSync(state).filter((name) => name.startsWith('watch-')).map((name) => readFileSync(join(state, name), 'utf8')).join('');
  expect(kept).toContain(String(honest));
  for (const text of [kept, first.text, second.text]) expect(text).not.toContain(key.slice(2));
});

test('says what is wrong with how it is called', () => {
  const bad = (...args: string[]) => {
    const { status, lines } = run('--once', ...args);
    expect(status).toBe(2);
    return lines.at(-1)!.error!.code;
  };
  expect(bad('--key-env', 'NOT_SET')).toBe('watch/bad-key');
  expect(bad('--defend', 'everyone')).toBe('cli/usage');
  writeFileSync(join(command.state, 'other.json'), '{"openledger":"deployment/9"}');
  expect(bad('--chain', join(command.state, 'other.json'))).toBe('chain/bad-deployment');
});
