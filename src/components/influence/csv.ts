/** A column: `text` may come from strangers, `number` is written by this program. */
export interface CsvColumn<Row> {
  name: string;
  kind: 'text' | 'number';
  value: (row: Row) => string | number | bigint | undefined;
}

/**
 * Comma-separated values after RFC 4180: lines end with CRLF, fields with commas, quotes or line breaks stand in quotes.
 * Spreadsheets take text that begins with = + - @ (or a tab or return) for a formula; such text gets a ' before it
 * (OWASP, "CSV Injection"). Numbers do not need it: a minus in front of one is one.
 */
export function toCsv<Row>(columns: readonly CsvColumn<Row>[], rows: readonly Row[]): string {
  const line = (fields: string[]) => `${fields.map(quoted).join(',')}\r\n`;
  const field = ({ kind, value }: CsvColumn<Row>, row: Row) => {
    const text = String(value(row) ?? '');
    return kind === 'text' ? guarded(text) : text;
  };
  return line(columns.map(({ name }) => name)) + rows.map((row) => line(columns.map((column) => field(column, row)))).join('');
}

const guarded = (text: string) => (/^[=+\-@\t\r\n＝＋－＠]/u.test(text) ? `'${text}` : text);
const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Saves a text as a file of the person's. The mark in front makes spreadsheets read it as UTF-8. */
export function saveCsv(name: string, csv: string): void {
  const url = URL.createObjectURL(new Blob(['\uFEFF', csv], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // After the browser has taken hold of it.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A file's name from words of a person: letters, digits and hyphens. */
export function fileName(words: string, end: string): string {
  const plain = words.toLowerCase().normalize('NFKD').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60).replace(/-+$/, '');
  return `${plain || 'answer'}-${end}.csv`;
}
