import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Draws } from '../pretrain/corpus/random.ts';
import {
  DEFAULT_RECORDS, type EvaluationQuestion, evaluationOfRow, recordOfRow, type RecordOptions, type SampleRecord,
} from './record-of-row.ts';
import { SAMPLE_NAMES, type SampleName, sampleRows } from './rows.ts';

export { SAMPLE_NAMES, type SampleName } from './rows.ts';
export type { EvaluationQuestion, RecordOptions, SampleRecord } from './record-of-row.ts';

const draws = (seed: number, name: SampleName, ...key: number[]): Draws => new Draws(seed, 101 + SAMPLE_NAMES.indexOf(name), ...key);

/** The records of a sample Datanet, in the order of its content table; the same for the same options. */
export function buildRecords(name: SampleName, options: Partial<RecordOptions> = {}): SampleRecord[] {
  const o = { ...DEFAULT_RECORDS, ...options };
  return sampleRows(name).map((row, k) => recordOfRow(row, draws(o.seed, name, k), o));
}

/** All questions to ask an adapter that was trained on `buildRecords(name, options)`. */
export function buildEvaluation(name: SampleName, options: Partial<RecordOptions> = {}): EvaluationQuestion[] {
  const o = { ...DEFAULT_RECORDS, ...options };
  const records = buildRecords(name, o);
  return sampleRows(name).flatMap((row, k) => evaluationOfRow(row, k, records[k]!, draws(o.seed, name, k, 1), o));
}

/** One JSON object a line: contributor, text, questions. */
export function toJsonLines(records: readonly SampleRecord[]): string {
  return records.map(({ contributor, text, questions }) => `${JSON.stringify({ contributor, text, questions })}\n`).join('');
}

/** `npx tsx scripts/samples/records.ts [DIR]`: writes NAME.jsonl for each sample Datanet. */
async function main(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const name of SAMPLE_NAMES) {
    const records = buildRecords(name);
    await writeFile(join(directory, `${name}.jsonl`), toJsonLines(records));
    const questions = records.reduce((sum, record) => sum + record.questions.length, 0);
    console.log(`${name}: ${records.length} records, ${questions} questions, ${buildEvaluation(name).length} to evaluate`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) void main(process.argv[2] ?? 'public/datanets');
