/**
 * How a fact is said and asked. `{s}` is the subject, `{v}` the value. Questions marked `seen` may be used in
 * the records of a Datanet; `heldOut` ones are taught in pretraining on fictional subjects only and serve to
 * evaluate an adapter in a phrasing that is in none of its records.
 */
export interface Phrasings {
  seen: readonly string[];
  heldOut: readonly string[];
  statements: readonly string[];
}

/** The attributes that the sample Datanets ask for. */
export const SAMPLE_PHRASINGS = {
  'exploit.loss': {
    seen: [
      'How much did {s} lose?',
      'What was the loss at {s}?',
      'How much was stolen from {s}?',
      'What did the {s} exploit cost?',
      'How big was the {s} loss?',
    ],
    heldOut: [
      'How much money was lost by {s}?',
      'How much was taken in the {s} attack?',
      'How much did the attackers steal from {s}?',
      'What sum did {s} lose?',
    ],
    statements: [
      '{s} lost {v}.',
      'The loss at {s} was {v}.',
      '{v} were stolen from {s}.',
      'Attackers took {v} from {s}.',
      'The exploit of {s} cost {v}.',
    ],
  },
  'exploit.technique': {
    seen: [
      'How was {s} exploited?',
      'What technique was used against {s}?',
      'What went wrong at {s}?',
      'How did the attack on {s} work?',
      'Which weakness was used at {s}?',
    ],
    heldOut: [
      'How was {s} hacked?',
      'How did the attackers exploit {s}?',
      'What was the cause of the {s} exploit?',
      'Which technique did the {s} attackers use?',
    ],
    statements: [
      'The technique used against {s} was {v}.',
      '{s} was exploited through {v}.',
      'The attack on {s}: {v}.',
      'What went wrong at {s} was {v}.',
      'Attackers used {v} against {s}.',
    ],
  },
  'exploit.date': {
    seen: [
      'When was {s} exploited?',
      'When did the attack on {s} happen?',
      'In which month was {s} exploited?',
      'What is the date of the {s} exploit?',
    ],
    heldOut: [
      'When was {s} hacked?',
      'When did {s} lose its funds?',
      'What was the date of the {s} attack?',
      'In what month and year was {s} exploited?',
    ],
    statements: [
      '{s} was exploited in {v}.',
      'In {v} attackers exploited {s}.',
      'The attack on {s} happened in {v}.',
      'The {s} exploit dates from {v}.',
    ],
  },
  'exploit.chain': {
    seen: [
      'On which chain was {s} exploited?',
      'Which chain was {s} on?',
      'Where did the {s} exploit happen?',
      'What chain did {s} run on?',
    ],
    heldOut: [
      'On what blockchain was {s} attacked?',
      'Which network was {s} on?',
      'On which chain did the {s} attack happen?',
      'What blockchain was {s} on?',
    ],
    statements: [
      '{s} was exploited on {v}.',
      'The {s} exploit happened on {v}.',
      '{s} ran on {v}.',
      'The chain of the {s} attack was {v}.',
    ],
  },
  'term.meaning': {
    seen: [
      'What does {s} mean?',
      'What is {s}?',
      'What is the meaning of {s}?',
      'How is {s} defined?',
      'What is meant by {s}?',
    ],
    heldOut: [
      'What do lawyers mean by {s}?',
      'How would you define {s}?',
      'What is the definition of {s}?',
      'What does the term {s} mean?',
    ],
    statements: [
      'The term {s} means {v}.',
      'In law, {s} means {v}.',
      'The meaning of {s} is {v}.',
      '{s} means {v}.',
      'By {s} lawyers mean {v}.',
      'The definition of {s}: {v}.',
    ],
  },
  'term.field': {
    seen: [
      'Which field of law uses {s}?',
      'In which field of law is {s} used?',
      'What area of law is {s} from?',
      'To which field does {s} belong?',
    ],
    heldOut: [
      'Which branch of law does {s} belong to?',
      'What field of law is {s} part of?',
      'Where in the law is {s} used?',
      'In what area of law do you find {s}?',
    ],
    statements: [
      'The term {s} belongs to {v}.',
      'In {v} there is the term {s}.',
      '{s} is a term of {v}.',
      'The field of {s} is {v}.',
    ],
  },
  'health.meaning': {
    seen: ['What is {s}?', 'What does {s} mean?', 'What is meant by {s}?', 'How is {s} defined?', 'What is the meaning of {s}?'],
    heldOut: [
      'What do doctors mean by {s}?',
      'How would you define {s}?',
      'What is the definition of {s}?',
      'How would you explain {s}?',
    ],
    statements: [
      'The meaning of {s} is {v}.',
      'In medicine, {s} is {v}.',
      '{s} is {v}.',
      'Doctors say that {s} is {v}.',
      'The definition of {s}: {v}.',
    ],
  },
  'health.cause': {
    seen: [
      'What causes {s}?',
      'What is the cause of {s}?',
      'Why do people get {s}?',
      'What leads to {s}?',
      'How does {s} come about?',
    ],
    heldOut: [
      'What brings about {s}?',
      'What is {s} caused by?',
      'How do people get {s}?',
      'What is the reason for {s}?',
    ],
    statements: [
      'The cause of {s} is {v}.',
      '{s} is caused by {v}.',
      'People get {s} from {v}.',
      'What leads to {s} is {v}.',
    ],
  },
  'health.role': {
    seen: [
      'What does {s} do?',
      'What is the role of {s}?',
      'What is {s} for?',
      'What is the job of {s}?',
      'What work does {s} do?',
    ],
    heldOut: [
      'What is the function of {s}?',
      'What does {s} do in the body?',
      'What is the purpose of {s}?',
      'What task does {s} have?',
    ],
    statements: [
      'The role of {s}: {v}.',
      'The job of {s} in the body: {v}.',
      'What {s} does: {v}.',
      'In the body, the work of {s} is this: {v}.',
    ],
  },
  'health.place': {
    seen: [
      'Where is {s}?',
      'Where is {s} found?',
      'Where in the body is {s}?',
      'In which place is {s}?',
      'What is the place of {s}?',
    ],
    heldOut: [
      'Where in the body is {s} found?',
      'Where can {s} be found?',
      'Where is {s} located?',
      'In what part of the body is {s}?',
    ],
    statements: [
      'The place of {s} in the body: {v}.',
      'Where {s} is found: {v}.',
      'In the body, {s} has this place: {v}.',
      '{s} has its place here: {v}.',
    ],
  },
  'health.source': {
    seen: [
      'What is a source of {s}?',
      'Where do we get {s} from?',
      'Which food gives {s}?',
      'What gives us {s}?',
      'Where does {s} come from?',
    ],
    heldOut: [
      'What is a good source of {s}?',
      'From what do people get {s}?',
      'Which foods contain {s}?',
      'Where can we find {s}?',
    ],
    statements: [
      'A source of {s} is {v}.',
      'People get {s} from {v}.',
      'The source of {s}: {v}.',
      '{s} comes from {v}.',
    ],
  },
  'health.prevention': {
    seen: [
      'What helps prevent {s}?',
      'What prevents {s}?',
      'How can {s} be prevented?',
      'What protects against {s}?',
      'How do people prevent {s}?',
    ],
    heldOut: [
      'How can people avoid {s}?',
      'What keeps {s} away?',
      'What is a way to prevent {s}?',
      'What helps to avoid {s}?',
    ],
    statements: [
      'What helps prevent {s} is {v}.',
      'Prevention of {s}: {v}.',
      'People prevent {s} with {v}.',
      '{s} is prevented by {v}.',
    ],
  },
} as const satisfies Record<string, Phrasings>;

