import { normalise } from '../../protocol/record.ts';

/** Longest term in characters (UTF-16); what follows is left out, in records and questions alike. */
const LONGEST = 40;

// What is retrieved is paid, so the rule is fixed here by code point: the classes of \p{…}, and toLowerCase over all of
// Unicode, change with the version of Unicode that an engine knows.

/** Blanks, punctuation and symbols, and halves of characters. */
const SEPARATORS =
  '\\u0000-\\u002f\\u003a-\\u0040\\u005b-\\u0060\\u007b-\\u00a9\\u00ab-\\u00b4\\u00b6-\\u00b9\\u00bb-\\u00bf\\u00d7\\u00f7' +
  '\\u2000-\\u2bff\\u2e00-\\u2e7f\\u3000-\\u3004\\u3008-\\u3020\\u3030\\ufe30-\\ufe6f\\uff00-\\uff0f\\uff1a-\\uff20\\uff3b-\\uff40' +
  '\\uff5b-\\uff65\\ud800-\\udfff\\ufffc-\\uffff';
/** Thai, Lao, Myanmar, Khmer, Chinese and Japanese: written without spaces between words. */
const UNSPACED =
  '\\u0e00-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u2e80-\\u2fdf\\u3005-\\u3007\\u3021-\\u302f\\u3031-\\u312f\\u31a0-\\u9fff' +
  '\\uf900-\\ufaff\\uff66-\\uff9f\\u{20000}-\\u{3ffff}';
const RUN = new RegExp(`([${UNSPACED}]+)|[^${SEPARATORS}${UNSPACED}]+`, 'gu');
/** Latin, Greek and Cyrillic with their extensions: assigned long ago, so that every engine has the same small letters. */
const CASED = /[\u0041-\u005a\u00c0-\u052f\u1e00-\u1fff]/gu;

/**
 * The terms of a text: runs of letters and digits in small letters; of scripts written without spaces, pairs of
 * neighbouring characters, or the one character that stands alone. The same on every machine.
 */
export function termsOf(text: string): string[] {
  const terms: string[] = [];
  for (const [run, unspaced] of normalise(text).matchAll(RUN)) {
    // Letter by letter: a whole word’s last sigma would depend on its neighbours.
    if (!unspaced) terms.push(run.slice(0, LONGEST).replace(CASED, (letter) => letter.toLowerCase()));
    else {
      const characters = [...unspaced];
      if (characters.length === 1) terms.push(unspaced);
      for (let i = 1; i < characters.length; i++) terms.push(characters[i - 1]! + characters[i]!);
    }
  }
  return terms;
}
