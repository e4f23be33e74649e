/** A word of an answer: which of its tokens it is made of, [from, to). */
export interface AnswerWord {
  text: string;
  from: number;
  to: number;
  /** White space before it, as the model wrote it. */
  space: string;
}

/**
 * Words of an answer from the text of each token. A token whose text is empty (half a character) belongs to the word
 * that its text appears in; an end token at the end belongs to none.
 */
export function wordsOf(pieces: readonly string[]): AnswerWord[] {
  const words: AnswerWord[] = [];
  let open: AnswerWord | undefined;
  let waiting: number | undefined;
  pieces.forEach((piece, token) => {
    if (piece === '') {
      waiting ??= token;
      return;
    }
    const from = waiting ?? token;
    waiting = undefined;
    for (const part of piece.match(/\s+|\S+/gu) ?? []) {
      if (/^\s/u.test(part)) {
        open = undefined;
        const space = part;
        words.push((open = { text: '', from, to: token + 1, space }));
      } else {
        if (!open) words.push((open = { text: '', from, to: token + 1, space: '' }));
        open.text += part;
        open.to = token + 1;
      }
    }
    if (/\s$/u.test(piece)) open = undefined;
  });
  // White space without a word after it.
  return words.filter((word) => word.text !== '');
}

/** Sentences as ranges of words, [from, to). */
export function sentencesOf(words: readonly AnswerWord[]): { from: number; to: number }[] {
  const out: { from: number; to: number }[] = [];
  let from = 0;
  words.forEach((word, k) => {
    if (/[.!?…。！？]["'”’)]*$/u.test(word.text) || k === words.length - 1) {
      out.push({ from, to: k + 1 });
      from = k + 1;
    }
  });
  return out;
}