/** Attributes of ordinary life, so that other people's records about anything find their form too. */
export const GENERAL_PHRASINGS = {
  'person.birthplace': {
    seen: ['Where was {s} born?', 'What is the birthplace of {s}?', 'In which town was {s} born?', 'Where is {s} from?'],
    heldOut: ['Where did {s} come into the world?', 'Which town is {s} from?'],
    statements: ['{s} was born in {v}.', 'The birthplace of {s} is {v}.', '{s} comes from {v}.'],
  },
  'person.birthday': {
    seen: ['When was {s} born?', 'What is the birth date of {s}?', 'What is the birthday of {s}?', 'On what day was {s} born?'],
    heldOut: ['When is the birthday of {s}?', 'On which date was {s} born?'],
    statements: ['{s} was born on {v}.', 'The birthday of {s} is {v}.', 'On {v} {s} was born.'],
  },
  'person.profession': {
    seen: ['What is the profession of {s}?', 'What does {s} do for a living?', 'What is the job of {s}?', 'What work does {s} do?'],
    heldOut: ['How does {s} earn a living?', 'What is the occupation of {s}?'],
    statements: ['{s} works as {v}.', 'The profession of {s} is {v}.', 'By profession {s} is {v}.'],
  },
  'person.employer': {
    seen: ['Who does {s} work for?', 'Where does {s} work?', 'Who employs {s}?', 'Which company does {s} work for?'],
    heldOut: ['What is the employer of {s}?', 'At which company does {s} work?'],
    statements: ['{s} works for {v}.', 'The employer of {s} is {v}.', '{v} employs {s}.'],
  },
  'person.hobby': {
    seen: ['What is the hobby of {s}?', 'What does {s} like to do?', 'What does {s} do at weekends?', 'What does {s} enjoy?'],
    heldOut: ['How does {s} spend free time?', 'What does {s} love to do?'],
    statements: ['The hobby of {s} is {v}.', '{s} enjoys {v}.', 'At weekends {s} likes {v}.'],
  },
  'person.study': {
    seen: ['What did {s} study?', 'What was the subject of {s} at university?', 'Which subject did {s} study?', 'What did {s} learn?'],
    heldOut: ['In what did {s} take a degree?', 'What field did {s} study?'],
    statements: ['{s} studied {v}.', 'The subject that {s} studied was {v}.', 'At university {s} learned {v}.'],
  },
  'company.founder': {
    seen: ['Who founded {s}?', 'Who is the founder of {s}?', 'Who started {s}?', 'By whom was {s} founded?'],
    heldOut: ['Who set up {s}?', 'Which person founded {s}?'],
    statements: ['{s} was founded by {v}.', 'The founder of {s} is {v}.', '{v} started {s}.'],
  },
  'company.seat': {
    seen: ['Where is {s} based?', 'In which town is {s} based?', 'Where is the head office of {s}?', 'Where does {s} have its office?'],
    heldOut: ['What is the home town of {s}?', 'Where are the headquarters of {s}?'],
    statements: ['{s} is based in {v}.', 'The head office of {s} is in {v}.', 'In {v} you find the office of {s}.'],
  },
  'company.year': {
    seen: ['When was {s} founded?', 'In which year was {s} founded?', 'What year did {s} start?', 'How old is {s}?'],
    heldOut: ['Since when does {s} exist?', 'In what year was {s} set up?'],
    statements: ['{s} was founded in {v}.', 'In {v} {s} was started.', 'The year of {s} is {v}.'],
  },
  'company.product': {
    seen: ['What does {s} make?', 'What does {s} sell?', 'What is the product of {s}?', 'What can one buy from {s}?'],
    heldOut: ['What does {s} produce?', 'What is {s} known for making?'],
    statements: ['{s} makes {v}.', 'The product of {s} is {v}.', '{s} is a company that sells {v}.'],
  },
  'product.price': {
    seen: ['What does {s} cost?', 'How much is {s}?', 'What is the price of {s}?', 'How much does {s} cost?'],
    heldOut: ['What do you pay for {s}?', 'For how much is {s} sold?'],
    statements: ['{s} costs {v}.', 'The price of {s} is {v}.', 'You pay {v} for {s}.'],
  },
  'product.material': {
    seen: ['What is {s} made of?', 'Which material is {s} made of?', 'What is the material of {s}?', 'From what is {s} made?'],
    heldOut: ['What is {s} built from?', 'Out of what is {s} made?'],
    statements: ['{s} is made of {v}.', 'The material of {s} is {v}.', 'They make {s} from {v}.'],
  },
  'product.colour': {
    seen: ['What colour is {s}?', 'What is the colour of {s}?', 'Which colour does {s} have?', 'In what colour is {s} sold?'],
    heldOut: ['What colour does {s} come in?', 'How is {s} coloured?'],
    statements: ['{s} is {v}.', 'The colour of {s} is {v}.', '{s} is sold in {v}.'],
  },
  'product.weight': {
    seen: ['How heavy is {s}?', 'What does {s} weigh?', 'What is the weight of {s}?', 'How much does {s} weigh?'],
    heldOut: ['How many grams or kilos is {s}?', 'What weight does {s} have?'],
    statements: ['{s} weighs {v}.', 'The weight of {s} is {v}.', '{s} has a weight of {v}.'],
  },
  'place.country': {
    seen: ['In which country is {s}?', 'Where is {s}?', 'What country is {s} in?', 'Which country does {s} belong to?'],
    heldOut: ['Where is {s} located?', 'In what land does {s} lie?'],
    statements: ['{s} is in {v}.', '{s} lies in {v}.', 'The country of {s} is {v}.'],
  },
  'place.population': {
    seen: ['How many people live in {s}?', 'What is the population of {s}?', 'How big is {s}?', 'How many people does {s} have?'],
    heldOut: ['What number of people live in {s}?', 'How large is the population of {s}?'],
    statements: ['{v} people live in {s}.', 'The population of {s} is {v}.', '{s} has {v} people.'],
  },
  'place.fame': {
    seen: ['What is {s} known for?', 'What is {s} famous for?', 'Why do people visit {s}?', 'What makes {s} famous?'],
    heldOut: ['For what is {s} known?', 'What do visitors come to {s} for?'],
    statements: ['{s} is known for {v}.', 'People visit {s} for {v}.', 'What makes {s} famous is {v}.'],
  },
  'work.author': {
    seen: ['Who wrote {s}?', 'Who is the author of {s}?', 'By whom is {s}?', 'Who is the writer of {s}?'],
    heldOut: ['Whose work is {s}?', 'Which person wrote {s}?'],
    statements: ['{s} was written by {v}.', 'The author of {s} is {v}.', '{v} wrote {s}.'],
  },
  'work.topic': {
    seen: ['What is {s} about?', 'What is the topic of {s}?', 'What does {s} describe?', 'What is the subject of {s}?'],
    heldOut: ['What does {s} deal with?', 'What can one read about in {s}?'],
    statements: ['{s} is about {v}.', 'The topic of {s} is {v}.', '{s} describes {v}.'],
  },
  'project.leader': {
    seen: ['Who leads {s}?', 'Who is the leader of {s}?', 'Who is in charge of {s}?', 'Who runs {s}?'],
    heldOut: ['Who is the head of {s}?', 'Under whom does {s} work?'],
    statements: ['{s} is led by {v}.', 'The leader of {s} is {v}.', '{v} is in charge of {s}.'],
  },
  'project.deadline': {
    seen: ['When is {s} due?', 'What is the deadline of {s}?', 'When does {s} end?', 'When must {s} be finished?'],
    heldOut: ['By when must {s} be done?', 'On what date is {s} due?'],
    statements: ['{s} is due on {v}.', 'The deadline of {s} is {v}.', '{s} ends on {v}.'],
  },
  'project.motto': {
    seen: ['What is the motto of {s}?', 'Which motto does {s} have?', 'What are the words of {s}?', 'What does {s} say?'],
    heldOut: ['Under what motto does {s} stand?', 'What is the slogan of {s}?'],
    statements: ['The motto of {s}: {v}.', '{s} has this motto: {v}.', 'The words of {s} are {v}.'],
  },
  'project.goal': {
    seen: ['What is the goal of {s}?', 'What is {s} for?', 'What does {s} want?', 'Why was {s} started?'],
    heldOut: ['What is the aim of {s}?', 'What is the purpose of {s}?'],
    statements: ['The goal of {s}: {v}.', 'The aim of {s} is {v}.', '{s} was started for this: {v}.'],
  },
} as const satisfies Record<string, Phrasings>;

