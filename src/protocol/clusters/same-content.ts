import type { DatanetRecord } from '../record.ts';
import { tokensOf } from './tokens.ts';
import type { UnionFind } from './union-find.ts';

/** The statements that a record makes, folded: its text, and each question with its answer. */
export function contentOf(record: DatanetRecord): string[] {
  const parts = [['', record.text], ...record.questions.map(({ question, answer }) => [question, answer])] as [string, string][];
  const folded = parts.map(([question, answer]) => [tokensOf(question).join(' '), tokensOf(answer).join(' ')].join('\n')).filter((part) => part !== '\n');
  return [...new Set(folded)];
}

/** Of the records that hold a statement, this many of the first are looked at: one Datanet can ask the same of all its records. */
const MOST_HOLDERS = 64;

/** Joins every record that says nothing which one earlier record does not say too: copies, also in parts, in other order or dress. */
export function joinSameContent(records: readonly DatanetRecord[], sets: UnionFind): void {
  const idOf = new Map<string, number>();
  const contents = records.map((record) => Uint32Array.from(contentOf(record), (part) => idOf.get(part) ?? (idOf.set(part, idOf.size), idOf.size - 1)));
  const holders: number[][] = Array.from({ length: idOf.size }, () => []);
  contents.forEach((content, k) => {
    if (!content.length) return;
    const rarest = content.reduce((best, part) => (holders[part]!.length < holders[best]!.length ? part : best), content[0]!);
    const earlier = holders[rarest]!.find((other) => content.every((part) => contents[other]!.includes(part)));
    if (earlier !== undefined) sets.join(earlier, k);
    for (const part of content) if (holders[part]!.length < MOST_HOLDERS) holders[part]!.push(k);
  });
}
