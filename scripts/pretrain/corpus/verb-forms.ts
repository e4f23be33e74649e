/** English verb forms: rules for regular verbs, a table for the others. */
const IRREGULAR: Readonly<Record<string, string>> = Object.fromEntries(
  `bear borne;beat beaten;become become;begin begun;bind bound;break broken;bring brought;build built;buy bought;choose chosen;
  come come;cost cost;cut cut;deal dealt;do done;draw drawn;drink drunk;drive driven;eat eaten;fall fallen;feed fed;feel felt;
  fight fought;find found;fly flown;forbid forbidden;forget forgotten;freeze frozen;get got;give given;go gone;grow grown;have had;
  hear heard;hide hidden;hold held;hurt hurt;keep kept;know known;lead led;leave left;lend lent;let let;light lit;lose lost;make made;
  mean meant;meet met;pay paid;put put;quit quit;read read;repay repaid;ride ridden;rise risen;run run;say said;see seen;seek sought;
  sell sold;send sent;set set;shoot shot;show shown;shut shut;sing sung;sit sat;sleep slept;speak spoken;spend spent;split split;
  spread spread;stand stood;steal stolen;strike struck;swear sworn;sweat sweated;swell swollen;swim swum;take taken;teach taught;tear torn;
  tell told;think thought;throw thrown;understand understood;wear worn;win won;withdraw withdrawn;withhold withheld;write written`
    .split(';')
    .map((pair) => pair.trim().split(' ') as [string, string]),
);

const DOUBLED = new Set(
  `admit bar ban beg begin clot commit compel cut drop fit forbid forget get grip jump let permit plan put quit rob run set shut sit
  split stab stop submit swim transmit transfer refer occur win wrap cancel travel drag hit occur`
    .split(/\s+/)
    .filter((verb) => !['jump', 'cancel', 'travel'].includes(verb)),
);

const endsInConsonantY = (verb: string): boolean => /[^aeiou]y$/.test(verb);

export function thirdPerson(verb: string): string {
  if (verb === 'have') return 'has';
  if (verb === 'do' || verb === 'go') return `${verb}es`;
  if (endsInConsonantY(verb)) return `${verb.slice(0, -1)}ies`;
  return /(s|x|z|ch|sh)$/.test(verb) ? `${verb}es` : `${verb}s`;
}

export function gerund(verb: string): string {
  if (verb === 'die' || verb === 'tie') return `${verb[0]}ying`;
  if (DOUBLED.has(verb)) return `${verb}${verb.at(-1)}ing`;
  return /[^eoy]e$/.test(verb) && verb !== 'be' ? `${verb.slice(0, -1)}ing` : `${verb}ing`;
}

export function participle(verb: string): string {
  const irregular = IRREGULAR[verb];
  if (irregular) return irregular;
  if (endsInConsonantY(verb)) return `${verb.slice(0, -1)}ied`;
  if (DOUBLED.has(verb)) return `${verb}${verb.at(-1)}ed`;
  return verb.endsWith('e') ? `${verb}d` : `${verb}ed`;
}

/** "a" or "an" by the first letter, which is right for the words of this corpus. */
export function withArticle(phrase: string): string {
  const vowel = /^[aeio]/.test(phrase) || /^u(n[a-hj-z]|r|l)/.test(phrase);
  return `${vowel && !/^(one|euro)/.test(phrase) || /^(hour|honest|heir)/.test(phrase) ? 'an' : 'a'} ${phrase}`;
}
