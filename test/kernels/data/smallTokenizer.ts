/** @file A byte-level tokenizer of a few tokens, with or without a start token and a chat template. */
import { ChatTemplate } from '../../../kernels/formats/chatTemplate';
import { CheckpointTokenizer } from '../../../kernels/formats/tokenizer';
import { BYTE_CHARACTERS } from '../../../kernels/formats/tokenization/byteAlphabet';

const SPECIAL = ['<pad>', '<s>', '</s>', '<|im_start|>', '<|im_end|>'];

export const CHATML =
  "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/** Llama 3 style: the start token is the template's, turns end with the end token and nothing behind it. */
export const WITH_START =
  "{{ bos_token }}{% for m in messages %}{{ '[' + m['role'] + ']' + m['content'] + '</s>' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '[assistant]' }}{% endif %}";

/** Writes answers of earlier turns without their first letter, as some templates drop earlier thoughts. */
export const REWRITES_HISTORY =
  "{% for m in messages %}{{ '[' + m['role'] + ']' + (m['content'][1:] if m['role'] == 'assistant' and not loop.last else m['content']) }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '[assistant]' }}{% endif %}";

/** Its generation prompt is not how it begins a turn of the assistant. */
export const OTHER_PROMPT =
  "{% for m in messages %}{{ m['role'] + ':' + m['content'] }}{% endfor %}{% if add_generation_prompt %}{{ '>' }}{% endif %}";

export interface SmallTokenizerOptions {
  readonly addsStart?: boolean;
  readonly template?: string;
  readonly eos?: string | null;
}

/** Every byte is a token: "a" has the id 102 (5 special tokens before the bytes). */
export function smallTokenizer({ addsStart = false, template, eos = '</s>' }: SmallTokenizerOptions = {}) {
  const tokens = [...SPECIAL, ...BYTE_CHARACTERS];
  const names = { bos_token: '<s>', pad_token: '<pad>', ...(eos === null ? {} : { eos_token: eos }) };
  const file = {
    added_tokens: SPECIAL.map((content, id) => ({ id, content, special: true })),
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    decoder: { type: 'ByteLevel' },
    post_processor: addsStart
      ? {
          type: 'TemplateProcessing',
          single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
          pair: [],
          special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
        }
      : null,
    model: { type: 'BPE', vocab: Object.fromEntries(tokens.map((t, id) => [t, id])), merges: [] },
  };
  const chatTemplate = template === undefined ? undefined : new ChatTemplate(template, names);
  return new CheckpointTokenizer(file, names, JSON.stringify([addsStart, template, eos]), [], chatTemplate);
}
