import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReadPublic } from './base.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const publicFolder = join(root, 'public');

export const readPublic: ReadPublic = async (path) => new Uint8Array(readFileSync(join(publicFolder, path)));

/** For people. */
export const machine = () => ({ machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`, node: process.version });
