import { describe, expect, test } from 'vitest';
import { type DatanetRecord, RECORD_LIMITS, recordHash } from './record.ts';
import { type RecordFileOptions, type RecordLine, parseRecordFile, recheckRecords, recordsToJsonl } from './record-files.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const none: RecordFileOptions = { accepted: new Set() };

async function lines(name: string, text: string | Uint8Array, options = none): Promise<RecordLine[]> {
  return (await parseRecordFile(name, typeof text === 'string' ? utf8(text) : text, options)).lines;
}
const codes = (line: RecordLine | undefined) => line?.problems.map(({ code }) => code);

function utf16(text: string, little: boolean): Uint8Array {
  const out = new DataView(new ArrayBuffer(2 + 2 * text.length));
  out.setUint16(0, 0xfeff, little);
  for (let i = 0; i < text.length; i++) out.setUint16(2 + 2 * i, text.charCodeAt(i), little);
  return new Uint8Array(out.buffer);
}

const sample: DatanetRecord[] = [
  { text: 'Nomad Bridge lost $190 million.', questions: [{ question: 'How much was lost?', answer: '$190 million' }] },
  { text: 'Grüße an 東京 🚀', questions: [] },
  { text: '', questions: [{ question: 'Who, "really"?', answer: '<script>alert(1)</script>' }] },
];

describe('JSONL', () => {
  test('reads back what recordsToJsonl wrote, script tags and emoji being just text', async () => {
    const read = await lines('a.jsonl', recordsToJsonl(sample));
    expect(read).toEqual(sample.map((record, k) => ({ line: k + 1, record, problems: [] })));
  });

  test('takes the short form, and folds white space', async () => {
    const [line] = await lines('a.jsonl', '{"question":"  Which\\n chain? ","answer":"Ethereum"}');
    expect(line).toEqual({
      line: 1,
      record: { text: '', questions: [{ question: 'Which chain?', answer: 'Ethereum' }] },
      problems: [],
    });
  });

  test('counts blank lines but does not report them; one bad line leaves the others', async () => {
    const read = await lines('a.jsonl', '\n{"text":"one"}\n\n{"text":\n{"text":"two"}\n');
    expect(read.map((line) => [line.line, codes(line)])).toEqual([
      [2, []],
      [4, ['record/broken-json']],
      [5, []],
    ]);
  });

  test.each([
    ['{"text":"  "}', 'record/empty'],
    ['{}', 'record/empty'],
    ['{"text":"a","questions":[{"question":"q","answer":" "}]}', 'record/no-answer'],
    ['{"answer":"a"}', 'record/no-question'],
    ['{"text":"a","source":"b"}', 'record/unknown-field'],
    ['{"text":"a","question":"q","answer":"a","questions":[]}', 'record/unknown-field'],
    ['{"text":5}', 'record/wrong-form'],
    ['{"text":"a","questions":{"question":"q","answer":"a"}}', 'record/wrong-form'],
    ['{"text":"a","questions":["q"]}', 'record/wrong-form'],
    ['"just text"', 'record/wrong-form'],
    ['null', 'record/wrong-form'],
    ['{"text":"a\\u0000b"}', 'record/unprintable'],
    ['{"text":"a\\ud800b"}', 'record/unprintable'],
    ['{"text":"pay \\u202e001"}', 'record/unprintable'],
    [`{"text":"${'x'.repeat(RECORD_LIMITS.text + 1)}"}`, 'record/too-long'],
    [
      JSON.stringify({
        text: 'a',
        questions: Array.from({ length: 9 }, (_, k) => ({ question: `q${k}`, answer: 'a' })),
      }),
      'record/too-many-questions',
    ],
  ])('%s', async (source, code) => {
    expect(codes((await lines('a.jsonl', source))[0])).toContain(code);
  });

  test('the limit counts characters as people do, not halves of emoji', async () => {
    const [line] = await lines('a.jsonl', JSON.stringify({ text: '🚀'.repeat(RECORD_LIMITS.text) }));
    expect(line!.problems).toEqual([]);
  });

  test('a field named __proto__ is unknown and changes nothing', async () => {
    const [line] = await lines('a.jsonl', '{"__proto__":{"text":"x"}}');
    expect(codes(line)).toEqual(['record/unknown-field', 'record/empty']);
  });

  test('one JSON list is refused with what to do', async () => {
    await expect(lines('a.json', '[{"text":"a"}]')).rejects.toMatchObject({ code: 'records/json-list' });
  });
});

