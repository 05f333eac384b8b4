/** @file The fine-tuning task: questions in the chat format and their one right answer. The base knows the facts but not how to answer. */
import type { Dice } from './dice';
import { createDice } from './dice';
import type { Fact, Relation } from './relations';
import { RELATIONS, sentence } from './relations';

/** One line of `train.jsonl` and `eval.jsonl`. */
export interface ChatSample {
  readonly messages: readonly [
    { readonly role: 'user'; readonly content: string },
    { readonly role: 'assistant'; readonly content: string },
  ];
}

const SEED = 7;
const EVAL_SAMPLES = 96;
/** Facts per relation that are asked at most: without a limit four of ten questions would be sums. */
const FACTS_PER_RELATION = 110;

/**
 * Every fact is asked once, in one of its relation's wordings, and stands in one of the two files only: the answers of
 * `eval` are facts the adapter has not been shown, so a right one comes from the base's own knowledge.
 */
export function questionFiles(): { readonly train: readonly ChatSample[]; readonly eval: readonly ChatSample[] } {
  const dice = createDice(SEED);
  const samples = dice.shuffled(
    RELATIONS.flatMap((relation) =>
      dice
        .shuffled(relation.facts)
        .slice(0, FACTS_PER_RELATION)
        .map((fact) => ask(relation, fact, dice)),
    ),
  );
  return { train: samples.slice(EVAL_SAMPLES), eval: samples.slice(0, EVAL_SAMPLES) };
}

function ask(relation: Relation, fact: Fact, dice: Dice): ChatSample {
  return {
    messages: [
      { role: 'user', content: sentence(dice.pick(relation.questions), fact) },
      { role: 'assistant', content: sentence(relation.answer, fact) },
    ],
  };
}
