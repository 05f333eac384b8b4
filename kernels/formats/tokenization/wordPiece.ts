/** @file WordPiece: a word is cut from its beginning into the longest tokens there are; later ones bear a prefix (`##ing`). */
import { codePointEnd, codePointStart } from './alignedText';
import { asId, asJson, asText, textOr, unsupported, type Json } from './json';
import type { TokenModel, Word } from './model';

/** Longer words are not looked at, as in the original. */
const LONGEST_WORD = 100;

/** Throws `format/invalid` for a vocabulary without its unknown token. */
export function buildWordPiece(config: Json): TokenModel {
  const entries = Object.entries(asJson(config['vocab'], 'model.vocab'));
  const vocabulary = new Map(entries.map(([token, id]) => [token, asId(id, `the id of ${token}`)]));
  const prefix = textOr(config['continuing_subword_prefix'], '##');
  const most =
    config['max_input_chars_per_word'] === undefined
      ? LONGEST_WORD
      : asId(config['max_input_chars_per_word'], 'model.max_input_chars_per_word');
  const unknownToken = asText(config['unk_token'], 'model.unk_token');
  const unknown = vocabulary.get(unknownToken);
  if (unknown === undefined) throw unsupported('model.unk_token', unknownToken, ['a token of model.vocab']);

  return {
    vocabulary,
    encode: (word): Word => {
      // One unknown piece makes the whole word unknown.
      const whole: Word = { ids: [unknown], ranges: [0, word.length] };
      if ([...word].length > most) return whole;
      const ids: number[] = [];
      const ranges: number[] = [];
      for (let start = 0; start < word.length;) {
        let end = word.length;
        let id: number | undefined;
        while (end > start) {
          id = vocabulary.get((start === 0 ? '' : prefix) + word.slice(start, end));
          if (id !== undefined) break;
          end = codePointStart(word, end);
        }
        if (id === undefined) return whole;
        ids.push(id);
        ranges.push(start, end);
        start = Math.max(end, codePointEnd(word, start));
      }
      return { ids, ranges };
    },
  };
}
