import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../../src/attribution/engine.ts';
import { makeStatement, openRun } from '../../src/attribution/runs/run-of-adapter.ts';
import type { ReplayOptions } from '../../src/attribution/runs/replay.ts';
import type { Hex } from '../../src/protocol/bytes.ts';
import type { DatanetRecord } from '../../src/protocol/record.ts';
import type { RunFile } from '../../src/protocol/run.ts';

/**
 * What the owner of a sample adapter vouches for (docs/runs.md): it follows from base, records and run.json, not from the chain, so it
 * is made once, with the sample, and `npm start` need not train again.
 */
export interface SampleStatement {
  planRoot: Hex;
  outputsRoot: Hex;
  units: number;
}

const fileOf = (publicFolder: string, name: string, ending: 'json' | 'roots') => join(publicFolder, 'runs', `${name}.${ending}`);

/** Makes the whole run again. Throws what makeStatement throws. */
export async function writeStatement(publicFolder: string, name: string, engine: Engine, run: RunFile, records: readonly DatanetRecord[], options: ReplayOptions = {}): Promise<SampleStatement> {
  const { bytes, ...statement } = await makeStatement(await openRun(engine, run, records), options);
  mkdirSync(join(publicFolder, 'runs'), { recursive: true });
  writeFileSync(fileOf(publicFolder, name, 'roots'), bytes);
  writeFileSync(fileOf(publicFolder, name, 'json'), `${JSON.stringify(statement, null, 2)}\n`);
  return statement;
}

/** With the list of its units' roots; undefined where none was made. */
export function readStatement(publicFolder: string, name: string): (SampleStatement & { roots: Uint8Array }) | undefined {
  const [json, roots] = [fileOf(publicFolder, name, 'json'), fileOf(publicFolder, name, 'roots')];
  if (!existsSync(json) || !existsSync(roots)) return undefined;
  return { ...(JSON.parse(readFileSync(json, 'utf8')) as SampleStatement), roots: new Uint8Array(readFileSync(roots)) };
}
