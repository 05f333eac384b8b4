/** @file The configuration of the smallest llama that has everything: grouped queries, a head of its own, odd widths. */

export const TINY_CONFIG = {
  model_type: 'llama',
  vocab_size: 37,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 6,
  rms_norm_eps: 1e-5,
  max_position_embeddings: 64,
  tie_word_embeddings: false,
  torch_dtype: 'float32',
};

/** For a config of another family: none of these fields. */
export const NOT_LLAMA: Readonly<Record<string, undefined>> = Object.fromEntries(
  Object.keys(TINY_CONFIG).map((key) => [key, undefined]),
);