describe('duplicates', () => {
  test('of accepted records and of earlier lines, however they are spaced or composed', async () => {
    const accepted = new Set([recordHash({ text: 'Café burned.', questions: [] })]);
    const read = await lines('a.jsonl', '{"text":"Cafe\\u0301  burned."}\n{"text":"new"}\n{"text":" new "}\n{"text":"New"}', { accepted });
    expect(read.map(codes)).toEqual([['record/duplicate-accepted'], [], ['record/duplicate-line'], []]);
    expect(read[2]!.problems[0]!.message).toContain('line 2');
  });

  test('a bad line does not make a later good one a duplicate', async () => {
    const read = await lines('a.jsonl', '{"text":"same","x":1}\n{"text":"same"}');
    expect(read.map(codes)).toEqual([['record/unknown-field'], []]);
  });
});

test('after a line is removed its double is good again; how a line was read stays', async () => {
  const read = await lines('a.jsonl', '{"text":"same"}\n{"text":"same"}\n{"text":"odd","x":1}');
  expect(read.map(codes)).toEqual([[], ['record/duplicate-line'], ['record/unknown-field']]);
  expect((await recheckRecords(read.slice(1), none)).map(codes)).toEqual([[], ['record/unknown-field']]);
});

describe('CSV', () => {
  test('quoted separators, line breaks and quotes; further questions; line numbers of the file', async () => {
    const read = await lines('a.csv', 'text,question,answer,question2,answer2\r\n"A, and\r\nB","He said ""no""?",yes,,\r\n\r\nplain,q,a,q2,a2\r\n');
    expect(read).toEqual([
      {
        line: 2,
        record: { text: 'A, and B', questions: [{ question: 'He said "no"?', answer: 'yes' }] },
        problems: [],
      },
      {
        line: 5,
        record: {
          text: 'plain',
          questions: [
            { question: 'q', answer: 'a' },
            { question: 'q2', answer: 'a2' },
          ],
        },
        problems: [],
      },
    ]);
  });

  test.each([';', '\t', ','])('separator %j', async (s) => {
    const [line] = await lines('a.csv', `Question${s}Answer\nWho${s}me\n`);
    expect(line!.record).toEqual({ text: '', questions: [{ question: 'Who', answer: 'me' }] });
  });

  test.each(['\n', '\r\n', '\r'])('line breaks %j', async (br) => {
    const read = await lines('a.csv', ['text', 'one', 'two', 'three'].join(br));
    expect(read.map((line) => [line.line, line.record?.text])).toEqual([
      [2, 'one'],
      [3, 'two'],
      [4, 'three'],
    ]);
  });

  test('a broken quote costs its own line only', async () => {
    const read = await lines('a.csv', 'text,question,answer\ngood 1,q,a\n"never closed,q,a\ngood 2,q,a\n"closed" late,q,a\ngood 3,q,a\n');
    expect(read.map((line) => [line.line, codes(line), line.record?.text])).toEqual([
      [2, [], 'good 1'],
      [3, ['record/broken-csv'], undefined],
      [4, [], 'good 2'],
      [5, ['record/broken-csv'], undefined],
      [6, [], 'good 3'],
    ]);
  });

  test('more cells than columns, and text in an unknown column, are reported', async () => {
    expect(codes((await lines('a.csv', 'text,question,answer\na,b,c,d\n'))[0])).toEqual(['record/wrong-columns']);
    expect(codes((await lines('a.csv', 'text,source\na,b\n'))[0])).toEqual(['record/unknown-field']);
  });

  test.each(['colour,size\nred,5\n', 'text,text\na,b\n', '"text\na\n'])('a header that cannot be used: %j', async (text) => {
    await expect(lines('a.csv', text)).rejects.toMatchObject({ code: 'records/no-header' });
  });
});

