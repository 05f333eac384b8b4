/** @file What the sample world knows: each relation with its facts, the sentences that state one, and the questions that ask for it. */
import { ANIMALS } from './world/animals';
import { COUNTRIES } from './world/countries';
import { ELEMENTS } from './world/elements';
import { MONTHS, OPPOSITES, WEEKDAYS } from './world/words';

/** One fact: `Paris` (object) is the capital of `France` (subject). */
export interface Fact {
  readonly subject: string;
  readonly object: string;
}

/** In every template `{s}` stands for the subject and `{o}` for the object; `sentence` makes the first letter a capital. */
export interface Relation {
  readonly id: string;
  /** Facts of one topic can stand together in a document about their subject. */
  readonly topic: 'country' | 'element' | 'animal' | 'word' | 'sum';
  readonly facts: readonly Fact[];
  /** Names what the fact says, without saying it: a title over a statement. */
  readonly heading: string;
  /** Sentences of the base's text. */
  readonly statements: readonly string[];
  /** The same with a pronoun, for a sentence that follows one about the same subject. */
  readonly continued: readonly string[];
  /**
   * Questions of the fine-tuning task, which the base's text never has, and the form of their answer. Without it nobody
   * asks: a model of this size confuses sums, numbers and the two ends of a pair of opposites, whatever it is asked.
   */
  readonly asked?: { readonly questions: readonly string[]; readonly answer: string };
}

