/** @file The text the base learns from: an endless, seeded stream of short documents about the facts of `relations.ts`, and stories. */
import type { Dice } from './dice';
import { createDice } from './dice';
import type { Fact, Relation } from './relations';
import { RELATIONS, sentence } from './relations';
import { story } from './stories';

/** How often each kind of document is drawn. */
const SHARES = { sheet: 0.45, notes: 0.37, story: 0.18 };
const SHEET_TOPICS = ['country', 'country', 'country', 'element', 'animal'] as const;

/** Documents without end; the same seed gives the same ones. Held-out text is the stream of another seed. */
export function* documents(seed: number): Generator<string, never> {
  const dice = createDice(seed);
  for (;;) yield nextDocument(dice);
}

function nextDocument(dice: Dice): string {
  if (dice.chance(SHARES.story)) return story(dice);
  return dice.chance(SHARES.sheet / (SHARES.sheet + SHARES.notes)) ? factSheet(dice) : notes(dice);
}

/** Several facts about one subject, in any order; later sentences may say "it". */
function factSheet(dice: Dice): string {
  const topic = dice.pick(SHEET_TOPICS);
  const relations = dice.shuffled(RELATIONS.filter((r) => r.topic === topic));
  const subject = dice.pick(dice.pick(relations).facts).subject;
  const sentences: string[] = [];
  for (const relation of relations) {
    const fact = relation.facts.find((f) => f.subject === subject);
    if (fact === undefined) continue;
    const usePronoun = sentences.length > 0 && dice.chance(0.4);
    sentences.push(sentence(dice.pick(usePronoun ? relation.continued : relation.statements), fact));
  }
  return sentences.join(' ');
}

/** Two to five unconnected facts, each a sentence of its own. */
function notes(dice: Dice): string {
  const length = dice.between(2, 5);
  return Array.from({ length }, () => randomStatement(dice)).join(' ');
}

function randomStatement(dice: Dice): string {
  const relation: Relation = dice.pick(RELATIONS);
  const fact: Fact = dice.pick(relation.facts);
  return sentence(dice.pick(relation.statements), fact);
}
