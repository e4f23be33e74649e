import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, describe, expect, it } from 'vitest';
import { connectChain } from '../../chain/client.ts';
import type { Deployment } from '../../protocol/deployment.ts';
import type { Hex } from '../../protocol/bytes.ts';
import { decryptKeystore, openWallet } from './keys.node.ts';
import { StateFile } from './watch-state.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'openledger-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The test vectors of the Web3 Secret Storage definition, version 3. */
const SECRET: Hex = '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d';
const PBKDF2 = {
  crypto: {
    cipher: 'aes-128-ctr', cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' }, ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46', kdf: 'pbkdf2',
    kdfparams: { c: 262144, dklen: 32, prf: 'hmac-sha256', salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd' }, mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6', version: 3,
};
const SCRYPT = {
  crypto: {
    cipher: 'aes-128-ctr', cipherparams: { iv: '83dbcc02d8ccb40e466191a123791e0e' }, ciphertext: 'd172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c', kdf: 'scrypt',
    kdfparams: { dklen: 32, n: 262144, p: 8, r: 1, salt: 'ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19' }, mac: '2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6', version: 3,
};

const address: Hex = `0x${'11'.repeat(20)}`;
const deployment: Deployment = {
  openledger: 'deployment/1', name: 'x', chain: { id: 1, name: 'x', rpcUrls: ['http://localhost:1'], currency: { name: 'x', symbol: 'x', decimals: 18 }, deploymentBlock: '0', blockSeconds: 1 },
  contracts: { datanetRegistry: address, contributions: address, adapterRegistry: address, settlement: address, treasury: address, disputes: address, referee: address, runs: address },
  gateways: [], base: { name: 'x', cid: 'x' }, samples: { datanets: [], adapters: [] },
};
const connection = connectChain(deployment, 'http://localhost/');
const file = (name: string, text: string, mode = 0o600) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
};

describe('keys', () => {
  it('come out of keystores of both kinds, with their password only', () => {
    expect(decryptKeystore(JSON.stringify(PBKDF2), 'testpassword')).toBe(SECRET);
    expect(decryptKeystore(JSON.stringify(SCRYPT), 'testpassword')).toBe(SECRET);
    expect(() => decryptKeystore(JSON.stringify(PBKDF2), 'testpasswore')).toThrow('not the keystore’s');
  });

  it('are refused where a keystore is damaged or asks for endless work', () => {
    const spoilt = (change: object) => JSON.stringify({ ...SCRYPT, crypto: { ...SCRYPT.crypto, ...change } });
    expect(() => decryptKeystore('{', 'x')).toThrow('no JSON');
    expect(() => decryptKeystore('{"version":4}', 'x')).toThrow('version 3');
    expect(() => decryptKeystore(spoilt({ kdfparams: { ...SCRYPT.crypto.kdfparams, n: 2 ** 40 } }), 'x')).toThrow('more work');
    expect(() => decryptKeystore(spoilt({ kdfparams: { ...SCRYPT.crypto.kdfparams, dklen: 16 } }), 'x')).toThrow('another length');
    expect(() => decryptKeystore(spoilt({ kdf: 'md5' }), 'x')).toThrow('not known');
    expect(() => decryptKeystore(spoilt({ ciphertext: 'zz' }), 'x')).toThrow('damaged');
  });

  it('come from the environment, or from a file that nobody else can read', () => {
    const wallet = privateKeyToAccount(SECRET).address;
    expect(openWallet(connection, {}, {})).toBeUndefined();
    expect(openWallet(connection, { keyEnv: 'K' }, { K: SECRET.slice(2) })!.address).toBe(wallet);
    expect(openWallet(connection, { keystore: file('key', `${SECRET}\n`) }, {})!.address).toBe(wallet);
    expect(openWallet(connection, { keystore: file('store', JSON.stringify(PBKDF2), 0o644), passwordEnv: 'P' }, { P: 'testpassword' })!.address).toBe(wallet);
    expect(() => openWallet(connection, { keystore: file('open', SECRET, 0o644) }, {})).toThrow('chmod 600');
    expect(() => openWallet(connection, { keystore: file('store2', JSON.stringify(PBKDF2)) }, {})).toThrow('--password-env');
    expect(() => openWallet(connection, { keyEnv: 'K', keystore: 'x' }, { K: SECRET })).toThrow('Both');
    expect(() => openWallet(connection, { keystore: join(folder, 'none') }, {})).toThrow('ENOENT');
    for (const bad of ['0x12', `0x${'00'.repeat(32)}`, `0x${'ff'.repeat(32)}`, 'secret words']) {
      const error = (() => {
        try {
          return openWallet(connection, { keyEnv: 'K' }, { K: bad });
        } catch (thrown) {
          return thrown;
        }
      })();
      expect(error).toMatchObject({ code: 'watch/bad-key' });
      expect(String(error)).not.toContain(bad);
    }
  });
});

describe('a watcher’s file', () => {
  const place = { chainId: 1, disputes: address, account: address };
  it('comes back as it was, for its deployment and account only', () => {
    const path = join(folder, 'state.json');
    const first = new StateFile(path, place);
    first.state.right.push('1 0xab');
    first.state.proofs.push({ claimId: '3', answersRoot: '0xcd', data: '0x1234' });
    first.save();
    chmodSync(path, 0o644);
    first.save();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(new StateFile(path, place).state).toEqual(first.state);
    expect(new StateFile(path, { ...place, chainId: 2 }).state.proofs).toEqual([]);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(first.state);
  });

  it('is not thrown away where it is damaged', () => {
    for (const text of ['{', '{"openledger":"watch/1"}', JSON.stringify({ openledger: 'watch/1', chainId: 1, disputes: address, account: address, right: [], owed: false, proofs: [{ claimId: 'x', answersRoot: '0x', data: '0x' }] })]) {
      expect(() => new StateFile(file('bad.json', text), place)).toThrow('cannot be used');
    }
  });
});
