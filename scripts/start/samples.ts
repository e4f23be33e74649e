import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DatanetRecord } from '../../src/protocol/record.ts';
import { type SampleStatement, readStatement } from '../samples/statements.ts';

/** What the repository ships: see public/datanets/index.json. */
export interface Sample {
  /** Folder and file name. */
  name: string;
  /** For people. */
  title: string;
  description: string;
  adapterName: string;
  /** OPEN per 1,000 tokens, decimal. */
  rateIn: string;
  rateOut: string;
}

export interface SampleContent extends Sample {
  records: (DatanetRecord & { contributor: string })[];
  adapter: Record<string, Uint8Array>;
  /** What its owner vouches for, with the list that is published; absent where none was made. */
  statement: (SampleStatement & { roots: Uint8Array }) | undefined;
}

export function readFolder(folder: string): Record<string, Uint8Array> {
  return Object.fromEntries(readdirSync(folder).sort().map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
}

export function readSamples(publicFolder: string): SampleContent[] {
  const index = join(publicFolder, 'datanets/index.json');
  if (!existsSync(index)) return [];
  return (JSON.parse(readFileSync(index, 'utf8')) as Sample[]).map((sample) => ({
    ...sample,
    records: readRecords(join(publicFolder, 'datanets', `${sample.name}.jsonl`)),
    adapter: readFolder(join(publicFolder, 'adapters', sample.name)),
    statement: readStatement(publicFolder, sample.name),
  }));
}

export function readRecords(file: string): (DatanetRecord & { contributor: string })[] {
  return readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
}
