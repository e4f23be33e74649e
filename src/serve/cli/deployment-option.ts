import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseJson } from '../../attribution/catalog.ts';
import { OpenLedgerError } from '../../errors.ts';
import type { Deployment } from '../../protocol/deployment.ts';
import { STATE, readFileOr } from './content.ts';

const DEPLOYMENT_BYTES = 2 ** 20;

/** What `--chain` names: a file or an address of a deployment.json; the local chain's where nothing is given. Throws `cli/…`, `chain/bad-deployment`. */
export async function readDeployment(given: string | undefined): Promise<{ deployment: Deployment; from: string }> {
  const what = 'The deployment file';
  const address = given ?? join(STATE, 'deployment.json');
  let bytes: Uint8Array;
  let from = address;
  if (/^https?:\/\//i.test(address)) {
    const response = await fetch(address, { signal: AbortSignal.timeout(20_000) }).catch((cause: unknown) => {
      throw new OpenLedgerError({ code: 'cli/unreadable', what: `${what} ${address} cannot be fetched.`, why: cause instanceof Error ? cause.message : String(cause), next: 'Check the address.', cause });
    });
    if (!response.ok) throw new OpenLedgerError({ code: 'cli/unreadable', what: `${what} ${address} cannot be fetched.`, why: `The server answered ${response.status}.`, next: 'Check the address.' });
    bytes = new Uint8Array(await response.arrayBuffer());
  } else {
    if (given === undefined && !existsSync(address)) throw new OpenLedgerError({ code: 'cli/usage', what: 'There is no local chain here: name a deployment with --chain, or start one with npm start.', next: 'See --help.' });
    bytes = readFileOr(address, what);
    // Gateways and nodes may be named relative to where the file is served: on this machine that says nothing.
    from = pathToFileURL(resolve(address)).href;
  }
  const deployment = bytes.length <= DEPLOYMENT_BYTES ? (parseJson(bytes, what) as Deployment | null) : undefined;
  const whole = deployment?.openledger === 'deployment/1' && Array.isArray(deployment.gateways) && typeof deployment.contracts === 'object' && Array.isArray(deployment.chain?.rpcUrls) && typeof deployment.contracts?.disputes === 'string';
  if (!whole) throw new OpenLedgerError({ code: 'chain/bad-deployment', what: `${what} ${address} cannot be used.`, why: 'It is none of this version, or names no disputes contract.', next: 'Ask whoever runs the deployment.' });
  return { deployment, from };
}
