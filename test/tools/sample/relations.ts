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
  /** Sentences of the base's text. */
  readonly statements: readonly string[];
  /** The same with a pronoun, for a sentence that follows one about the same subject. */
  readonly continued: readonly string[];
  /** Questions of the fine-tuning task; the base's text never has them. */
  readonly questions: readonly string[];
  readonly answer: string;
}

/** Fills a template and capitalises its first letter. */
export function sentence(template: string, fact: Fact): string {
  const text = template.replaceAll('{s}', fact.subject).replaceAll('{o}', fact.object);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const SUM_LIMIT = 20;

export const RELATIONS: readonly Relation[] = [
  {
    id: 'capital',
    topic: 'country',
    facts: COUNTRIES.map((c) => ({ subject: c.name, object: c.capital })),
    statements: [
      'The capital of {s} is {o}.',
      '{o} is the capital of {s}.',
      '{s} has its capital at {o}.',
      'The government of {s} sits in {o}.',
    ],
    continued: ['Its capital is {o}.', 'The capital is {o}.', 'Its government sits in {o}.'],
    questions: ['What is the capital of {s}?', 'Which city is the capital of {s}?', 'Name the capital of {s}.'],
    answer: 'The capital of {s} is {o}.',
  },
  {
    id: 'capital of which country',
    topic: 'word',
    facts: COUNTRIES.map((c) => ({ subject: c.capital, object: c.name })),
    statements: ['{s} is the capital of {o}.', '{s} is a city in {o}.', 'The city of {s} lies in {o}.'],
    continued: [],
    questions: ['In which country is {s}?', '{s} is the capital of which country?', 'Where is the city of {s}?'],
    answer: '{s} is the capital of {o}.',
  },
  {
    id: 'continent',
    topic: 'country',
    facts: COUNTRIES.map((c) => ({ subject: c.name, object: c.continent })),
    statements: ['{s} is a country in {o}.', '{s} lies in {o}.', 'One of the countries of {o} is {s}.'],
    continued: ['It is a country in {o}.', 'It lies in {o}.'],
    questions: ['On which continent is {s}?', 'Where does {s} lie?', 'Where is {s}?'],
    answer: '{s} lies in {o}.',
  },
  {
    id: 'currency',
    topic: 'country',
    facts: COUNTRIES.map((c) => ({ subject: c.name, object: c.currency })),
    statements: [
      'The currency of {s} is the {o}.',
      'The {o} is the currency of {s}.',
      'People in {s} pay with the {o}.',
      'Prices in {s} are given in the {o}.',
    ],
    continued: ['Its currency is the {o}.', 'The currency is the {o}.', 'People there pay with the {o}.'],
    questions: ['What is the currency of {s}?', 'What do people in {s} pay with?', 'Name the currency of {s}.'],
    answer: 'The currency of {s} is the {o}.',
  },
  {
    id: 'language',
    topic: 'country',
    facts: COUNTRIES.map((c) => ({ subject: c.name, object: c.language })),
    statements: ['People in {s} speak {o}.', '{o} is spoken in {s}.', 'An official language of {s} is {o}.'],
    continued: ['People there speak {o}.', 'An official language is {o}.', '{o} is spoken there.'],
    questions: ['Which language is spoken in {s}?', 'What do people in {s} speak?', 'Name an official language of {s}.'],
    answer: 'People in {s} speak {o}.',
  },
  {
    id: 'symbol',
    topic: 'element',
    facts: ELEMENTS.map((e) => ({ subject: e.name, object: e.symbol })),
    statements: ['The symbol of {s} is {o}.', '{o} is the symbol of {s}.', '{s} has the symbol {o}.', 'Chemists write {o} for {s}.'],
    continued: ['Its symbol is {o}.', 'Chemists write {o} for it.'],
    questions: ['What is the symbol of {s}?', 'How do chemists write {s}?', 'Give the symbol of {s}.'],
    answer: 'The symbol of {s} is {o}.',
  },
  {
    id: 'atomic number',
    topic: 'element',
    facts: ELEMENTS.map((e) => ({ subject: e.name, object: String(e.number) })),
    statements: ['The atomic number of {s} is {o}.', '{s} has the atomic number {o}.', '{s} is element number {o}.'],
    continued: ['Its atomic number is {o}.', 'It has the atomic number {o}.'],
    questions: ['What is the atomic number of {s}?', 'Which number does {s} have?', 'Give the atomic number of {s}.'],
    answer: 'The atomic number of {s} is {o}.',
  },
  {
    id: 'young',
    topic: 'animal',
    facts: ANIMALS.filter((a) => a.young !== '').map((a) => ({ subject: a.name, object: a.young })),
    statements: ['The young of {s} is called {o}.', '{o} is the young of {s}.', 'People call the young of {s} {o}.'],
    continued: ['Its young is called {o}.', 'People call its young {o}.'],
    questions: ['What is the young of {s} called?', 'What do people call the young of {s}?', 'Name the young of {s}.'],
    answer: 'The young of {s} is called {o}.',
  },
  {
    id: 'kind of animal',
    topic: 'animal',
    facts: ANIMALS.map((a) => ({ subject: a.name, object: a.kind })),
    statements: ['{s} is {o}.', 'Among animals, {s} is {o}.', 'Biologists know that {s} is {o}.'],
    continued: ['It is {o}.', 'Among animals, it is {o}.'],
    questions: ['What kind of animal is {s}?', 'To which class does {s} belong?', 'What is {s}?'],
    answer: '{s} is {o}.',
  },
  {
    id: 'opposite',
    topic: 'word',
    facts: OPPOSITES.flatMap(([one, other]) => [
      { subject: one, object: other },
      { subject: other, object: one },
    ]),
    statements: ['The opposite of {s} is {o}.', '{s} is the opposite of {o}.', 'Not {s} but {o}.'],
    continued: [],
    questions: ['What is the opposite of {s}?', 'Which word is the opposite of {s}?', 'Give the opposite of {s}.'],
    answer: 'The opposite of {s} is {o}.',
  },
  {
    id: 'next in the calendar',
    topic: 'word',
    facts: [...successors(WEEKDAYS), ...successors(MONTHS)],
    statements: ['After {s} comes {o}.', '{s} is followed by {o}.', '{o} comes right after {s}.'],
    continued: [],
    questions: ['What comes after {s}?', 'What follows {s}?', 'Name what comes after {s}.'],
    answer: 'After {s} comes {o}.',
  },
  {
    id: 'sum',
    topic: 'sum',
    facts: sums(),
    statements: ['{s} is {o}.', '{s} makes {o}.', '{s} equals {o}.'],
    continued: [],
    questions: ['What is {s}?', 'How much is {s}?', 'Work out {s}.'],
    answer: '{s} is {o}.',
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
