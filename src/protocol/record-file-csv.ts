/** One row of a CSV file. A broken row has the reason instead of cells. */
export interface CsvRow {
  /** Line of the file that the row begins on, from 1. */
  line: number;
  cells: string[];
  broken?: string;
  /** Where in the text reading has come to. */
  end: number;
}

/** A cell longer than this is taken for one whose closing quote is missing: no field of a record is as long. */
const LONGEST_CELL = 20_000;

/**
 * Rows as RFC 4180 has them: cells in double quotes may hold separators, line breaks and doubled quotes. Where quoting
 * is broken only that line is lost; reading goes on with the next one.
 */
export function* csvRows(text: string, separator: string): Generator<CsvRow, void> {
  let at = 0;
  for (let line = 1; at < text.length;) {
    const row = readRow(text, at, separator);
    const lineEnd = endOfLine(text, at);
    const end = row.broken === undefined ? row.end : lineEnd.next;
    yield { line, ...row, end };
    line += lineBreaks(text, at, end);
    at = end;
  }
}

/** The separator whose split of the first line has one of the known names; spreadsheets write `;` in many countries. */
export function guessSeparator(text: string, names: ReadonlySet<string>): string {
  const first = text.slice(0, Math.min(endOfLine(text, 0).end, 10_000));
  const known = (separator: string) => first.split(separator).filter((cell) => names.has(columnName(cell))).length;
  return [',', ';', '\t'].reduce((best, next) => (known(next) > known(best) ? next : best));
}

export function columnName(cell: string): string {
  return cell
    .replace(/^\s*"|"\s*$/g, '')
    .trim()
    .toLowerCase();
}

function readRow(text: string, from: number, separator: string): { cells: string[]; end: number; broken?: string } {
  const cells: string[] = [];
  for (let at = from; ; at++) {
    if (text[at] === '"') {
      const closed = readQuoted(text, at);
      if (closed === undefined) return { cells, end: at, broken: 'A quote that opens here is never closed.' };
      cells.push(closed.cell);
      at = closed.end;
      const line = lineBreak(text, at);
      if (at >= text.length || line > 0) return { cells, end: at + line };
      if (text[at] !== separator) {
        return {
          cells,
          end: at,
          broken: 'There is text after a closing quote; a quote inside a cell has to be doubled ("").',
        };
      }
      continue;
    }
    let end = at;
    while (end < text.length && text[end] !== separator && text[end] !== '\n' && text[end] !== '\r') end++;
    cells.push(text.slice(at, end));
    if (end >= text.length || text[end] !== separator) return { cells, end: end + lineBreak(text, end) };
    at = end;
  }
}

/** `end` is the place after the closing quote. */
function readQuoted(text: string, open: number): { cell: string; end: number } | undefined {
  for (let at = open + 1; ;) {
    const quote = text.indexOf('"', at);
    if (quote < 0 || quote - open > LONGEST_CELL) return undefined;
    if (text[quote + 1] !== '"') return { cell: text.slice(open + 1, quote).replaceAll('""', '"'), end: quote + 1 };
    at = quote + 2;
  }
}

/** Length of the line break at a place; 0 where there is none. */
function lineBreak(text: string, at: number): number {
  if (text[at] === '\n') return 1;
  if (text[at] === '\r') return text[at + 1] === '\n' ? 2 : 1;
  return 0;
}

function endOfLine(text: string, from: number): { end: number; next: number } {
  let end = from;
  while (end < text.length && text[end] !== '\n' && text[end] !== '\r') end++;
  return { end, next: end + lineBreak(text, end) };
}

/** Looks at no more than the given part: a search for the next break could read the whole rest, again for each row. */
function lineBreaks(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to;) {
    const length = lineBreak(text, at);
    if (length > 0) count++;
    at += Math.max(1, length);
  }
  return count;
}
