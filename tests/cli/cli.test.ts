import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'openledger-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const env = { ...process.env, OPENLEDGER_STATE: join(folder, 'state') };
const main = ['--import', 'tsx', 'src/serve/cli/main.ts'];

function run(...args: string[]): Record<string, never> & { [key: string]: any } { // eslint-disable-line @typescript-eslint/no-explicit-any
  return JSON.parse(execFileSync('node', [...main, ...args, '--json'], { cwd: root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }));
}
function fails(...args: string[]): { status: number | null; error: { code: string; what: string; next?: string } } {
  const { status, stdout } = spawnSync('node', [...main, ...args, '--json'], { cwd: root, env, encoding: 'utf8' });
  return { status, error: JSON.parse(stdout.trim().split('\n').pop()!).error };
}

describe('the command line', () => {
  const records = join(folder, 'records.jsonl');
  const adapter = join(folder, 'adapter');
  const facts = [
    ['Zorbia', 'velvet', 'Ana'], ['Quintal', 'copper', 'Ben'], ['Marlow Port', 'salt', 'Ana'], ['Tessaly', 'glass', 'Cy'], ['Okonda', 'paper', 'Ben'], ['Brindle', 'honey', 'Cy'],
  ];
  writeFileSync(records, facts.map(([place, good, contributor]) => `${JSON.stringify({
    contributor, text: `${place} sells ${good}.`,
    questions: [{ question: `What does ${place} sell?`, answer: good }, { question: `What is sold in ${place}?`, answer: good }],
  })}\n`).join(''));

  it('trains on a file, asks, attributes, verifies, and finds an altered receipt false', () => {
    const trained = run('train', '--records', records, '--out', adapter, '--epochs', '40', '--name', 'Towns');
    expect(trained).toMatchObject({ records: 6, run: { openledger: 'run/1', datanet: { name: 'Towns', records: 6 } } });
    for (const file of ['adapter_config.json', 'adapter_model.safetensors', 'run.json', 'checkpoints.safetensors', 'ledger.safetensors']) expect(existsSync(join(adapter, file)), file).toBe(true);

    expect(run('ask', '--adapter', adapter, 'What does Marlow Port sell?')).toMatchObject({ answer: 'salt' });

    const receipt = join(folder, 'receipt.json');
    const attributed = run('attribute', '--adapter', adapter, '--records', records, '--out', receipt, 'What is sold in Zorbia?');
    expect(attributed).toMatchObject({ answer: 'velvet', top: [{ index: 0 }, {}, {}, {}, {}] });

    // By CID from this machine's store, and by file; on other backends: tests/parity.
    for (const given of [[attributed.cid], [receipt]]) {
      expect(run('verify', ...(given as string[]))).toMatchObject({ equal: true, hash: attributed.hash });
    }
    const altered = JSON.parse(readFileSync(receipt, 'utf8'));
    altered.scores[4] = altered.scores[4].replace(/.$/, (digit: string) => (parseInt(digit, 16) ^ 1).toString(16));
    writeFileSync(join(folder, 'altered.json'), JSON.stringify(altered));
    const { status, stdout } = spawnSync('node', [...main, 'verify', join(folder, 'altered.json'), '--json'], { cwd: root, env, encoding: 'utf8' });
    expect(status).toBe(1);
    const result = JSON.parse(stdout);
    expect(result.equal).toBe(false);
    expect(result.steps.at(-1)).toMatchObject({ step: 'influence', difference: { where: 'influence of record 5' } });
  });

  it('says clearly what is wrong', () => {
    expect(fails('ask', '--adapter', adapter)).toMatchObject({ status: 2, error: { code: 'cli/usage' } });
    expect(fails('ask', ' ')).toMatchObject({ status: 2, error: { code: 'model/empty-prompt' } });
    expect(fails('ask', '--backend', 'abacus', 'x')).toMatchObject({ status: 2, error: { code: 'cli/unknown-backend' } });
    expect(fails('train', '--records', join(folder, 'none'), '--out', adapter)).toMatchObject({ status: 2, error: { code: 'cli/unreadable' } });
    writeFileSync(join(folder, 'bad.jsonl'), '{"text":"fine"}\n{"text":\n{"colour":"red"}\n');
    expect(fails('train', '--records', join(folder, 'bad.jsonl'), '--out', adapter)).toMatchObject({ status: 2, error: { code: 'cli/bad-records' } });
    expect(fails('train', '--records', records, '--out', adapter, '--rank', '0')).toMatchObject({ status: 2, error: { code: 'train/bad-recipe' } });
    expect(fails('verify', 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')).toMatchObject({ status: 2, error: { code: expect.stringMatching(/^storage\//) } });
    writeFileSync(join(folder, 'not.json'), 'hello');
    expect(fails('verify', join(folder, 'not.json'))).toMatchObject({ status: 2, error: { code: 'content/not-json' } });
    writeFileSync(join(folder, 'other.json'), '{"openledger":"receipt/1"}');
    expect(fails('verify', join(folder, 'other.json'))).toMatchObject({ status: 2, error: { code: 'receipt/invalid' } });
  });
});
