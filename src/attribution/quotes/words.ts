/** Scripts that are written without spaces between words: each character stands for itself. */
const UNSPACED = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}`;
const LETTER = String.raw`(?:(?![${UNSPACED}])[\p{L}\p{N}\p{M}_])`;
/** Letters and digits with the marks inside of words and numbers (don’t, 1,000.5), or any one other character. */
const WORD = new RegExp(String.raw`${LETTER}+(?:(?:(?<=\p{L})['’](?=\p{L})|(?<=\p{N})[.,](?=\p{N}))${LETTER}+)*|[${UNSPACED}]\p{M}*|\S`, 'gu');

const LETTER_INSIDE = /[\p{L}\p{N}]/u;

/** The words and marks of a text, white space left out, and where each begins in it. */
export interface Words {
  words: string[];
  /** Character (UTF-16) at which each begins. */
  starts: number[];
}

export function splitWords(text: string): Words {
  const words: string[] = [];
  const starts: number[] = [];
  for (const { 0: word, index } of text.matchAll(WORD)) {
    words.push(word);
    starts.push(index);
  }
  return { words, starts };
}

/** A word or number, not a mark such as a comma. */
export function isWord(text: string): boolean {
  return LETTER_INSIDE.test(text);
}