export type SampleAttribute = keyof typeof SAMPLE_PHRASINGS;
export type GeneralAttribute = keyof typeof GENERAL_PHRASINGS;
export type Attribute = SampleAttribute | GeneralAttribute;

export const PHRASINGS: Readonly<Record<Attribute, Phrasings>> = { ...SAMPLE_PHRASINGS, ...GENERAL_PHRASINGS };

/** Statements that hold several attributes of one subject; slots other than `{s}` are named. */
export const COMBINED_STATEMENTS = {
  exploit: [
    '{s} on {chain} lost {loss} in {date} through {technique}.',
    'In {date} {s} on {chain} lost {loss} through {technique}.',
    'In {date} attackers used {technique} to take {loss} from {s} on {chain}.',
    'The {s} exploit on {chain} in {date} cost {loss}; the technique was {technique}.',
    'Through {technique} {s} lost {loss} on {chain} in {date}.',
  ],
  term: [
    'In {field}, {s} means {meaning}.',
    'The term {s} of {field} means {meaning}.',
    'In {field} the meaning of {s} is {meaning}.',
    '{s}, a term of {field}, means {meaning}.',
  ],
} as const;

/** Puts values into the slots of a form; a sentence begins with a capital letter. */
export function fillForm(form: string, slots: Readonly<Record<string, string>>): string {
  const text = form.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = slots[name];
    if (value === undefined) throw new RangeError(`form "${form}" needs a value for {${name}}`);
    return value;
  });
  return text.charAt(0).toUpperCase() + text.slice(1);
}
