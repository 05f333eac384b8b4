/** @file What the GGUF file of SmolLM2-135M-Instruct says, in Hugging Face's terms: config, tokenizer, names, row order. */
import { listFact, numberFact, stringFact, type Gguf } from './gguf';

export type CheckpointDtype = 'f32' | 'f16' | 'bf16';

const TORCH_NAMES: Readonly<Record<CheckpointDtype, string>> = { f32: 'float32', f16: 'float16', bf16: 'bfloat16' };

const LAYER_PARTS: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  ffn_norm: 'post_attention_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

/** `blk.3.attn_q.weight` -> `model.layers.3.self_attn.q_proj.weight`. */
export function huggingFaceName(name: string): string {
  if (name === 'token_embd.weight') return 'model.embed_tokens.weight';
  if (name === 'output_norm.weight') return 'model.norm.weight';
  const [, layer, part = ''] = /^blk\.(\d+)\.(\w+)\.weight$/.exec(name) ?? [];
  const known = LAYER_PARTS[part];
  if (layer === undefined || known === undefined) throw new Error(`tensor ${name} has no place in a llama checkpoint`);
  return `model.layers.${layer}.${known}.weight`;
}

/** Attention heads whose rows `halvesFirst` must reorder, or null: only queries and keys are rotated. */
export function rotatedHeads(gguf: Gguf, name: string): number | null {
  if (name.includes('.attn_q.')) return numberFact(gguf, 'llama.attention.head_count');
  if (name.includes('.attn_k.')) return numberFact(gguf, 'llama.attention.head_count_kv');
  return null;
}

/**
 * GGUF keeps the two rows of a rotary pair next to each other; Hugging Face keeps all first rows of a head, then all
 * second rows. Values and result are [rows, columns].
 */
export function halvesFirst(values: Float32Array, heads: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  const headRows = values.length / columns / heads;
  const half = headRows / 2;
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < headRows; row++) {
      const source = head * headRows + 2 * (row % half) + Math.floor(row / half);
      out.set(values.subarray(source * columns, (source + 1) * columns), (head * headRows + row) * columns);
    }
  }
  return out;
}

/** `config.json` */
export function modelConfig(gguf: Gguf, dtype: CheckpointDtype): Readonly<Record<string, unknown>> {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_act: 'silu',
    hidden_size: numberFact(gguf, 'llama.embedding_length'),
    intermediate_size: numberFact(gguf, 'llama.feed_forward_length'),
    num_hidden_layers: numberFact(gguf, 'llama.block_count'),
    num_attention_heads: numberFact(gguf, 'llama.attention.head_count'),
    num_key_value_heads: numberFact(gguf, 'llama.attention.head_count_kv'),
    vocab_size: numberFact(gguf, 'llama.vocab_size'),
    max_position_embeddings: numberFact(gguf, 'llama.context_length'),
    rope_theta: numberFact(gguf, 'llama.rope.freq_base'),
    rope_scaling: null,
    rms_norm_eps: 1e-5, // the file has it as float32, 9.99999974e-6; the published config says 1e-5
    tie_word_embeddings: true,
    attention_bias: false,
    mlp_bias: false,
    bos_token_id: numberFact(gguf, 'tokenizer.ggml.bos_token_id'),
    eos_token_id: numberFact(gguf, 'tokenizer.ggml.eos_token_id'),
    pad_token_id: numberFact(gguf, 'tokenizer.ggml.padding_token_id'),
    initializer_range: 0.041666666666666664,
    torch_dtype: TORCH_NAMES[dtype],
    use_cache: true,
  };
}

/** `tokenizer.json`: byte-level BPE; GGUF marks special tokens with type 3. */
export function tokenizerFile(gguf: Gguf): Readonly<Record<string, unknown>> {
  const tokens = listFact(gguf, 'tokenizer.ggml.tokens').map(String);
  const kinds = listFact(gguf, 'tokenizer.ggml.token_type');
  const addedTokens = tokens
    .map((content, id) => ({ id, content }))
    .filter(({ id }) => kinds[id] === 3)
    .map((token) => ({ ...token, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }));
  const byteLevel = { type: 'ByteLevel', trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens,
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Digits', individual_digits: true },
        { ...byteLevel, add_prefix_space: false },
      ],
    },
    post_processor: null,
    decoder: { ...byteLevel, add_prefix_space: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: listFact(gguf, 'tokenizer.ggml.merges').map((merge) => String(merge).split(' ')),
    },
  };
}

/** `tokenizer_config.json` with the chat template. */
export function tokenizerConfig(gguf: Gguf): Readonly<Record<string, unknown>> {
  const tokens = listFact(gguf, 'tokenizer.ggml.tokens');
  const tokenOf = (role: string) => tokens[numberFact(gguf, `tokenizer.ggml.${role}_token_id`)];
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: numberFact(gguf, 'llama.context_length'),
    add_prefix_space: false,
    bos_token: tokenOf('bos'),
    eos_token: tokenOf('eos'),
    pad_token: tokenOf('padding'),
    unk_token: tokenOf('unknown'),
    clean_up_tokenization_spaces: false,
    chat_template: stringFact(gguf, 'tokenizer.chat_template'),
  };
}
