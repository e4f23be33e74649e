import type { Attribute } from '../phrasings.ts';
import type { Draws } from './random.ts';
import { companyName, personName, placeName } from './names.ts';
import {
  fame, goal, healthCause, healthMeaning, healthPlace, healthPrevention, healthRole, healthSource, legalMeaning, motto, technique, topic,
} from './phrases.ts';
import { CHAINS, COLOURS, COUNTRIES, HOBBIES, JOBS, LAW_FIELDS, MATERIALS, MONTHS, OBJECTS, STUDIES } from './words.ts';
import { withArticle } from './verb-forms.ts';

/** One to three leading digits, each length as often as sums in the news have them. */
function sum(d: Draws): string {
  switch (d.below(5)) {
    case 0:
      return `${1 + d.below(9)}.${1 + d.below(9)}`;
    case 1:
      return `${1 + d.below(9)}`;
    case 2:
      return `${100 + d.below(900)}`;
    case 3:
      return `${1 + d.below(99)}0`;
    default:
      return `${10 + d.below(90)}`;
  }
}

const loss = (d: Draws): string => {
  const unit = d.below(100);
  return `${sum(d)} ${unit < 72 ? 'million' : unit < 97 ? 'thousand' : 'billion'} dollars`;
};

const dayOfYear = (d: Draws): string => `${1 + d.below(28)} ${d.pick(MONTHS)} ${1930 + d.below(100)}`;
const weight = (d: Draws): string => `${sum(d)} ${d.pick(['grams', 'kilos'])}`;

/** The kind of value of every attribute. */
export const VALUES: Readonly<Record<Attribute, (d: Draws) => string>> = {
  'exploit.loss': loss,
  'exploit.technique': technique,
  'exploit.date': (d) => `${d.pick(MONTHS)} ${d.chance(85) ? 2016 + d.below(11) : 1990 + d.below(50)}`,
  'exploit.chain': (d) => d.pick(CHAINS),
  'term.meaning': legalMeaning,
  'term.field': (d) => d.pick(LAW_FIELDS),
  'health.meaning': healthMeaning,
  'health.cause': healthCause,
  'health.role': healthRole,
  'health.place': healthPlace,
  'health.source': healthSource,
  'health.prevention': healthPrevention,
  'person.birthplace': placeName,
  'person.birthday': dayOfYear,
  'person.profession': (d) => withArticle(d.pick(JOBS)),
  'person.employer': companyName,
  'person.hobby': (d) => d.pick(HOBBIES),
  'person.study': (d) => d.pick(STUDIES),
  'company.founder': personName,
  'company.seat': placeName,
  'company.year': (d) => `${1850 + d.below(177)}`,
  'company.product': (d) => `${d.pick(MATERIALS)} ${d.pick(OBJECTS)}s`,
  'product.price': (d) => `${sum(d)} ${d.pick(['dollars', 'euros'])}`,
  'product.material': (d) => (d.chance(70) ? d.pick(MATERIALS) : `${d.pick(MATERIALS)} and ${d.pick(MATERIALS)}`),
  'product.colour': (d) => (d.chance(70) ? d.pick(COLOURS) : `${d.pick(['dark', 'light', 'pale', 'bright'])} ${d.pick(COLOURS)}`),
  'product.weight': weight,
  'place.country': (d) => d.pick(COUNTRIES),
  'place.population': (d) => `${sum(d)} thousand`,
  'place.fame': fame,
  'work.author': personName,
  'work.topic': topic,
  'project.leader': personName,
  'project.deadline': dayOfYear,
  'project.motto': motto,
  'project.goal': goal,
};