/** Fills a template and capitalises its first letter. */
export function sentence(template: string, fact: Fact): string {
  const text = template.replaceAll('{s}', fact.subject).replaceAll('{o}', fact.object);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const SUM_LIMIT = 10;

export const RELATIONS: readonly Relation[] = [
  {
    id: 'capital',
    topic: 'country',
    facts: COUNTRIES.map((c) => ({ subject: c.name, object: c.capital })),
    heading: 'The capital of {s}',
    statements: [
      'The capital of {s} is {o}.',
      '{o} is the capital of {s}.',
      '{s} has its capital at {o}.',
      'The government of {s} sits in {o}.',
    ],
    continued: ['Its capital is {o}.', 'The capital is {o}.', 'Its government sits in {o}.'],
    asked: {
      questions: ['What is the capital of {s}?', 'Which city is the capital of {s}?', 'Name the capital of {s}.'],
      answer: 'The capital of {s} is {o}.',
    },
  },
  {
    id: 'capital of which country',
    topic: 'word',
    facts: COUNTRIES.map((c) => ({ subject: c.capital, object: c.name })),
    heading: 'The country of {s}',
    statements: ['{s} is the capital of {o}.', '{s} is a city in {o}.', 'The city of {s} lies in {o}.'],
    continued: [],
    asked: {
      questions: ['In which country is {s}?', 'Which country has {s} as its capital?', 'Where is the city of {s}?'],
      answer: 'The city of {s} lies in {o}.',
    },
  },
  {
    id: 'continent',
    topic: 'country',
    facts: COUNTRIES.map((c) => ({ subject: c.name, object: c.continent })),
    heading: 'The place of {s} on the map',
    statements: ['{s} is a country in {o}.', '{s} lies in {o}.', 'On the map, {s} lies in {o}.'],
    continued: ['It is a country in {o}.', 'It lies in {o}.'],
    asked: {
      questions: ['On which continent is {s}?', 'Where does {s} lie?', 'Where is {s}?'],
      answer: 'On the map, {s} lies in {o}.',
    },
  },
  {
    id: 'currency',
    topic: 'country',
    facts: COUNTRIES.map((c) => ({ subject: c.name, object: c.currency })),
    heading: 'The currency of {s}',
    statements: [
      'The currency of {s} is the {o}.',
      'The {o} is the currency of {s}.',
      'People in {s} pay with the {o}.',
      'Prices in {s} are given in the {o}.',
    ],
    continued: ['Its currency is the {o}.', 'The currency is the {o}.', 'People there pay with the {o}.'],
    asked: {
      questions: ['What is the currency of {s}?', 'What do people in {s} pay with?', 'Name the currency of {s}.'],
      answer: 'The currency of {s} is the {o}.',
    },
  },
  {
    id: 'language',
    topic: 'country',
    facts: COUNTRIES.map((c) => ({ subject: c.name, object: c.language })),
    heading: 'The language of {s}',
    statements: ['People in {s} speak {o}.', '{o} is spoken in {s}.', 'An official language of {s} is {o}.'],
    continued: ['People there speak {o}.', 'An official language is {o}.', '{o} is spoken there.'],
    asked: {
      questions: [
        'Which language is spoken in {s}?',
        'What do people in {s} speak?',
        'Name an official language of {s}.',
      ],
      answer: 'People in {s} speak {o}.',
    },
  },
  {
    id: 'symbol',
    topic: 'element',
    facts: ELEMENTS.map((e) => ({ subject: e.name, object: e.symbol })),
    heading: 'The symbol of {s}',
    statements: [
      'The symbol of {s} is {o}.',
      '{o} is the symbol of {s}.',
      '{s} has the symbol {o}.',
      'Chemists write {o} for {s}.',
    ],
    continued: ['Its symbol is {o}.', 'Chemists write {o} for it.'],
    asked: {
      questions: ['What is the symbol of {s}?', 'How do chemists write {s}?', 'Give the symbol of {s}.'],
      answer: 'The symbol of {s} is {o}.',
    },
  },
  {
    id: 'atomic number',
    topic: 'element',
    facts: ELEMENTS.map((e) => ({ subject: e.name, object: String(e.number) })),
    heading: 'The atomic number of {s}',
    statements: ['The atomic number of {s} is {o}.', '{s} has the atomic number {o}.', '{s} is element number {o}.'],
    continued: ['Its atomic number is {o}.', 'It has the atomic number {o}.'],
  },
  {
    id: 'young',
    topic: 'animal',
    facts: ANIMALS.filter((a) => a.young !== '').map((a) => ({ subject: a.name, object: a.young })),
    heading: 'The young of {s}',
    statements: ['The young of {s} is called {o}.', '{o} is the young of {s}.', 'People call the young of {s} {o}.'],
    continued: ['Its young is called {o}.', 'People call its young {o}.'],
    asked: {
      questions: [
        'What is the young of {s} called?',
        'What do people call the young of {s}?',
        'Name the young of {s}.',
      ],
      answer: 'The young of {s} is called {o}.',
    },
  },
  {
    id: 'kind of animal',
    topic: 'animal',
    facts: ANIMALS.map((a) => ({ subject: a.name, object: a.kind })),
    heading: 'The class of {s}',
    statements: ['{s} is {o}.', 'Among animals, {s} is {o}.', 'Biologists know that {s} is {o}.'],
    continued: ['It is {o}.', 'Among animals, it is {o}.'],
    asked: {
      questions: ['What kind of animal is {s}?', 'To which class does {s} belong?', 'What is {s}?'],
      answer: 'Among animals, {s} is {o}.',
    },
  },
  {
    id: 'opposite',
    topic: 'word',
    facts: OPPOSITES.flatMap(([one, other]) => [
      { subject: one, object: other },
      { subject: other, object: one },
    ]),
    heading: 'The opposite of {s}',
    statements: ['The opposite of {s} is {o}.', '{s} is the opposite of {o}.', 'Not {s} but {o}.'],
    continued: [],
  },
  {
    id: 'next in the calendar',
    topic: 'word',
    facts: [...successors(WEEKDAYS), ...successors(MONTHS)],
    heading: 'The successor of {s}',
    statements: ['After {s} comes {o}.', '{s} is followed by {o}.', '{o} comes right after {s}.'],
    continued: [],
  },
  {
    id: 'sum',
    topic: 'sum',
    facts: sums(),
    heading: 'The value of {s}',
    statements: ['The value of {s} is {o}.', '{s} is {o}.', '{s} makes {o}.', '{s} equals {o}.'],
    continued: [],
  },
];

function successors(cycle: readonly string[]): Fact[] {
  return cycle.map((subject, i) => ({ subject, object: cycle[(i + 1) % cycle.length] ?? subject }));
}

function sums(): Fact[] {
  const facts: Fact[] = [];
  for (let a = 0; a <= SUM_LIMIT; a++) {
    for (let b = 0; b <= SUM_LIMIT; b++) facts.push({ subject: `${a} plus ${b}`, object: String(a + b) });
  }
  return facts;
}
