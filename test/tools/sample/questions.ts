/** @file The fine-tuning task: questions in the chat format and their one right answer. The base knows the facts but not how to answer. */
import { createDice } from './dice';
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
/**
 * A fact is asked once, in one of its relation's wordings, in one of the two files. The answers of `eval` are facts that
 * the adapter has not been shown, nor the other way round (the country of a capital), so a right one comes from the base.
 */
export function questionFiles(): { readonly train: readonly ChatSample[]; readonly eval: readonly ChatSample[] } {
  const dice = createDice(SEED);
  const questions = RELATIONS.flatMap(({ asked, facts }) =>
    asked === undefined
      ? []
      : facts.map((fact) => ({
          names: [fact.subject, fact.object].sort().join(' / '),
          sample: chat(sentence(dice.pick(asked.questions), fact), sentence(asked.answer, fact)),
        })),
  );
  const shuffled = dice.shuffled(questions);
  const held = shuffled.slice(0, EVAL_SAMPLES);
  const heldNames = new Set(held.map((question) => question.names));
  const shown = shuffled.slice(EVAL_SAMPLES).filter((question) => !heldNames.has(question.names));
  return { train: shown.map((question) => question.sample), eval: held.map((question) => question.sample) };
}

function chat(question: string, answer: string): ChatSample {
  return {
    messages: [
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ],
  };
}
