import { pathToFileURL } from 'node:url';
import { CONTRIBUTORS } from './content/contributors.ts';
import { CHAINS, exploits, MONTHS, TECHNIQUES } from './content/exploits.ts';
import { ASKS, healthFacts } from './content/health.ts';
import { FIELDS, legalTerms } from './content/legal.ts';

/* Checks what the types cannot: counts, lengths, uniqueness, plain text, how the work is divided. */

interface Table<Row> {
  name: string;
  rows: readonly Row[];
  least: number;
  /** What names a row; no two rows share it. */
  key: (row: Row) => string;
  problems: (row: Row) => string[];
}

const words = (text: string): number => text.split(' ').length;
const oneOf = (what: string, value: string, allowed: readonly string[]): string[] =>
  allowed.includes(value) ? [] : [`${what} "${value}" is not in the vocabulary`];

function length(what: string, text: string, least: number, most: number): string[] {
  const n = words(text);
  return n >= least && n <= most ? [] : [`${what} "${text}" has ${n} words, not ${least} to ${most}`];
}

/** A phrase that can stand inside a sentence: plain ASCII, single spaces, small first letter, no full stop. */
function phrase(what: string, text: string): string[] {
  const out: string[] = [];
  if (!/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(text)) out.push(`${what} "${text}" is not plain text with single spaces`);
  if (!/^[a-z0-9]/.test(text)) out.push(`${what} "${text}" does not start in lower case`);
  if (/[.!?;:]$/.test(text)) out.push(`${what} "${text}" ends with a full stop or the like`);
  return out;
}

function name(what: string, text: string): string[] {
  return /^[A-Za-z0-9][A-Za-z0-9.' -]*[A-Za-z0-9]$/.test(text) && !text.includes('  ')
    ? []
    : [`${what} "${text}" is not a plain name`];
}

export function loss(text: string): string[] {
  const match = /^(\d{1,3}(?:\.\d{1,2})?) (thousand|million|billion) dollars$/.exec(text);
  return match && Number(match[1]) > 0 ? [] : [`loss "${text}" is not like "8 million dollars"`];
}

/** The first month that may appear is The DAO's; nothing lies in the future. */
function date(month: string, year: number): string[] {
  const at = year * 12 + (MONTHS as readonly string[]).indexOf(month);
  const now = new Date();
  return at >= 2016 * 12 + 5 && at <= now.getUTCFullYear() * 12 + now.getUTCMonth()
    ? []
    : [`date ${month} ${year} is before June 2016 or in the future`];
}

export function tableProblems<Row extends { contributor: string }>(table: Table<Row>): string[] {
  const { rows, key } = table;
  const out: string[] = [];
  if (rows.length < table.least) out.push(`${rows.length} rows, at least ${table.least} wanted`);

  const seen = new Set<string>();
  for (const row of rows) {
    const id = key(row).toLowerCase();
    if (seen.has(id)) out.push(`${key(row)}: twice`);
    seen.add(id);
    for (const problem of [...oneOf('contributor', row.contributor, CONTRIBUTORS), ...table.problems(row)]) {
      out.push(`${key(row)}: ${problem}`);
    }
  }

  // Roughly even shares, and no long run of rows by one person.
  const fair = rows.length / CONTRIBUTORS.length;
  for (const person of CONTRIBUTORS) {
    const n = rows.filter((row) => row.contributor === person).length;
    if (n < 0.75 * fair || n > 1.25 * fair) out.push(`${person} has ${n} rows, ${fair.toFixed(1)} would be even`);
  }
  rows.forEach((row, k) => {
    if (k >= 3 && rows.slice(k - 3, k).every((before) => before.contributor === row.contributor)) {
      out.push(`${key(row)}: the fourth row in a row by ${row.contributor}`);
    }
  });
  return out.map((problem) => `${table.name}: ${problem}`);
}

export function distinct(what: string, values: readonly string[]): string[] {
  return values.filter((value, k) => values.indexOf(value) < k).map((value) => `${what}: "${value}" is there twice`);
}

const unused = (what: string, allowed: readonly string[], used: readonly string[]): string[] =>
  allowed.filter((value) => !used.includes(value)).map((value) => `${what} "${value}" is never used`);

export function contentProblems(): string[] {
  return [
    ...tableProblems({
      name: 'exploits',
      rows: exploits,
      least: 125,
      key: (row) => row.protocol,
      problems: (row) => [
        ...name('protocol', row.protocol),
        ...length('protocol', row.protocol, 1, 4),
        ...date(row.month, row.year),
        ...oneOf('month', row.month, MONTHS),
        ...oneOf('chain', row.chain, CHAINS),
        ...loss(row.lossUsd),
        ...oneOf('technique', row.technique, TECHNIQUES),
        ...phrase('technique', row.technique),
        ...length('technique', row.technique, 1, 5),
      ],
    }),
    ...unused(
      'exploits: chain',
      CHAINS,
      exploits.map((row) => row.chain),
    ),
    ...unused(
      'exploits: technique',
      TECHNIQUES,
      exploits.map((row) => row.technique),
    ),
    ...tableProblems({
      name: 'legal',
      rows: legalTerms,
      least: 85,
      key: (row) => row.term,
      problems: (row) => [
        ...phrase('term', row.term),
        ...length('term', row.term, 1, 4),
        ...phrase('meaning', row.meaning),
        ...length('meaning', row.meaning, 4, 9),
        ...oneOf('field', row.field, FIELDS),
      ],
    }),
    ...distinct(
      'legal: meaning',
      legalTerms.map((row) => row.meaning),
    ),
    ...unused(
      'legal: field',
      FIELDS,
      legalTerms.map((row) => row.field),
    ),
    ...tableProblems({
      name: 'health',
      rows: healthFacts,
      least: 85,
      key: (row) => `${row.subject} (${row.asks})`,
      problems: (row) => [
        ...name('subject', row.subject),
        ...length('subject', row.subject, 1, 4),
        ...oneOf('asks', row.asks, ASKS),
        ...phrase('value', row.value),
        ...length('value', row.value, 2, 8),
      ],
    }),
    ...distinct(
      'health: value',
      healthFacts.map((row) => row.value),
    ),
    ...unused(
      'health: asks',
      ASKS,
      healthFacts.map((row) => row.asks),
    ),
  ];
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const problems = contentProblems();
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exit(1);
  console.log(
    `${exploits.length} exploits, ${legalTerms.length} legal terms, ${healthFacts.length} health facts: all in order`,
  );
}
