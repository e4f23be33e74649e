import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { OpenLedgerError } from '../../errors.ts';
import { type Tensors, parseSafetensors, writeSafetensors } from '../../model/safetensors.ts';
import type { TrainCheckpoint } from '../../model/train.ts';
import type { Hex } from '../../protocol/bytes.ts';
import { Checked } from '../../protocol/run.ts';
import { readFileOr } from './content.ts';

/** A checkpoint on disk: one line of JSON, then a safetensors file with each parameter and its moments. */
export interface KeptTraining {
  /** `Engine.runIdentity` of the run that it belongs to. */
  run: Hex;
  /** Of its recipe, where that was fitted to the memory of a device. */
  accumulate: number | undefined;
  checkpoint: TrainCheckpoint;
}

const KIND = 'training-checkpoint/1';
/** The line of JSON is short; a file without a line is none of ours. */
const LINE_LIMIT = 4096;
const PARTS = ['values', 'm', 'v'] as const;

/** Written whole or not at all: whatever ends the program, the file is one checkpoint or the one before. */
export function writeCheckpoint(path: string, { run, accumulate, checkpoint }: KeptTraining): void {
  const { step, tokens, parameters } = checkpoint;
  const tensors: Tensors = new Map(parameters.flatMap(({ name, ...parts }) => PARTS.map((part) => [`${name}.${part}`, { shape: [parts[part].length], values: parts[part] }] as const)));
  const line = new TextEncoder().encode(`${JSON.stringify({ openledger: KIND, run, step, tokens, ...(accumulate === undefined ? {} : { accumulate }) })}\n`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, Buffer.concat([line, writeSafetensors(tensors, 'F32')]));
  renameSync(`${path}.part`, path);
}

/** Throws `cli/unreadable`, `train/bad-checkpoint`, `safetensors/damaged`. What it holds is checked against the run by training. */
export function readCheckpoint(path: string): KeptTraining {
  const bytes = readFileOr(path, 'The checkpoint');
  const end = bytes.subarray(0, LINE_LIMIT).indexOf(10);
  let head: unknown;
  try {
    head = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, Math.max(0, end))));
  } catch (cause) {
    throw new OpenLedgerError({ code: 'train/bad-checkpoint', what: `${path} is not a checkpoint of a training.`, why: 'It does not begin with a line of JSON.', next: 'Give another file, or begin again without --resume.', cause });
  }
  const checked = new Checked(head, 'train/bad-checkpoint', `${path} is not a checkpoint of a training.`);
  checked.literal('openledger', KIND);
  checked.text('run', /^0x[0-9a-f]{64}$/);
  checked.whole('step', 0, 2 ** 40);
  checked.whole('tokens', 0, Number.MAX_SAFE_INTEGER);
  if (checked.has('accumulate')) checked.whole('accumulate', 1, 2 ** 16);
  const { run, step, tokens, accumulate } = head as { run: Hex; step: number; tokens: number; accumulate?: number };
  const parameters = new Map<string, Partial<Record<(typeof PARTS)[number], Float32Array>>>();
  for (const [name, { values }] of parseSafetensors(bytes.subarray(end + 1), path)) {
    const dot = name.lastIndexOf('.');
    const part = PARTS.find((one) => one === name.slice(dot + 1));
    if (!part) throw checked.fail(name.slice(0, 80), 'is not a part of a parameter');
    const known = parameters.get(name.slice(0, dot)) ?? {};
    parameters.set(name.slice(0, dot), { ...known, [part]: values });
  }
  const complete = [...parameters].map(([name, { values, m, v }]) => {
    if (!values || !m || !v) throw checked.fail(name.slice(0, 80), 'is not complete');
    return { name, values, m, v };
  });
  return { run, accumulate, checkpoint: { step, tokens, parameters: complete } };
}
