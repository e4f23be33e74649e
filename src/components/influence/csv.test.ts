import { describe, expect, it } from 'vitest';
import { type CsvColumn, fileName, toCsv } from './csv.ts';

const columns: CsvColumn<{ text: string; score: number | undefined }>[] = [
  { name: 'statement', kind: 'text', value: ({ text }) => text },
  { name: 'influence', kind: 'number', value: ({ score }) => score },
];
const only = (text: string) => toCsv(columns, [{ text, score: 1 }]).split('\r\n').slice(1).join('\r\n');

describe('CSV', () => {
  it('has a heading and a line for each row, ended by CRLF', () =>
    expect(toCsv(columns, [{ text: 'a', score: 0.5 }, { text: 'b', score: undefined }])).toBe('statement,influence\r\na,0.5\r\nb,\r\n'));
  it('quotes commas, quotes and line breaks', () => {
    expect(only('one, "two"')).toBe('"one, ""two""",1\r\n');
    expect(only('one\ntwo')).toBe('"one\ntwo",1\r\n');
  });
  it.each(['=HYPERLINK("http://x")', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '＝1'])('takes the formula out of %j', (text) => {
    const field = only(text);
    expect(field.startsWith("'") || field.startsWith(`"'`)).toBe(true);
  });
  it('leaves negative numbers numbers', () => expect(toCsv(columns, [{ text: 'a', score: -2.5e-7 }])).toContain('a,-2.5e-7\r\n'));
  it('keeps an equals sign within a text', () => expect(only('a = b')).toBe('a = b,1\r\n'));
});

describe('file names', () => {
  it('hold no paths', () => expect(fileName('../../What does “ex post facto” mean?', 'influence')).toBe('what-does-ex-post-facto-mean-influence.csv'));
  it('of letters that cannot stand in one are still names', () => expect(fileName('何ですか', 'words')).toBe('answer-words.csv'));
});
