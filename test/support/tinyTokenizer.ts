/** @file A byte-level tokenizer without merges, as the files of a checkpoint: every byte is a token, so any text can be read. */
import { BYTE_CHARACTERS } from '../../kernels/formats/tokenization/byteAlphabet';

/** 256 bytes, then the end token and padding. */
export const TINY_VOCABULARY = 258;
const SPECIAL = ['<|end|>', '<|pad|>'] as const;

/** A template with turns that end in the end token: `user: …\nassistant: …<|end|>`. */
const CHAT_TEMPLATE =
  "{% for message in messages %}{{ message.role + ': ' + message.content }}" +
  "{% if message.role == 'assistant' %}{{ eos_token }}{% else %}{{ '\\n' }}{% endif %}{% endfor %}" +
  "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}";

/** For `writeTinyModel`, with `vocab_size: TINY_VOCABULARY`. */
export function tinyTokenizerFiles(): Readonly<Record<string, string>> {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, i) => ({
      id: 256 + i,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries([...BYTE_CHARACTERS, ...SPECIAL].map((token, id) => [token, id])),
      merges: [],
    },
  };
  const config = { eos_token: SPECIAL[0], pad_token: SPECIAL[1], chat_template: CHAT_TEMPLATE };
  return { 'tokenizer.json': JSON.stringify(tokenizer), 'tokenizer_config.json': JSON.stringify(config) };
}
