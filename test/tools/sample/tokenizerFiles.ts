/** @file The sample's tokenizer as Hugging Face files: `tokenizer.json` and `tokenizer_config.json` with the chat template. */
import type { Merge } from './bpe';
import { trainMerges } from './bpe';
import { BYTE_SYMBOLS_IN_VOCABULARY } from './byteAlphabet';

/** Ids 0 to 3. The first ends a document and a turn; the others open a turn. */
export const SPECIAL_TOKENS = ['<|end|>', '<|user|>', '<|assistant|>', '<|system|>'] as const;
export const END_ID = 0;

/** One line break after the role and after the turn's end, as most chat models have it. */
const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}";

/** Learns a vocabulary of at most `vocabSize` tokens, special tokens and single bytes included, and returns `tokenizer.json`. */
export function trainTokenizer(texts: Iterable<string>, vocabSize: number): TokenizerJson {
  const fixed = [...SPECIAL_TOKENS, ...BYTE_SYMBOLS_IN_VOCABULARY];
  return tokenizerJson(trainMerges(texts, vocabSize - fixed.length), fixed);
}

export type TokenizerJson = ReturnType<typeof tokenizerJson>;

function tokenizerJson(merges: readonly Merge[], fixed: readonly string[]) {
  const vocabulary = [...fixed, ...merges.map(([left, right]) => left + right)];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel()],
    },
    post_processor: null,
    decoder: byteLevel(),
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges,
    },
  };
}

function byteLevel() {
  return { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
}

/** `tokenizer_config.json`; `maxLength` in tokens. */
export function tokenizerConfigJson(maxLength: number) {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: maxLength,
    add_prefix_space: false,
    clean_up_tokenization_spaces: false,
    eos_token: SPECIAL_TOKENS[END_ID],
    pad_token: SPECIAL_TOKENS[END_ID],
    additional_special_tokens: SPECIAL_TOKENS.slice(1),
    chat_template: CHAT_TEMPLATE,
  };
}
