import { OpenLedgerError } from '../errors.ts';
import type { Deployment } from '../protocol/deployment.ts';

/**
 * Reads deployment.json beside the page.
 * Errors: `deployment/missing` (no such file), `deployment/not-ready` (still being set up), `deployment/unreachable`,
 * `deployment/invalid` naming the field.
 */
export async function loadDeployment(url: string): Promise<Deployment> {
  let response: Response;
  try {
    response = await fetch(url, { cache: 'no-store' });
  } catch {
    throw new OpenLedgerError({
      code: 'deployment/unreachable',
      what: 'The deployment file cannot be read.',
      why: 'Nothing answers at this page’s address.',
      next: 'Check that the companion (npm start) is running, then try again.',
    });
  }
  if (response.status === 503) {
    throw new OpenLedgerError({
      code: 'deployment/not-ready',
      what: 'The local network is still being set up.',
      next: 'This page goes on by itself.',
    });
  }
  // A static host may answer a missing file with its own page.
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  if (!response.ok || !isJson) throw missing(response.status);
  let json: unknown;
  try {
    json = await response.json();
  } catch {
    throw invalid('It is not JSON.');
  }
  return parseDeployment(json);
}

function missing(status: number): OpenLedgerError {
  return new OpenLedgerError({
    code: 'deployment/missing',
    what: 'No deployment is configured.',
    why: `There is no deployment.json beside this page (answer ${status}).`,
    next: 'Run npm start for a local network, or put the deployment.json of a network beside index.html.',
  });
}

function invalid(why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'deployment/invalid',
    what: 'The deployment file cannot be used.',
    why,
    next: 'Ask whoever runs this page for a correct deployment.json.',
  });
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const CONTRACTS = ['datanetRegistry', 'contributions', 'adapterRegistry', 'settlement', 'disputes', 'runs', 'referee', 'treasury'];

export function parseDeployment(json: unknown): Deployment {
  const file = part(json, 'the file');
  if (file.openledger !== 'deployment/1') throw invalid('Its first line does not say “deployment/1”.');
  text(file.name, 'name');
  const chain = part(file.chain, 'chain');
  if (!Number.isSafeInteger(chain.id) || (chain.id as number) < 1) throw invalid('chain.id is not a chain’s number.');
  text(chain.name, 'chain.name');
  texts(chain.rpcUrls, 'chain.rpcUrls', 1);
  const currency = part(chain.currency, 'chain.currency');
  text(currency.name, 'chain.currency.name');
  text(currency.symbol, 'chain.currency.symbol');
  if (currency.decimals !== 18) throw invalid('chain.currency.decimals is not 18.');
  if (!/^[0-9]{1,20}$/.test(String(chain.deploymentBlock))) throw invalid('chain.deploymentBlock is not a number.');
  const seconds = chain.blockSeconds;
  if (typeof seconds !== 'number' || !(seconds > 0 && seconds < 3600)) throw invalid('chain.blockSeconds is not a time.');
  const contracts = part(file.contracts, 'contracts');
  for (const name of CONTRACTS) {
    if (typeof contracts[name] !== 'string' || !ADDRESS.test(contracts[name])) throw invalid(`contracts.${name} is not an address.`);
  }
  texts(file.gateways, 'gateways', 1);
  if (file.publish !== undefined) text(file.publish, 'publish');
  const base = part(file.base, 'base');
  text(base.name, 'base.name');
  text(base.cid, 'base.cid');
  const samples = part(file.samples, 'samples');
  texts(samples.datanets, 'samples.datanets', 0);
  texts(samples.adapters, 'samples.adapters', 0);
  if (file.demo !== undefined) {
    const demo = part(file.demo, 'demo');
    text(demo.label, 'demo.label');
    if (!Array.isArray(demo.identities) || demo.identities.length > 100) throw invalid('demo.identities is not a list.');
    for (const entry of demo.identities) {
      const identity = part(entry, 'demo.identities');
      text(identity.name, 'the name of a demo identity');
      if (!ADDRESS.test(String(identity.address))) throw invalid('A demo identity has no address.');
      if (!/^0x[0-9a-fA-F]{64}$/.test(String(identity.privateKey))) throw invalid('A demo identity has no key.');
    }
  }
  return json as Deployment;
}

function part(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${name} is missing.`);
  return value as Record<string, unknown>;
}

function text(value: unknown, name: string): void {
  if (typeof value !== 'string' || value.length === 0 || value.length > 500) throw invalid(`${name} is missing or too long.`);
}

function texts(value: unknown, name: string, least: number): void {
  if (!Array.isArray(value) || value.length < least || value.length > 1000) throw invalid(`${name} is not a list.`);
  value.forEach((entry) => text(entry, name));
}
