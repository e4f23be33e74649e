import type { DatanetVersionFile } from './record.ts';
import { RECORD_LIMITS } from './record.ts';
import { Checked } from './run.ts';

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

/** Reads an untrusted Datanet version file; throws `datanet/invalid-version` naming the field. */
export function parseVersionFile(json: unknown): DatanetVersionFile {
  const file = new Checked(json, 'datanet/invalid-version', 'This Datanet version is not valid.');
  file.literal('openledger', 'datanet-version/1');
  file.text('name', /^.{0,200}$/su);
  const short = (value: unknown, limit: number) => typeof value === 'string' && [...value].length <= limit;
  file.list('records', 2 ** 20, (value) => {
    const { text, questions, contributor, contribution } = (value ?? {}) as Record<string, unknown>;
    return (
      short(text, RECORD_LIMITS.text) &&
      Array.isArray(questions) && questions.length <= RECORD_LIMITS.questions &&
      questions.every((q) => short(q?.question, RECORD_LIMITS.question) && short(q?.answer, RECORD_LIMITS.answer)) &&
      typeof contributor === 'string' && ADDRESS.test(contributor) &&
      typeof contribution === 'string' && /^[0-9]{1,78}$/.test(contribution)
    );
  });
  return json as DatanetVersionFile;
}
