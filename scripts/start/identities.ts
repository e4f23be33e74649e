import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { Hex } from '../../src/protocol/bytes.ts';
import type { DemoIdentity } from '../../src/protocol/deployment.ts';

/** Names that the sample records carry. */
export const CONTRIBUTORS = ['Amara', 'Bruno', 'Chen', 'Dalia', 'Emeka', 'Farah'] as const;

export interface LocalKeys {
  /** Deploys and governs. */
  governance: Hex;
  identities: DemoIdentity[];
}

/** Keys made on this machine at its first start, kept in a file only its owner can read. */
export function localKeys(file: string): LocalKeys {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as LocalKeys;
  const identity = (name: string, role: DemoIdentity['role']): DemoIdentity => {
    const privateKey = generatePrivateKey();
    return { name, role, address: privateKeyToAccount(privateKey).address, privateKey };
  };
  const keys: LocalKeys = {
    governance: generatePrivateKey(),
    identities: [identity('Uma', 'user'), ...CONTRIBUTORS.map((name) => identity(name, 'contributor')), identity('Cora', 'curator')],
  };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(keys, null, 2), { mode: 0o600 });
  chmodSync(file, 0o600);
  return keys;
}
