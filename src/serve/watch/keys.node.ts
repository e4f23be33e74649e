import { createDecipheriv, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { scrypt } from '@noble/hashes/scrypt.js';
import type { ChainConnection } from '../../chain/client.ts';
import { privateKeyToAccount } from '../../chain/private-key.ts';
import { type Wallet, demoWallet } from '../../chain/wallets.ts';
import { OpenLedgerError } from '../../errors.ts';
import { type Hex, concat, keccak256, toHex } from '../../protocol/bytes.ts';

export interface KeyFlags {
  /** Name of the environment variable that holds the private key. */
  keyEnv?: string | undefined;
  /** A Web3 Secret Storage file, version 3, or a file of this account alone with the private key in it. */
  keystore?: string | undefined;
  /** Name of the environment variable that holds the keystore's password. */
  passwordEnv?: string | undefined;
}

/** Work that a keystore may ask for: what common wallets write is 2^18 rounds of 1 KiB. */
const MOST_SCRYPT_BYTES = 512 * 2 ** 20;
const MOST_PBKDF2_ROUNDS = 10_000_000;
const MOST_FILE_BYTES = 64 * 2 ** 10;

/** The account that watches; undefined where no key is named. No key and no password ever stands in an error. Throws `watch/bad-key`. */
export function openWallet(connection: ChainConnection, flags: KeyFlags, env: NodeJS.ProcessEnv = process.env): Wallet | undefined {
  const key = readKey(flags, env);
  if (!key) return undefined;
  try {
    return demoWallet(connection, { name: 'Watcher', role: 'user', address: privateKeyToAccount(key).address, privateKey: key });
  } catch {
    throw badKey('It is no private key of 32 bytes in hexadecimal.');
  }
}

function readKey({ keyEnv, keystore, passwordEnv }: KeyFlags, env: NodeJS.ProcessEnv): Hex | undefined {
  if (keyEnv !== undefined && keystore !== undefined) throw badKey('Both --key-env and --keystore are given.');
  if (keyEnv !== undefined) return asKey(env[keyEnv], `The environment variable ${keyEnv} is not set.`);
  if (keystore === undefined) return undefined;
  const text = readSmall(keystore);
  if (!text.trimStart().startsWith('{')) {
    // A bare key is only as safe as its file.
    if (process.platform !== 'win32' && (statSync(keystore).mode & 0o077) !== 0) throw badKey(`Others may read ${keystore}; make it yours alone (chmod 600).`);
    return asKey(text.trim(), `${keystore} is empty.`);
  }
  const password = passwordEnv === undefined ? undefined : env[passwordEnv];
  if (password === undefined) throw badKey('A keystore needs its password: name the environment variable that holds it with --password-env.');
  return decryptKeystore(text, password);
}

function readSmall(file: string): string {
  try {
    if (statSync(file).size <= MOST_FILE_BYTES) return readFileSync(file, 'utf8');
  } catch (cause) {
    throw badKey(`${file} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}.`);
  }
  throw badKey(`${file} is no keystore: it is too large.`);
}

function asKey(text: string | undefined, missing: string): Hex {
  if (!text) throw badKey(missing);
  const hex = text.startsWith('0x') ? text.slice(2) : text;
  if (!/^[0-9a-fA-F]{64}$/.test(hex)) throw badKey('It is no private key of 32 bytes in hexadecimal.');
  return `0x${hex.toLowerCase()}`;
}

/** Web3 Secret Storage, version 3: AES-128-CTR under a key from scrypt or PBKDF2, its MAC keccak256(key's second half ‖ text). */
export function decryptKeystore(text: string, password: string): Hex {
  const { version, crypto } = (parse(text) ?? {}) as { version?: unknown; crypto?: Record<string, unknown> };
  if (version !== 3 || typeof crypto !== 'object' || crypto === null || crypto.cipher !== 'aes-128-ctr') throw badKey('It is no keystore of version 3 with AES-128-CTR.');
  const ciphertext = bytesOf(crypto.ciphertext);
  const derived = deriveKey(crypto, password);
  const mac = keccak256(concat(derived.subarray(16, 32), ciphertext));
  const claimed = bytesOf(crypto.mac);
  if (claimed.length !== mac.length || !timingSafeEqual(mac, claimed)) throw badKey('The password is not the keystore’s.');
  const iv = bytesOf((crypto.cipherparams as Record<string, unknown> | undefined)?.iv);
  if (iv.length !== 16 || ciphertext.length !== 32) throw badKey('The keystore is damaged.');
  const cipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), iv);
  return toHex(concat(cipher.update(ciphertext), cipher.final()));
}

function deriveKey({ kdf, kdfparams }: Record<string, unknown>, password: string): Uint8Array {
  const { n, r, p, c, prf, dklen, salt } = (kdfparams ?? {}) as Record<string, unknown>;
  const number = (value: unknown): number => (Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : NaN);
  if (number(dklen) !== 32) throw badKey('The keystore asks for a key of another length than 32 bytes.');
  if (kdf === 'scrypt') {
    const memory = 128 * number(n) * number(r);
    if (!(memory <= MOST_SCRYPT_BYTES && number(p) <= 16)) throw badKey('The keystore asks for more work than a wallet writes.');
    // Not Node's own: OpenSSL refuses some parameters that wallets have written (2^16 rounds and more of 128 bytes).
    return scrypt(password, bytesOf(salt), { N: number(n), r: number(r), p: number(p), dkLen: 32, maxmem: 2 * MOST_SCRYPT_BYTES });
  }
  if (kdf === 'pbkdf2' && prf === 'hmac-sha256' && number(c) <= MOST_PBKDF2_ROUNDS) return new Uint8Array(pbkdf2Sync(password, bytesOf(salt), number(c), 32, 'sha256'));
  throw badKey('The keystore’s key is derived in a way that is not known here.');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badKey('The keystore is no JSON.');
  }
}

function bytesOf(value: unknown): Uint8Array {
  if (typeof value !== 'string' || !/^(0x)?([0-9a-fA-F]{2})*$/.test(value)) throw badKey('The keystore is damaged.');
  return new Uint8Array(Buffer.from(value.replace(/^0x/, ''), 'hex'));
}

function badKey(why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'watch/bad-key', what: 'The watcher’s key cannot be used.', why, next: 'See npm run serve -- watch --help.' });
}
