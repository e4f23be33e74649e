/**
 * Texts as copies are looked for in them: compatibility forms folded, case, accents, invisible characters, punctuation
 * and white space gone, letters of other scripts that look like Latin ones made Latin. Numbers keep their points and,
 * beside them, arithmetic signs: 1.5 is not 15, and 6 - 2 is not 6 + 2.
 */
export function tokensOf(text: string): string[] {
  const folded = [...text.normalize('NFKD').replace(IGNORED, '').toLowerCase()].map((letter) => LOOKALIKES.get(letter) ?? letter).join('');
  const found = folded.replace(/[\p{Pd}\u2212]/gu, '-').match(TOKEN) ?? [];
  const isNumber = (token: string | undefined) => token !== undefined && /^\p{N}/u.test(token);
  return found.filter((token, k) => !SIGNS.has(token) || isNumber(found[k - 1]) || isNumber(found[k + 1]));
}

/** Accents that NFKD has split off, and characters without width. Vowel signs of Indic scripts are no accents and stay. */
const IGNORED = /[\u0300-\u036f]|\p{Cf}|\p{Variation_Selector}/gu;
/** Scripts that write no spaces count character by character. */
const TOKEN = /\p{N}+(?:[.,:]\p{N}+)*|[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|(?:(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}])[\p{L}\p{M}])+|[-+*/%^=<>]/gu;
const SIGNS = new Set('-+*/%^=<>');

/** Lower-case Cyrillic and Greek letters that are drawn like Latin ones. */
const LOOKALIKES = new Map(
  [...'аaеeоoрpсcуyхxіiјjѕsԁdԛqԝwһhνvοoαaρpιiκkυuτtχx'].reduce<[string, string][]>((pairs, letter, k, all) => (k % 2 ? pairs : [...pairs, [letter, all[k + 1]!]]), []),
);
