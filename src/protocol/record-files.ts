import { OpenLedgerError, throwIfAborted } from '../errors.ts';
import { type DatanetRecord, normaliseRecord } from './record.ts';
import { DuplicateFinder, type RecordCheckOptions, type RecordProblem, problemsOfRecord, tokenProblems } from './record-check.ts';
import { columnName, csvRows, guessSeparator } from './record-file-csv.ts';
import { type DecodedText, decodeRecordText } from './record-file-text.ts';

/** What a line of a file holds: a record, normalised, or the reasons why it is none. */
export interface RecordLine {
  /** Line of the file, from 1; of its first line where a record spans several. */
  line: number;
  /** Present where the line could be read as a record, even one with problems. */
  record?: DatanetRecord;
  problems: RecordProblem[];
}

export interface ParsedRecordFile {
  format: 'jsonl' | 'csv';
  encoding: DecodedText['encoding'];
  lines: RecordLine[];
}

export interface RecordFileOptions extends RecordCheckOptions {
  signal?: AbortSignal | undefined;
  /** Part of the file read so far, 0 to 1. */
  onProgress?: ((part: number) => void) | undefined;
}

/** What a contract takes in one batch. */
export const MOST_RECORDS = 100_000;
const MOST_BYTES = 64 * 1024 * 1024;
/** Milliseconds of work before the page gets a turn. */
const SLICE = 12;
const TOKEN_BATCH = 256;

/**
 * Reads a JSONL or CSV file of records, checking each line. Works in slices, so that a page stays alive at 100,000
 * lines. What is wrong with a line is in its problems; what is wrong with the whole file throws `records/bad-encoding`,
 * `records/too-large`, `records/too-many`, `records/empty-file`, `records/no-header`, `records/json-list`, `cancelled`.
 */
export async function parseRecordFile(name: string, bytes: Uint8Array, options: RecordFileOptions): Promise<ParsedRecordFile> {
  if (bytes.length > MOST_BYTES) {
    throw fileError('records/too-large', 'This file is too large.', `It has ${bytes.length} bytes; ${MOST_BYTES} are read.`, 'Split it.');
  }
  const { text, encoding } = decodeRecordText(bytes);
  if (!text.trim()) throw fileError('records/empty-file', 'This file is empty.', undefined, 'Choose a file with records.');
  const format = formatOf(name, text);
  if (format === 'jsonl' && text.trimStart().startsWith('[')) {
    throw fileError(
      'records/json-list',
      'This file is one JSON list.',
      'Records stand one in each line here.',
      'Write each record, { … }, on a line of its own, without the outer [ ].',
    );
  }
  const rows = format === 'jsonl' ? jsonRows(text) : csvRecordRows(text);
  const lines = await checkRows(rows, text.length, options);
  return { format, encoding, lines };
}

/** One record in each line, as `parseRecordFile` reads it. */
export function recordsToJsonl(records: readonly DatanetRecord[]): string {
  return records.map(({ text, questions }) => `${JSON.stringify({ text, questions })}\n`).join('');
}

/** Problems of reading a line; the others follow from its content and its neighbours, and are found anew. */
const READING = new Set(['broken-json', 'broken-csv', 'wrong-form', 'wrong-columns', 'unknown-field'].map((code) => `record/${code}`));

/** Checks lines again, after some were removed, added or changed. */
export function recheckRecords(lines: readonly RecordLine[], options: RecordFileOptions): Promise<RecordLine[]> {
  function* rows(): Generator<Row, void> {
    for (const [k, { line, record, problems }] of lines.entries()) {
      const kept = problems.filter(({ code }) => READING.has(code));
      yield { line, end: k + 1, problems: kept, ...(record && { record }) };
    }
  }
  return checkRows(rows(), lines.length, options);
}

interface Row extends RecordLine {
  end: number;
}

async function checkRows(rows: Iterable<Row>, size: number, options: RecordFileOptions): Promise<RecordLine[]> {
  const { signal, onProgress, countTokens, context } = options;
  const duplicates = new DuplicateFinder(options.accepted);
  const lines: RecordLine[] = [];
  let batch: RecordLine[] = [];
  const countBatch = async () => {
    if (!countTokens || context === undefined || batch.length === 0) return;
    const found = await tokenProblems(
      batch.map((line) => line.record!),
      countTokens,
      context,
    );
    batch.forEach((line, k) => found[k] && line.problems.push(found[k]));
    batch = [];
  };
  let started = performance.now();
  for (const { end, line, record, problems } of rows) {
    const out: RecordLine = { line, problems };
    if (record) {
      out.record = normaliseRecord(record);
      problems.push(...problemsOfRecord(out.record));
      const twice = problems.length === 0 ? duplicates.problemOf(out.record, line) : undefined;
      if (twice) problems.push(twice);
      // What is too long in characters already is not counted again.
      if (problems.length === 0) batch.push(out);
    }
    lines.push(out);
    if (lines.length > MOST_RECORDS) {
      throw fileError('records/too-many', 'This file has too many records.', `One contribution holds at most ${MOST_RECORDS}.`, 'Split the file.');
    }
    if (batch.length >= TOKEN_BATCH) await countBatch();
    if (performance.now() - started > SLICE) {
      onProgress?.(end / size);
      await new Promise((resolve) => setTimeout(resolve));
      throwIfAborted(signal);
      started = performance.now();
    }
  }
  await countBatch();
  throwIfAborted(signal);
  onProgress?.(1);
  return lines;
}

