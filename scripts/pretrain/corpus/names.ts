import type { Draws } from './random.ts';
import { ABSTRACT_NOUNS, ADJECTIVES, BODY_PARTS, FIRST_NAMES, ILLNESS_NOUNS, OBJECTS } from './words.ts';

const split = (text: string): readonly string[] => text.split(' ');

// Repeated entries are the frequent ones: simple syllables, as in real names.
const ONSETS = split('b c d f g h l m n p r s t v b c d f g h l m n p r s t v b d l m n r s t k k j w z bl br ch cl cr dr fl gr pl pr qu sh sp st str th tr x y');
const VOWELS = split('a e i o u a e i o u a e i o u a e i o ai ea ee ia io oo ou y au');
const CODAS = split('n r l s t n r l s t m d x k ck nd ng nt rd rn st th p b g z');
const LATIN_ENDINGS = split('us um is a ae io or em ens ans ura alis itas ium ibus andi endi orum ante');
const LAW_ENDINGS = split('ment age or ance ence ure ity al tion sion ory er ee ism ant ing hood ship');
const HEALTH_ENDINGS = split('itis osis emia oma in ine ase algia ia us um a oid on gen pathy plasty ella ula ex ol ose ide ism ea');
const PLACE_ENDINGS = split('ville ton berg burg ford mouth port ham dale stad by wick field bridge land haven ria nia polis');
const PROTOCOL_WORDS = split(
  'Finance Swap Protocol Bridge DAO Network Exchange Money Markets Capital Vault Lend Cash Labs Pay Chain Yield Wallet Token Pool Farm ' +
    'Game Games Credit Trade Trading Stable Dex Bank Fund Coin Art NFT Staking Options Perpetual Global World Inverse Loans Power',
);
const PROTOCOL_ENDINGS = split('Swap Fi X Dex DAO Coin Pad Pay Lend Punk Bunny Doge Inu Chain Zap Farm Mint Net Link Verse Bit Hub');
const COMPANY_WORDS = split(
  'Industries Foods Motors Works Group Systems Company Brothers Partners Software Media Books Airlines Energy Logistics Health Design Limited',
);
const PROJECT_WORDS = split('project club team committee school society band mission festival choir league campaign');

export const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

export function pseudoWord(d: Draws, syllables: number): string {
  let word = '';
  for (let i = 0; i < syllables; i++) {
    word += i > 0 || d.chance(78) ? d.pick(ONSETS) : '';
    word += d.pick(VOWELS);
    // Inner syllables stay open more often than the last one, so that words can be spoken.
    if (d.chance(i === syllables - 1 ? 50 : 20)) word += d.pick(CODAS);
  }
  return word;
}

const stem = (d: Draws, syllables: number): string => {
  const word = pseudoWord(d, syllables);
  return /[aeiouy]$/.test(word) ? word + d.pick(CODAS) : word;
};

const latin = (d: Draws): string => stem(d, 1 + d.below(2)) + d.pick(LATIN_ENDINGS);

export function surname(d: Draws): string {
  return capital(pseudoWord(d, 2 + d.below(2)));
}

export function personName(d: Draws): string {
  return `${d.pick(FIRST_NAMES)} ${surname(d)}`;
}

export function placeName(d: Draws): string {
  return capital(d.chance(60) ? stem(d, 1 + d.below(2)) + d.pick(PLACE_ENDINGS) : pseudoWord(d, 2 + d.below(2)));
}

export function companyName(d: Draws): string {
  const first = d.chance(65) ? surname(d) : capital(d.pick(OBJECTS));
  return `${first} ${d.pick(COMPANY_WORDS)}`;
}

export function protocolName(d: Draws): string {
  const word = d.chance(60) ? capital(pseudoWord(d, 1 + d.below(3))) : capital(d.pick(OBJECTS));
  switch (d.below(10)) {
    case 0:
    case 1:
      return word.length > 3 ? word : `${word} ${d.pick(PROTOCOL_WORDS)}`;
    case 2:
    case 3:
      return `${word}${d.pick(PROTOCOL_ENDINGS)}`;
    case 4:
      return `${word} ${capital(d.pick(OBJECTS))}`;
    case 5:
      return `${word} ${capital(pseudoWord(d, 2))} ${d.pick(PROTOCOL_WORDS)}`;
    default:
      return `${word} ${d.pick(PROTOCOL_WORDS)}`;
  }
}

export function termName(d: Draws): string {
  switch (d.below(10)) {
    case 0:
    case 1:
      return `${latin(d)} ${latin(d)}`;
    case 2:
    case 3:
      return `${d.pick(ABSTRACT_NOUNS)} of ${d.pick(ABSTRACT_NOUNS)}`;
    case 4:
      return `${d.pick(ADJECTIVES)} ${d.pick(ABSTRACT_NOUNS)}`;
    case 5:
      return `${stem(d, 2)}${d.pick(LAW_ENDINGS)} of ${d.pick(ABSTRACT_NOUNS)}`;
    case 6:
      return `${d.pick(ADJECTIVES)} ${stem(d, 1)}${d.pick(LAW_ENDINGS)}`;
    default:
      return stem(d, 1 + d.below(2)) + d.pick(LAW_ENDINGS);
  }
}

export function healthName(d: Draws): string {
  const word = stem(d, 1 + d.below(2)) + d.pick(HEALTH_ENDINGS);
  switch (d.below(10)) {
    case 0:
      return `${word} ${d.pick(ILLNESS_NOUNS)}`;
    case 1:
      return `the ${word}`;
    case 2:
      return `the ${word} ${d.pick(BODY_PARTS)}`;
    case 3:
      return `${d.pick(BODY_PARTS)} ${d.pick(ILLNESS_NOUNS)}`;
    case 4:
      return `${d.pick(ADJECTIVES)} ${d.pick(ILLNESS_NOUNS)}`;
    default:
      return word;
  }
}

export function productName(d: Draws): string {
  return `the ${capital(pseudoWord(d, 2))} ${d.chance(25) ? `${1 + d.below(99)} ` : ''}${d.pick(OBJECTS)}`;
}

export function workName(d: Draws): string {
  const noun = capital(d.pick(OBJECTS));
  return d.chance(50)
    ? `The ${capital(d.pick(ADJECTIVES))} ${noun}`
    : `${capital(pseudoWord(d, 2))} and the ${noun}`;
}

export function projectName(d: Draws): string {
  const noun = d.chance(50) ? capital(d.pick(OBJECTS)) : capital(pseudoWord(d, 2));
  return d.chance(30) ? `Project ${noun}` : `the ${noun} ${d.pick(PROJECT_WORDS)}`;
}
