/** @file Tiny base models with biases of their own, one of each kind of family, for methods that train them. */
import { NOT_LLAMA } from './tinyConfig';
import { writeTinyModel } from './tinyModel';
import { TINY_VOCABULARY, tinyTokenizerFiles } from './tinyTokenizer';

const common = { vocab_size: TINY_VOCABULARY, eos_token_id: 256 };

/** Folders by family; they are removed when the test file is done. */
export const biasedModels = () => ({
  llama: writeTinyModel({
    config: { ...common, max_position_embeddings: 96, attention_bias: true },
    files: tinyTokenizerFiles(),
  }),
  gpt2: writeTinyModel({
    config: { ...NOT_LLAMA, ...common, model_type: 'gpt2', n_embd: 16, n_head: 4, n_layer: 3, n_positions: 96 },
    files: tinyTokenizerFiles(),
  }),
});