describe('encodings', () => {
  const text = '{"text":"Zürich 東京 🚀"}\n';
  const wanted = [{ line: 1, record: { text: 'Zürich 東京 🚀', questions: [] }, problems: [] }];

  test.each([
    ['UTF-8', utf8(text)],
    ['UTF-8', utf8(`\ufeff${text}`)],
    ['UTF-16 LE', utf16(text, true)],
    ['UTF-16 BE', utf16(text, false)],
  ] as const)('%s', async (encoding, bytes) => {
    const file = await parseRecordFile('a.jsonl', bytes, none);
    expect(file.encoding).toBe(encoding);
    expect(file.lines).toEqual(wanted);
  });

  test('Latin-1 is refused naming the line, not replaced by question marks', async () => {
    const bytes = new Uint8Array([...utf8('{"text":"ok"}\n{"text":"Z'), 0xfc, ...utf8('rich"}\n')]);
    await expect(lines('a.jsonl', bytes)).rejects.toMatchObject({
      code: 'records/bad-encoding',
      why: expect.stringContaining('Line 2'),
    });
  });

  test.each([
    ['UTF-16 without its mark', utf16(text, true).subarray(2)],
    ['UTF-16 cut in a character', utf16(text, true).subarray(0, 9)],
    ['UTF-32', new Uint8Array([0xff, 0xfe, 0, 0, 0x41, 0, 0, 0])],
    ['a picture', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13])],
  ])('%s is refused', async (_what, bytes) => {
    await expect(lines('a.jsonl', bytes)).rejects.toMatchObject({ code: 'records/bad-encoding' });
  });

  test('an empty file is said to be empty', async () => {
    await expect(lines('a.csv', '\ufeff \n')).rejects.toMatchObject({ code: 'records/empty-file' });
  });
});

describe('tokens', () => {
  test('statement and question with answer are each held against the context with their frames', async () => {
    const countTokens = async (texts: string[]) => texts.map((text) => (text ? text.split(' ').length : 0));
    const words = (n: number) => Array.from({ length: n }, () => 'w').join(' ');
    const source = recordsToJsonl([
      { text: words(8), questions: [] },
      { text: words(9), questions: [] },
      { text: '', questions: [{ question: words(3), answer: words(3) }] },
      {
        text: '',
        questions: [
          { question: 'q', answer: 'a' },
          { question: words(4), answer: words(3) },
        ],
      },
    ]);
    const read = await lines('a.jsonl', source, { ...none, countTokens, context: 10 });
    expect(read.map(codes)).toEqual([[], ['record/too-many-tokens'], [], ['record/too-many-tokens']]);
  });
});

describe('size', () => {
  test('100,000 lines are read in slices that leave the page alive', async () => {
    const text = `text,question,answer\n${Array.from({ length: 100_000 }, (_, k) => `Fact ${k % 99_999},"Q ${k}?",A\n`).join('')}`;
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const parts: number[] = [];
    const read = await lines('big.csv', text, { ...none, onProgress: (part) => parts.push(part) });
    clearInterval(timer);
    expect(read).toHaveLength(100_000);
    expect(read.every((line) => line.problems.length === 0)).toBe(true);
    expect(turns).toBeGreaterThan(10);
    expect(parts).toEqual([...parts].sort((a, b) => a - b));
    expect(parts.at(-1)).toBe(1);
  }, 60_000);

  test('more than a contribution holds is refused; an abort ends the work', async () => {
    const text = `${'{"text":"a"}\n'.repeat(100_001)}`;
    await expect(lines('a.jsonl', text)).rejects.toMatchObject({ code: 'records/too-many' });
    const stop = new AbortController();
    const reading = lines('a.jsonl', text, { ...none, signal: stop.signal, onProgress: () => stop.abort() });
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
  }, 60_000);

  test('a file of nothing but open quotes takes linear time', async () => {
    const text = `text\n${'"a\n'.repeat(50_000)}`;
    const started = performance.now();
    const read = await lines('a.csv', text);
    expect(read.length).toBeGreaterThan(1000);
    expect(performance.now() - started).toBeLessThan(5000);
  }, 60_000);
});