function formatOf(name: string, text: string): 'jsonl' | 'csv' {
  if (/\.(csv|tsv)$/i.test(name)) return 'csv';
  if (/\.(jsonl|ndjson|json)$/i.test(name)) return 'jsonl';
  return /^\s*[{[]/.test(text.slice(0, 1000)) ? 'jsonl' : 'csv';
}

// ---- JSONL ----

function* jsonRows(text: string): Generator<Row, void> {
  let line = 1;
  for (let at = 0; at < text.length; line++) {
    const found = text.indexOf('\n', at);
    const next = found < 0 ? text.length : found + 1;
    const source = text.slice(at, next).trim();
    at = next;
    if (source) yield { line, end: next, ...jsonRecord(source) };
  }
}

type ReadRecord = Pick<RecordLine, 'record' | 'problems'>;

const problem = (code: string, message: string): ReadRecord => ({ problems: [{ code, message }] });

function jsonRecord(source: string): ReadRecord {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0]!.slice(0, 120) : '';
    return problem('record/broken-json', `It is not valid JSON: ${reason}`);
  }
  return recordOfJson(value);
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads `{text, questions: [{question, answer}]}` or the short form `{question, answer}` (with or without `text`). */
export function recordOfJson(value: unknown): ReadRecord {
  if (!isObject(value)) return problem('record/wrong-form', 'It is not an object like {"text": …, "questions": […]}.');
  const problems: RecordProblem[] = [];
  const add = (code: string, message: string) => problems.push({ code, message });
  const field = (object: Record<string, unknown>, key: string, where = '') => {
    const given = Object.hasOwn(object, key) ? object[key] : undefined;
    if (given === undefined || given === null) return '';
    if (typeof given === 'string') return given;
    add('record/wrong-form', `“${where}${key}” is not a text.`);
    return '';
  };
  const refuseOthers = (object: Record<string, unknown>, allowed: string[], where = '') => {
    for (const key of Object.keys(object)
      .filter((key) => !allowed.includes(key))
      .slice(0, 5)) {
      add('record/unknown-field', `“${where}${key.slice(0, 40)}” is not a field of a record.`);
    }
  };

  const record: DatanetRecord = { text: field(value, 'text'), questions: [] };
  const short = Object.hasOwn(value, 'question') || Object.hasOwn(value, 'answer');
  refuseOthers(value, short ? ['text', 'question', 'answer'] : ['text', 'questions']);
  if (short) {
    record.questions.push({ question: field(value, 'question'), answer: field(value, 'answer') });
  } else if (Object.hasOwn(value, 'questions')) {
    if (!Array.isArray(value.questions)) {
      add('record/wrong-form', '“questions” is not a list.');
    } else {
      value.questions.slice(0, 100).forEach((entry: unknown, k) => {
        const where = `questions[${k}].`;
        if (!isObject(entry)) return add('record/wrong-form', `“questions[${k}]” is not an object with question and answer.`);
        refuseOthers(entry, ['question', 'answer'], where);
        record.questions.push({ question: field(entry, 'question', where), answer: field(entry, 'answer', where) });
      });
    }
  }
  return { record, problems };
}

// ---- CSV ----

const CSV_NAMES = new Set(['text', 'question', 'answer', ...[2, 3, 4, 5, 6, 7, 8].flatMap((k) => [`question${k}`, `answer${k}`])]);

interface Column {
  name: string;
  field: 'text' | 'question' | 'answer' | undefined;
  /** Which question, from 0. */
  pair: number;
}

function* csvRecordRows(text: string): Generator<Row, void> {
  const rows = csvRows(text, guessSeparator(text, CSV_NAMES));
  const header = rows.next();
  const columns = header.done ? [] : header.value.cells.map(columnOf);
  if (header.done || header.value.broken || !columns.some((column) => column.field)) throw noHeader();
  const doubled = columns.find(({ name, field }, k) => field && columns.findIndex((other) => other.name === name) !== k);
  if (doubled) throw noHeader(`The column “${doubled.name}” stands twice.`);
  for (const { line, end, cells, broken } of rows) {
    if (broken) {
      yield { line, end, ...problem('record/broken-csv', broken) };
    } else if (cells.length > 1 || cells[0]!.trim()) {
      yield { line, end, ...csvRecord(cells, columns) };
    }
  }
}

function columnOf(cell: string): Column {
  const name = columnName(cell);
  const match = CSV_NAMES.has(name) ? /^(text|question|answer)(\d?)$/.exec(name) : null;
  return { name, field: match?.[1] as Column['field'], pair: Number(match?.[2] || 1) - 1 };
}

function csvRecord(cells: string[], columns: Column[]): ReadRecord {
  const problems: RecordProblem[] = [];
  let text = '';
  const pairs: { question: string; answer: string }[] = [];
  if (cells.length > columns.length) {
    problems.push({
      code: 'record/wrong-columns',
      message: `It has ${cells.length} cells; the header names ${columns.length} columns. Text with a separator has to stand in "quotes".`,
    });
  }
  columns.forEach(({ name, field, pair }, k) => {
    const cell = (cells[k] ?? '').trim();
    if (field === 'text') text = cell;
    else if (field) (pairs[pair] ??= { question: '', answer: '' })[field] = cell;
    else if (cell) problems.push({ code: 'record/unknown-field', message: `“${name.slice(0, 40)}” is not a column of records.` });
  });
  // Columns of further questions are often left empty.
  return { record: { text, questions: pairs.filter((pair) => pair && (pair.question || pair.answer)) }, problems };
}

function noHeader(why = 'Its first line names none of the columns.'): OpenLedgerError {
  return fileError(
    'records/no-header',
    'This CSV file has no header that can be used.',
    why,
    'Begin it with the line text,question,answer (then question2,answer2 and so on).',
  );
}

function fileError(code: string, what: string, why: string | undefined, next: string): OpenLedgerError {
  return new OpenLedgerError({ code, what, why, next });
}
