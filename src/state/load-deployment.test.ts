import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadDeployment, parseDeployment } from './load-deployment.ts';

const address = `0x${'1'.repeat(40)}`;
const good = {
  openledger: 'deployment/1',
  name: 'Local',
  chain: {
    id: 5511,
    name: 'Local chain',
    rpcUrls: ['http://127.0.0.1:8545'],
    currency: { name: 'OPEN', symbol: 'OPEN', decimals: 18 },
    deploymentBlock: '1',
    blockSeconds: 2,
  },
  contracts: { datanetRegistry: address, contributions: address, adapterRegistry: address, settlement: address, disputes: address, runs: address, referee: address, treasury: address },
  gateways: ['./'],
  base: { name: 'tiny', cid: 'bafy' },
  samples: { datanets: ['1'], adapters: ['1'] },
  demo: { label: 'Demo', identities: [{ name: 'Uma', role: 'user', address, privateKey: `0x${'2'.repeat(64)}` }] },
};

describe('a deployment file', () => {
  it('is taken where it is complete', () => expect(parseDeployment(good)).toBe(good));
  it.each([
    ['another kind of file', { openledger: 'receipt/1' }],
    ['no gateway', { gateways: [] }],
    ['a contract that is no address', { contracts: { ...good.contracts, settlement: 'https://example.org' } }],
    ['another number of decimals', { chain: { ...good.chain, currency: { ...good.chain.currency, decimals: 6 } } }],
    ['no time between blocks', { chain: { ...good.chain, blockSeconds: 0 } }],
    ['a demo identity without a key', { demo: { label: 'Demo', identities: [{ name: 'Uma', role: 'user', address }] } }],
    ['a list instead of a part', { base: [] }],
  ])('is refused with %s', (_, change) => {
    expect(() => parseDeployment({ ...good, ...change })).toThrow(expect.objectContaining({ code: 'deployment/invalid' }));
  });
  it.each([null, 'text', [], 3])('is refused where it is %j', (json) => {
    expect(() => parseDeployment(json)).toThrow(expect.objectContaining({ code: 'deployment/invalid' }));
  });
});

describe('loading it', () => {
  afterEach(() => vi.unstubAllGlobals());
  const answer = (body: string, status: number, type: string) =>
    vi.stubGlobal('fetch', async () => new Response(body, { status, headers: { 'content-type': type } }));
  const code = () =>
    loadDeployment('http://localhost/deployment.json').then(
      ({ name }) => name,
      (error: { code: string }) => error.code,
    );

  it('tells apart missing, being set up, not JSON and unreachable', async () => {
    answer('', 404, 'text/plain');
    expect(await code()).toBe('deployment/missing');
    // A static host's own page for whatever is not there.
    answer('<!doctype html>', 200, 'text/html');
    expect(await code()).toBe('deployment/missing');
    answer('{}', 503, 'application/json');
    expect(await code()).toBe('deployment/not-ready');
    answer('{"a":', 200, 'application/json');
    expect(await code()).toBe('deployment/invalid');
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('refused');
    });
    expect(await code()).toBe('deployment/unreachable');
    answer(JSON.stringify(good), 200, 'application/json; charset=utf-8');
    expect(await code()).toBe('Local');
  });
});
