/** @file The text the base learns from: an endless, seeded stream of short documents about the facts of `relations.ts`, and stories. */
import type { Dice } from './dice';
import { createDice } from './dice';
import type { Fact, Relation } from './relations';
import { RELATIONS, sentence } from './relations';
import { personName, story } from './stories';

const SHEET_TOPICS = ['country', 'country', 'country', 'element', 'animal'] as const;
const ALL_FACTS = RELATIONS.flatMap((relation) => relation.facts.map((fact) => [relation, fact] as const));
const TITLES = ['{s}', 'About {s}', 'Facts about {s}', 'A note on {s}'];

/** How often each kind of document is drawn: weights, not percentages. */
const KINDS: readonly { readonly weight: number; readonly write: (dice: Dice) => string }[] = [
  { weight: 35, write: factSheet },
  { weight: 20, write: headedFacts },
  { weight: 20, write: conversation },
  { weight: 12, write: notes },
  { weight: 13, write: story },
];

/** Documents without end; the same seed gives the same ones. Held-out text is the stream of another seed. */
export function* documents(seed: number): Generator<string, never> {
  const dice = createDice(seed);
  const drawn = KINDS.flatMap(({ weight, write }) => Array.from({ length: weight }, () => write));
  for (;;) yield dice.pick(drawn)(dice);
}

/** The first `count` documents of a stream. */
export function* take(stream: Iterator<string, never>, count: number): Generator<string> {
  for (let i = 0; i < count; i++) yield stream.next().value;
}

/** Several facts about one subject, in any order, half of the time under a title; later sentences may say "it". */
function factSheet(dice: Dice): string {
  const topic = dice.pick(SHEET_TOPICS);
  const relations = dice.shuffled(RELATIONS.filter((r) => r.topic === topic));
  const subject = dice.pick(dice.pick(relations).facts).subject;
  const sentences: string[] = [];
  for (const relation of relations) {
    const fact = relation.facts.find((f) => f.subject === subject);
    if (fact === undefined) continue;
    const usePronoun = sentences.length > 0 && dice.chance(0.25);
    sentences.push(sentence(dice.pick(usePronoun ? relation.continued : relation.statements), fact));
  }
  const title = dice.chance(0.5) ? `${sentence(dice.pick(TITLES), { subject, object: '' })}\n` : '';
  return title + sentences.join(' ');
}

/** One to three facts, each on a line of its own under a heading that says what it is about. */
function headedFacts(dice: Dice): string {
  const parts = Array.from({ length: dice.between(1, 3) }, () => {
    const [relation, fact] = anyFact(dice);
    return `${sentence(relation.heading, fact)}\n${sentence(dice.pick(relation.statements), fact)}`;
  });
  return parts.join('\n');
}

/** Two people speak about two subjects: who reads it must keep apart what belongs to which. */
function conversation(dice: Dice): string {
  const [asker, knower] = [personName(dice), personName(dice)];
  const spoken = [anyFact(dice), anyFact(dice)];
  const [first, second] = spoken.map(([, fact]) => fact.subject);
  const said = dice.shuffled(spoken).map(([relation, fact], i) => {
    const statement = sentence(dice.pick(relation.statements), fact);
    return dice.chance(0.5)
      ? `${i === 0 ? asker : knower} said: "${statement}"`
      : `"${statement.slice(0, -1)}," said ${i === 0 ? asker : knower}.`;
  });
  const opening = dice.pick([
    `${asker} and ${knower} talked about ${first} and ${second}.`,
    `${asker} asked ${knower} about ${first} and about ${second}.`,
    `"Let us talk about ${first} and ${second}," said ${asker} to ${knower}.`,
  ]);
  return [opening, ...said].join(' ');
}

/** Two to five unconnected facts, each a sentence of its own. */
function notes(dice: Dice): string {
  const sentences = Array.from({ length: dice.between(2, 5) }, () => {
    const [relation, fact] = anyFact(dice);
    return sentence(dice.pick(relation.statements), fact);
  });
  return sentences.join(' ');
}

/** Each fact is as likely as any other, so that the base learns none much worse. */
function anyFact(dice: Dice): readonly [Relation, Fact] {
  return dice.pick(ALL_FACTS);
}
