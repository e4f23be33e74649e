import { join } from 'node:path';
import { readRecords } from '../../scripts/start/samples.ts';
import { ROOT } from './network.ts';

export type SampleRecord = ReturnType<typeof readRecords>[number];

/** What a sample Datanet answers to one of its own questions, and the record that says so. */
export function expectedOf(sample: string, question: string): { question: string; answer: string; record: SampleRecord } {
  for (const record of readRecords(join(ROOT, 'public/datanets', `${sample}.jsonl`))) {
    const found = record.questions.find((one) => one.question === question);
    if (found) return { ...found, record };
  }
  throw new Error(`no record of ${sample} asks “${question}”`);
}
