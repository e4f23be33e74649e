/** attribute, pay and watch in processes of their own, on a scratch chain with the contracts, the shipped base and a shipped adapter. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readClaim } from '../../src/chain/list-claims.ts';
import { commandOnChain } from './command-on-chain.ts';

const command = commandOnChain('pay');

function run(...args: string[]) {
  const ran = command.run(...args);
  return { ...ran, result: ran.lines.at(-1)! };
}

test('two answers are attributed, paid with one claim and found right', async () => {
  const asked = ['What does estoppel mean?', 'What is a tort?'].map((question, k) => {
    const file = join(command.state, `receipt-${k}.json`);
    const { status, text } = run('attribute', '--id', '1', '--out', file, question);
    expect(status, text).toBe(0);
    return file;
  });
  const cost = run('pay', '--dry-run', ...asked);
  expect(cost.status, cost.text).toBe(0);
  expect(cost.result).toMatchObject({ adapter: '1', answers: 2 });
  const paid = run('pay', '--key-env', 'TEST_KEY', ...asked);
  expect(paid.status, paid.text).toBe(0);
  expect(paid.result).toMatchObject({ answers: 2, claim: '1', fee: cost.result.fee });
  expect(paid.text).not.toContain(command.key.slice(2));
  expect(await readClaim(command.chain.connection, 1n)).toMatchObject({ state: 'open', answers: 2 });
  const looked = run('watch', '--confirmations', '0', '--once');
  expect(looked.lines.map(({ event, text }) => `${event} ${text.split('.')[0]}`), looked.text).toEqual(['found claim 1, answer 0: right', 'found claim 1, answer 1: right']);
}, 120_000);

test('one receipt is paid alone; what was made for no chain cannot be paid', () => {
  const file = join(command.state, 'alone.json');
  expect(run('attribute', '--id', '1', '--out', file, 'What is a lien?').status).toBe(0);
  const paid = run('pay', '--key-env', 'TEST_KEY', file);
  expect(paid.status, paid.text).toBe(0);
  expect(paid.result).toMatchObject({ answers: 1, claim: '2' });
  expect(run('pay', file).result.error!.code).toBe('cli/usage');
  expect(run('attribute', '--id', '9', 'Anything?').result.error!.code).toBe('cli/no-adapter');
}, 120_000);
