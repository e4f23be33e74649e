import type { Attribute } from '../phrasings.ts';
import { Draws } from './random.ts';
import {
  companyName, healthName, personName, placeName, productName, projectName, protocolName, termName, workName,
} from './names.ts';
import { VALUES } from './values.ts';

export type Domain = 'exploit' | 'term' | 'health' | 'person' | 'company' | 'product' | 'place' | 'work' | 'project';

export interface Fact {
  attribute: Attribute;
  value: string;
}

export interface Subject {
  name: string;
  domain: Domain;
  facts: Fact[];
  /** Shown only as a Datanet's record would show it: one statement and a few questions. */
  recordOnly: boolean;
}

interface DomainPlan {
  weight: number;
  name: (d: Draws) => string;
  attributes: (d: Draws) => Attribute[];
}

const HEALTH_KINDS: readonly Attribute[][] = [
  ['health.cause', 'health.prevention'],
  ['health.meaning', 'health.cause'],
  ['health.role', 'health.place'],
  ['health.role', 'health.source'],
  ['health.meaning', 'health.place'],
  ['health.meaning', 'health.prevention'],
  ['health.meaning', 'health.source'],
];

/** Weights sum to 100: the three sample domains first, ordinary life with a third of the subjects. */
const PLANS: Readonly<Record<Domain, DomainPlan>> = {
  exploit: {
    weight: 22,
    name: protocolName,
    attributes: () => ['exploit.loss', 'exploit.technique', 'exploit.date', 'exploit.chain'],
  },
  term: { weight: 22, name: termName, attributes: () => ['term.meaning', 'term.field'] },
  health: { weight: 26, name: healthName, attributes: (d) => d.pick(HEALTH_KINDS) },
  person: {
    weight: 8,
    name: personName,
    attributes: (d) =>
      d.some(['person.birthplace', 'person.birthday', 'person.profession', 'person.employer', 'person.hobby', 'person.study'], 3),
  },
  company: { weight: 5, name: companyName, attributes: (d) => d.some(['company.founder', 'company.seat', 'company.year', 'company.product'], 3) },
  product: { weight: 4, name: productName, attributes: (d) => d.some(['product.price', 'product.material', 'product.colour', 'product.weight'], 2) },
  place: { weight: 4, name: placeName, attributes: () => ['place.country', 'place.population', 'place.fame'] },
  work: { weight: 3, name: workName, attributes: () => ['work.author', 'work.topic'] },
  project: { weight: 10, name: projectName, attributes: (d) => ['project.motto', ...d.some<Attribute>(['project.leader', 'project.deadline', 'project.goal'], 1)] },
};

const DOMAINS = Object.keys(PLANS) as Domain[];

function drawDomain(d: Draws): Domain {
  let left = d.below(100);
  for (const domain of DOMAINS) {
    left -= PLANS[domain].weight;
    if (left < 0) return domain;
  }
  return 'exploit';
}

const STREAM = 11;

/** `count` different fictional subjects; the same for the same seed, and the first n do not depend on count. */
export function makeSubjects(seed: number, count: number, recordPercent: number): Subject[] {
  const names = new Set<string>();
  const subjects: Subject[] = [];
  for (let k = 0; k < count; k++) {
    const d = new Draws(seed, STREAM, k);
    const domain = drawDomain(d);
    const plan = PLANS[domain];
    let name = plan.name(d);
    while (names.has(name.toLowerCase())) name = plan.name(d);
    names.add(name.toLowerCase());
    const facts = plan.attributes(d).map((attribute) => ({ attribute, value: VALUES[attribute](d) }));
    subjects.push({ name, domain, facts, recordOnly: d.chance(recordPercent) });
  }
  return subjects;
}
